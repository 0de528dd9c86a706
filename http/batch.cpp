#include "http/batch.hpp"

#include "http/json.hpp"

#include <algorithm>

namespace jobd::http {
namespace {

constexpr auto space = std::string_view{" \t\r\n"};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(space) == std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

/// Names the job that an error of `parse_job_spec` speaks of: `priority must …`, `the body is …` or `unknown
/// field …`.
error at_index(std::size_t index, error e) {
  static constexpr auto whole = std::string_view{"the body"};
  const auto job = "jobs[" + std::to_string(index) + "]";
  if (e.context.starts_with(whole))
    e.context.replace(0, whole.size(), job);
  else if (is_job_field(std::string_view{e.context}.substr(0, e.context.find(' '))))
    e.context.insert(0, job + ".");
  else
    e.context.insert(0, job + " has an ");
  return e;
}

/// Adds the job that `text` is.
expected<void> add_job(std::string_view text, std::vector<job_spec>& jobs) {
  if (jobs.size() == limits::batch_jobs)
    return fail(ec::invalid, "the body holds more than " + std::to_string(limits::batch_jobs) + " jobs");
  auto spec = parse_job_spec(text);
  if (spec && spec->payload.size() > limits::body_bytes)
    spec = fail(ec::invalid, "payload must have at most " + std::to_string(limits::body_bytes) + " bytes");
  if (!spec)
    return tl::unexpected(at_index(jobs.size(), std::move(spec.error())));
  jobs.push_back(std::move(*spec));
  return {};
}

expected<void> add_lines(std::string_view body, std::vector<job_spec>& jobs) {
  while (!body.empty()) {
    const auto line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    if (is_blank(line))
      continue;
    if (auto added = add_job(line, jobs); !added)
      return added;
  }
  return {};
}

/// The front of `text` up to the comma that ends the element. Only brackets and strings are looked at: what
/// is between them is for the parser of the job.
std::string_view first_element(std::string_view text) {
  auto depth = 0;
  auto in_string = false;
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    const auto c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth <= 0) {
      return text.substr(0, i);
    }
  }
  return text;
}

expected<void> add_elements(std::string_view body, std::vector<job_spec>& jobs) {
  body = trim(body);
  if (!body.starts_with('['))
    return fail(ec::invalid, "the body must be a JSON array of jobs");
  if (body.size() < 2 || !body.ends_with(']'))
    return fail(ec::invalid, "the body is not valid JSON: the array of jobs does not end");
  body = body.substr(1, body.size() - 2);
  if (is_blank(body))
    return {};
  for (auto more = true; more;) {
    const auto element = first_element(body);
    more = element.size() < body.size();
    body.remove_prefix(std::min(element.size() + 1, body.size()));
    if (auto added = add_job(element, jobs); !added)
      return added;
  }
  return {};
}

} // namespace

expected<std::vector<job_spec>> parse_batch(std::string_view body, batch_format format) {
  auto jobs = std::vector<job_spec>{};
  auto added = format == batch_format::lines ? add_lines(body, jobs) : add_elements(body, jobs);
  if (!added)
    return tl::unexpected(std::move(added.error()));
  if (jobs.empty())
    return fail(ec::invalid,
                "the body holds no job: there must be 1 to " + std::to_string(limits::batch_jobs));
  return jobs;
}

} // namespace jobd::http
