#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What this process counts of itself, as docs/metrics.md explains it. Whoever sees something happen counts
/// it here, from any thread: a relaxed atomic or two, and with labels a look-up in a small map.
namespace jobd::metrics {

class counter {
public:
  void add(std::uint64_t n = 1) noexcept { count_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> count_{0};
};

class gauge {
public:
  void set(double to) noexcept { level_.store(to, std::memory_order_relaxed); }
  void add(double n) noexcept { level_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] double value() const noexcept { return level_.load(std::memory_order_relaxed); }

private:
  std::atomic<double> level_{0};
};

/// Upper bounds of buckets: of durations in seconds, and of how many.
inline constexpr auto durations = std::to_array<double>(
    {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600});
inline constexpr auto sizes = std::to_array<double>({1, 2, 5, 10, 20, 50, 100, 200, 500, 1000});

class histogram {
public:
  explicit histogram(std::span<const double> bounds = durations) : bounds_(bounds) {}

  void observe(double value) noexcept {
    const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// Of one bucket, not of those below it; the last one has no bound.
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

private:
  const std::span<const double> bounds_;
  std::array<std::atomic<std::uint64_t>, durations.size() + 1> counts_{};
  std::atomic<double> sum_{0};
};

/// One metric for each combination of label values. The caller bounds how many there are.
template <class Metric>
class labelled {
public:
  /// It is there from now on; the reference stays valid.
  Metric& of(std::initializer_list<std::string_view> values) {
    {
      const auto lock = std::shared_lock{mutex_};
      if (const auto found = all_.find(values); found != all_.end())
        return *found->second;
    }
    const auto lock = std::unique_lock{mutex_};
    auto& made = all_[{values.begin(), values.end()}];
    if (!made)
      made = std::make_unique<Metric>();
    return *made;
  }

  /// `visit(values, metric)` for each of them.
  template <class Visit>
  void each(Visit visit) const {
    const auto lock = std::shared_lock{mutex_};
    for (const auto& [values, metric] : all_)
      visit(values, *metric);
  }

private:
  struct less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return std::ranges::lexicographical_compare(
          a, b, [](std::string_view x, std::string_view y) { return x < y; });
    }
  };

  mutable std::shared_mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>, less> all_;
};

/// Names that clients choose: the first ones are known, all others are `other`, so that no client makes
/// metrics without end.
class bounded_names {
public:
  static constexpr std::size_t most = 50;

  /// `name`, which is known from now on if there is room, or `other`.
  std::string_view bound(std::string_view name);
  [[nodiscard]] std::vector<std::string> all() const;

private:
  mutable std::shared_mutex mutex_;
  std::set<std::string, std::less<>> known_;
};

extern bounded_names types;
/// Whose depth is told.
extern bounded_names queues;

// Clients.
extern labelled<counter> submitted;
extern labelled<counter> duplicates;
extern labelled<counter> http_requests;
extern labelled<histogram> http_seconds;
extern gauge http_pending;
extern gauge http_waiters;
extern gauge event_readers;

// Runs.
extern gauge slots;
extern gauge running;
extern gauge buffered;
extern gauge outbox;
extern histogram pickup_seconds;
extern labelled<histogram> run_seconds;
extern labelled<counter> outcomes;
extern counter refused_outcomes;
extern labelled<counter> recovered;

// What the process stands on.
extern gauge database_up;
extern gauge queue_up;
extern labelled<gauge> queue_depth;
extern histogram flush_seconds;
extern histogram flush_requests;
extern counter flush_failures;
extern gauge storage_waiting;
extern labelled<gauge> mailbox;

/// All of them in the text format of Prometheus, version 0.0.4.
[[nodiscard]] std::string text();
inline constexpr auto text_type = std::string_view{"text/plain; version=0.0.4; charset=utf-8"};

} // namespace jobd::metrics
