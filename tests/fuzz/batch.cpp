#include "core/json_text.hpp"
#include "http/batch.hpp"
#include "tests/fuzz/submission.hpp"
#include "tests/fuzz/target.hpp"

#include <tao/json.hpp>

using namespace jobd;
using fuzz::ensure;
using http::batch_format;

namespace {

void says_why(const error& e, std::string_view body, batch_format format) {
  ensure(e.code == ec::invalid && !e.context.empty() && is_utf8(e.context));
  const auto about_form = e.context.starts_with("jobs[")
                              ? e.context.find("] is not valid JSON") < 12
                              : e.context.find("not valid JSON") != std::string::npos;
  ensure(format == batch_format::lines || !about_form || !check_json(body));
}

std::string join(const std::vector<job_spec>& jobs, std::string_view separator) {
  auto out = std::string{};
  for (const auto& j : jobs)
    out.append(out.empty() ? "" : separator).append(fuzz::submission(j));
  return out;
}

void keeps_to_limits(const std::vector<job_spec>& jobs) {
  ensure(!jobs.empty() && jobs.size() <= limits::batch_jobs);
  for (const auto& j : jobs)
    ensure(validate(j) && (j.payload.empty() || check_json(j.payload)));
}

} // namespace

/// Any text is a batch or a failure that says why. What is taken keeps to its limits, an array of jobs is
/// JSON as a whole, and the same jobs come out of both formats.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text_of(data, size);
  for (const auto format : {batch_format::array, batch_format::lines}) {
    const auto jobs = http::parse_batch(body, format);
    if (!jobs) {
      says_why(jobs.error(), body, format);
      continue;
    }
    keeps_to_limits(*jobs);
    if (format == batch_format::array)
      ensure(tao::json::from_string(body).get_array().size() == jobs->size());
    const auto array = http::parse_batch('[' + join(*jobs, ",") + ']', batch_format::array);
    ensure(array && *array == *jobs);
    // A payload may hold line breaks; those of an array are its client's own.
    if (format == batch_format::lines) {
      const auto lines = http::parse_batch(join(*jobs, "\n"), batch_format::lines);
      ensure(lines && *lines == *jobs);
    }
  }
  return 0;
}
