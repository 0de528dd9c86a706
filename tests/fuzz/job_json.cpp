#include "core/json_text.hpp"
#include "http/json.hpp"
#include "tests/fuzz/submission.hpp"
#include "tests/fuzz/target.hpp"

#include <tao/json.hpp>

using namespace jobd;
using fuzz::ensure;

namespace {

/// The payload is cut out of the body as text: it must be what a parser finds there.
void payload_is_that_of(const job_spec& spec, std::string_view body) {
  const auto whole = tao::json::from_string(body);
  const auto* const found = whole.find("payload");
  if (spec.payload.empty())
    return ensure(!found || found->is_null());
  ensure(check_json(spec.payload).has_value());
  ensure(found && *found == tao::json::from_string(spec.payload));
}

/// As the API shows a job that was asked for so.
std::string shown(const job_spec& spec) {
  auto j = job{};
  j.object_id = spec.object_id;
  j.queue = spec.queue;
  j.type = spec.type;
  if (!spec.payload.empty())
    j.payload = spec.payload;
  j.run_at = spec.run_at;
  j.timeout = spec.timeout;
  return http::to_json(j);
}

} // namespace

/// Any text is a job or a failure that says why. What is taken keeps to its limits, is the same job when it
/// is submitted again, and can be shown as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text_of(data, size);
  const auto spec = http::parse_job_spec(body);
  if (!spec) {
    const auto& why = spec.error().context;
    ensure(spec.error().code == ec::invalid && !why.empty() && is_utf8(why));
    ensure(why.find('\n') == why.npos);
    ensure(!why.starts_with("the body is not valid") || !check_json(body));
    return 0;
  }
  ensure(validate(*spec).has_value());
  payload_is_that_of(*spec, body);
  const auto again = http::parse_job_spec(fuzz::submission(*spec));
  ensure(again && *again == *spec);
  ensure(tao::json::from_string(shown(*spec)).is_object());
  return 0;
}
