#pragma once

#include "core/job.hpp"
#include "core/metrics.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace jobd {

/// How many durations fell into each bucket of `metrics::durations`; the last one has no bound.
using duration_counts = std::array<std::int64_t, metrics::durations.size() + 1>;

/// The duration below which the share `p` of all lie, as even as they may lie within a bucket. Absent if
/// there are none.
[[nodiscard]] std::optional<seconds> percentile(const duration_counts& counts, double p);

struct queue_times {
  /// From ready to started.
  duration_counts pickup{};
  duration_counts run{};
};
using times_by_queue = std::map<std::string, queue_times, std::less<>>;

/// Adds what `recent_times::text` told. Text of another version of this program may be no such, and adds
/// nothing.
void add_times(times_by_queue& to, std::string_view text);

/// How long jobs waited for a start and ran in this process in the last five minutes, by queue. Whoever
/// starts and ends them says so; the node's beat tells the store, so that every node can tell of all. Used
/// from any thread.
class recent_times {
public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes window{5};

  void picked_up(const std::string& queue, seconds waited, time_point now);
  void ran(const std::string& queue, seconds ran, time_point now);
  /// A line for each queue: its name, and the counts of both kinds with spaces between. Empty if nothing
  /// happened.
  [[nodiscard]] std::string text(time_point now) const;

private:
  struct minute {
    std::int64_t number = -1;
    times_by_queue queues;
  };
  queue_times& at(const std::string& queue, time_point now);

  mutable std::mutex mutex_;
  std::array<minute, window.count()> minutes_;
};

/// Of this process.
extern recent_times recent;

} // namespace jobd
