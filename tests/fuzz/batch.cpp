#include "core/json_text.hpp"
#include "http/batch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace jobd;

/// Any text is a batch or a failure that says why; what is taken keeps to its limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::string_view{reinterpret_cast<const char*>(data), size};
  for (const auto format : {http::batch_format::array, http::batch_format::lines}) {
    const auto jobs = http::parse_batch(body, format);
    if (!jobs && (jobs.error().code != ec::invalid || jobs.error().context.empty()))
      std::abort();
    if (!jobs)
      continue;
    if (jobs->empty() || jobs->size() > limits::batch_jobs)
      std::abort();
    for (const auto& j : *jobs)
      if (!validate(j) || (!j.payload.empty() && !check_json(j.payload)))
        std::abort();
  }
  return 0;
}
