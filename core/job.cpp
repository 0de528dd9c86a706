#include "core/job.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace jobd {
namespace {

constexpr std::array<std::pair<job_status, std::string_view>, 5> status_names{{
    {job_status::created, "created"},
    {job_status::running, "running"},
    {job_status::success, "success"},
    {job_status::failed, "failed"},
    {job_status::cancelled, "cancelled"},
}};

bool in_range(seconds value, seconds least, seconds most) {
  return std::isfinite(value.count()) && value >= least && value <= most;
}

} // namespace

std::string_view to_string(job_status s) noexcept {
  return status_names[static_cast<std::size_t>(s)].second;
}

std::optional<job_status> parse_status(std::string_view text) noexcept {
  for (const auto& [status, name] : status_names)
    if (name == text)
      return status;
  return std::nullopt;
}

bool is_name(std::string_view text) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
           || c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= limits::name_bytes && std::ranges::all_of(text, allowed);
}

std::vector<std::string> split_names(std::string_view text) {
  auto names = std::vector<std::string>{};
  while (!text.empty()) {
    names.emplace_back(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(names.back().size() + 1, text.size()));
  }
  return names;
}

expected<void> validate(const job_spec& spec) {
  static constexpr auto name_rule = " must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -";
  if (!is_name(spec.type))
    return fail(ec::invalid, std::string{"type"} + name_rule);
  if (!is_name(spec.queue))
    return fail(ec::invalid, std::string{"queue"} + name_rule);
  if (spec.priority < 0 || spec.priority > limits::lowest_priority)
    return fail(ec::invalid, "priority must be an integer from 0 (most urgent) to 9");
  if (spec.max_attempts < 1 || spec.max_attempts > limits::max_attempts)
    return fail(ec::invalid, "max_attempts must be an integer from 1 to 100");
  if (spec.timeout && !in_range(*spec.timeout, seconds{0.001}, limits::timeout))
    return fail(ec::invalid, "timeout must be a number of seconds from 0.001 to 604800");
  if (spec.delay && !in_range(*spec.delay, seconds{0}, limits::delay))
    return fail(ec::invalid, "delay must be a number of seconds from 0 to 31622400");
  if (spec.run_at && spec.delay)
    return fail(ec::invalid, "run_at and delay exclude each other: give one of them");
  if (spec.expires_in && !in_range(*spec.expires_in, seconds{0.001}, limits::delay))
    return fail(ec::invalid, "expires_in must be a number of seconds from 0.001 to 31622400");
  if (spec.object_limit < 0 || spec.object_limit > 1)
    return fail(ec::invalid, "object_limit must be 0 (no limit) or 1");
  return {};
}

} // namespace jobd
