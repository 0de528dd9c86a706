#include "core/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace jobd::lifecycle {
namespace {

struct transition {
  event what;
  std::string_view name;
  job_status from;
  job_status to;
};

constexpr std::array<transition, 12> table{{
    {event::claim, "claim", job_status::created, job_status::running},
    {event::succeed, "succeed", job_status::running, job_status::success},
    {event::fail, "fail", job_status::running, job_status::failed},
    {event::retry, "retry", job_status::running, job_status::created},
    {event::release, "release", job_status::running, job_status::created},
    {event::rescue, "rescue", job_status::running, job_status::created},
    {event::quarantine, "quarantine", job_status::running, job_status::failed},
    {event::cancel, "cancel", job_status::created, job_status::cancelled},
    {event::cancel, "cancel", job_status::running, job_status::cancelled},
    {event::expire, "expire", job_status::created, job_status::failed},
    {event::rerun, "rerun", job_status::failed, job_status::created},
    {event::rerun, "rerun", job_status::cancelled, job_status::created},
}};

} // namespace

std::string_view to_string(event e) noexcept {
  for (const auto& t : table)
    if (t.what == e)
      return t.name;
  return "unknown";
}

std::optional<job_status> next(job_status from, event e) noexcept {
  for (const auto& t : table)
    if (t.what == e && t.from == from)
      return t.to;
  return std::nullopt;
}

conclusion conclude(const claimed_job& j, const outcome& o, double jitter) noexcept {
  switch (o.what) {
  case outcome::kind::success: return {event::succeed, std::nullopt};
  case outcome::kind::released: return {event::release, std::nullopt};
  case outcome::kind::cancelled: return {event::cancel, std::nullopt};
  case outcome::kind::failure: break;
  }
  const auto failures = j.failures + 1;
  if (failures < j.max_attempts)
    return {event::retry, backoff(failures, jitter)};
  return {event::fail, std::nullopt};
}

seconds backoff(int failures, double jitter) noexcept {
  const auto base = std::min(std::ldexp(1.0, std::clamp(failures - 1, 0, 20)), 3600.0);
  return seconds{base * (0.75 + 0.5 * jitter)};
}

} // namespace jobd::lifecycle
