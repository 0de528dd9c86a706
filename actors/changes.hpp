#pragma once

#include "actors/interfaces.hpp"

namespace jobd::actors {

/// What those who watch are told of changes.
[[nodiscard]] inline job_events events_of(const job_changes& changes) {
  auto events = job_events{};
  for (const auto& c : changes)
    events.push_back({c.id, c.object_id, c.type, c.queue, c.status, c.attempt, std::nullopt});
  return events;
}

/// The hints of those that are ready now.
[[nodiscard]] inline hints hints_of(const job_changes& changes) {
  auto ready = hints{};
  for (const auto& c : changes)
    if (c.status == job_status::created)
      ready.push_back({c.id, c.queue, c.priority});
  return ready;
}

} // namespace jobd::actors
