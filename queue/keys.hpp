#pragma once

#include "core/job.hpp"

#include <string>

/// The only place that knows what jobd's keys in Redis look like.
namespace jobd::queue::keys {

/// A sorted set: member is the job's id, score is `score`.
inline std::string ready(const std::string& queue) {
  return "jobd:{" + queue + "}:ready";
}

/// Orders by priority, then by id. A double holds integers exactly up to 2^53, so ids below 2^48 keep their order
/// in all priorities up to 9 but for the lowest bits, and two scores that come out equal fall back on the member.
inline double score(const hint& h) {
  return static_cast<double>(h.priority) * static_cast<double>(std::int64_t{1} << 48)
         + static_cast<double>(h.id);
}

/// The priority that went into a score.
inline int priority(double score) {
  return static_cast<int>(score / static_cast<double>(std::int64_t{1} << 48));
}

} // namespace jobd::queue::keys
