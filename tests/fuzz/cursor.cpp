#include "http/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace jobd;

/// A cursor that is taken is exactly the one that was given out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = std::string_view{reinterpret_cast<const char*>(data), size};
  const auto id = http::parse_cursor(text);
  if (id && (*id < 1 || http::to_cursor(*id) != text))
    std::abort();
  return 0;
}
