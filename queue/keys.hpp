#pragma once

#include "core/job.hpp"
#include "queue/job_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// The only place that knows what jobd's keys in Redis look like.
namespace jobd::queue::keys {

/// A sorted set: member is the job's id, score is `score`.
inline std::string ready(const std::string& queue) {
  return "jobd:{" + queue + "}:ready";
}

/// A stream: each message is the field `m`.
inline std::string messages(stream s) {
  return s == stream::events ? "jobd:events" : "jobd:cancels";
}
/// It is there while someone attends to the events.
inline constexpr auto attended = "jobd:attended";

/// Orders by priority, then by id. A double holds integers exactly up to 2^53, and 10 * 2^48 is less: the
/// order is exact for ids below 2^48, the 281 trillionth job.
inline double score(const hint& h) {
  return static_cast<double>(h.priority) * static_cast<double>(std::int64_t{1} << 48)
         + static_cast<double>(h.id);
}

/// The priority that went into a score; nothing if no job of jobd can have it.
inline std::optional<int> priority(double score) {
  const auto value = score / static_cast<double>(std::int64_t{1} << 48);
  if (!(value >= 0 && value < limits::lowest_priority + 1))
    return std::nullopt;
  return static_cast<int>(value);
}

} // namespace jobd::queue::keys
