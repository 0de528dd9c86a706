#include "http/query.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace jobd;
using http::parameter;

/// What a query says is what the address of its next page says, but for the place where that begins.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr auto all =
      http::parameters{parameter::status,        parameter::type,  parameter::queue,  parameter::object_id,
                       parameter::created_after, parameter::limit, parameter::cursor, parameter::wait};
  const auto q = http::parse_query({reinterpret_cast<const char*>(data), size}, all);
  if (!q) {
    if (q.error().rule.empty())
      std::abort();
    return 0;
  }
  const auto next = http::next_page(*q, 7);
  const auto again = http::parse_query(next, all);
  if (!again || again->before != 7 || http::next_page(*again, 7) != next)
    std::abort();
  return 0;
}
