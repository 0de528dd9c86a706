#include "http/cursor.hpp"
#include "tests/fuzz/target.hpp"

using namespace jobd;
using fuzz::ensure;

/// A cursor that is taken is exactly the one that was given out, and each one that is given out is taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto id = http::parse_cursor(text))
    ensure(*id >= 1 && http::to_cursor(*id) == text);

  auto id = job_id{0};
  text.copy(reinterpret_cast<char*>(&id), sizeof id);
  ensure(http::parse_cursor(http::to_cursor(id)) == (id < 1 ? std::nullopt : std::optional{id}));
  return 0;
}
