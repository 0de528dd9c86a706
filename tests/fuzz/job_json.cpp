#include "core/json_text.hpp"
#include "http/json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace jobd;

/// Any text is a job or a failure that says why; what is taken keeps to its limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto spec = http::parse_job_spec({reinterpret_cast<const char*>(data), size});
  if (!spec) {
    if (spec.error().code != ec::invalid || spec.error().context.empty() || !is_utf8(spec.error().context))
      std::abort();
    return 0;
  }
  if (!validate(*spec) || (!spec->payload.empty() && !check_json(spec->payload)))
    std::abort();
  return 0;
}
