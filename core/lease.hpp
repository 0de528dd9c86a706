#pragma once

#include "core/job.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <vector>

/// How nodes prove that they live, and how they judge one another.
namespace jobd::lease {

using namespace std::chrono_literals;

/// Each node renews its beat this often.
inline constexpr std::chrono::milliseconds beat_every = 2s;
/// A beat this old, by the store's clock, is overdue.
inline constexpr std::chrono::milliseconds overdue_after = 6s;
/// How long a judge must see the same overdue beat before it condemns the node.
inline constexpr std::chrono::milliseconds condemn_after = 4s;
/// A node that could not renew its beat for this long stops its exclusive jobs: others may soon run them.
/// It must be over before another node can have condemned this one (overdue_after + condemn_after).
inline constexpr std::chrono::milliseconds exclusive_for = 8s;

/// A node and the beat that it was last seen with.
struct suspect {
  node_id node = 0;
  timestamp heartbeat_at;

  friend bool operator==(const suspect&, const suspect&) = default;
};

/// Decides which overdue nodes are dead. Time is the judge's own steady time: a clock that jumps, a store
/// that was away, or a judge that was itself paused must cost nobody a job.
class judge {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Takes what one own successful beat returned; gives the suspects that are condemned now: seen overdue
  /// with the same beat twice, `condemn_after` apart or more, with no gap over `overdue_after` between own
  /// beats.
  [[nodiscard]] std::vector<suspect> observe(const std::vector<suspect>& overdue, time_point now);

private:
  struct sighting {
    timestamp heartbeat_at;
    time_point first_seen;
  };
  std::map<node_id, sighting> seen_;
  std::optional<time_point> last_beat_;
};

} // namespace jobd::lease
