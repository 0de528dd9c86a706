#include "core/lease.hpp"

namespace jobd::lease {

std::vector<suspect> judge::observe(const std::vector<suspect>& overdue, time_point now) {
  // A judge that did not beat for long was paused or cut off: the others may have been, too, so it starts
  // anew.
  if (last_beat_ && now - *last_beat_ > overdue_after)
    seen_.clear();
  last_beat_ = now;

  auto condemned = std::vector<suspect>{};
  auto still_seen = std::map<node_id, sighting>{};
  for (const auto& s : overdue) {
    const auto known = seen_.find(s.node);
    const auto same = known != seen_.end() && known->second.heartbeat_at == s.heartbeat_at;
    const auto first_seen = same ? known->second.first_seen : now;
    if (same && now - first_seen >= condemn_after)
      condemned.push_back(s);
    else
      still_seen.emplace(s.node, sighting{s.heartbeat_at, first_seen});
  }
  seen_ = std::move(still_seen);
  return condemned;
}

} // namespace jobd::lease
