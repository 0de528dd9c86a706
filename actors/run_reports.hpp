#pragma once

#include "core/job.hpp"

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace jobd::actors {

/// What executors' threads tell of runs, until the pool takes all of it at once: however many runs end at a
/// time, the pool reads one message. Of a run's progress only the newest counts, so that work that tells much
/// of itself fills nothing. Thread-safe.
class run_reports {
public:
  struct all {
    /// In the order in which they ended.
    std::vector<std::pair<run_key, outcome>> ended;
    std::map<run_key, std::string> progress;
  };

  /// Each returns true if nothing else waits to be taken, so that the pool must be told to take.
  bool ended(run_key key, outcome o) {
    const auto lock = std::lock_guard{guard_};
    const auto was_empty = empty();
    waiting_.ended.emplace_back(key, std::move(o));
    return was_empty;
  }
  bool progress(run_key key, std::string json) {
    const auto lock = std::lock_guard{guard_};
    const auto was_empty = empty();
    waiting_.progress.insert_or_assign(key, std::move(json));
    return was_empty;
  }

  all take() {
    const auto lock = std::lock_guard{guard_};
    return std::exchange(waiting_, {});
  }

private:
  [[nodiscard]] bool empty() const { return waiting_.ended.empty() && waiting_.progress.empty(); }

  std::mutex guard_;
  all waiting_;
};

} // namespace jobd::actors
