#include "core/recent_times.hpp"

#include <charconv>
#include <numeric>

namespace jobd {
namespace {

std::int64_t minute_of(std::chrono::steady_clock::time_point t) {
  return std::chrono::floor<std::chrono::minutes>(t.time_since_epoch()).count();
}

std::size_t bucket_of(seconds d) {
  return static_cast<std::size_t>(std::ranges::lower_bound(metrics::durations, d.count())
                                  - metrics::durations.begin());
}

void add(duration_counts& to, const duration_counts& more) {
  std::ranges::transform(to, more, to.begin(), std::plus{});
}

void write(std::string& out, const duration_counts& counts) {
  for (const auto n : counts)
    out += ' ' + std::to_string(n);
}

/// Takes the next word off `line`.
std::string_view word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto first = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return first;
}

bool read(std::string_view& line, duration_counts& counts) {
  for (auto& n : counts) {
    const auto text = word(line);
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc{} || end != text.data() + text.size() || n < 0)
      return false;
  }
  return true;
}

} // namespace

recent_times recent;

std::optional<seconds> percentile(const duration_counts& counts, double p) {
  const auto all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (all == 0)
    return {};
  auto below = p * static_cast<double>(all);
  for (auto i = std::size_t{0}; i < metrics::durations.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    const auto from = i == 0 ? 0.0 : metrics::durations[i - 1];
    if (here > 0 && below <= here)
      return seconds{from + (metrics::durations[i] - from) * below / here};
    below -= here;
  }
  return seconds{metrics::durations.back()};
}

void add_times(times_by_queue& to, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto queue = word(line);
    auto times = queue_times{};
    if (!read(line, times.pickup) || !read(line, times.run) || !line.empty())
      continue;
    auto& sum = to[std::string{queue}];
    add(sum.pickup, times.pickup);
    add(sum.run, times.run);
  }
}

void recent_times::picked_up(const std::string& queue, seconds waited, time_point now) {
  const auto lock = std::scoped_lock{mutex_};
  ++at(queue, now).pickup[bucket_of(waited)];
}

void recent_times::ran(const std::string& queue, seconds ran, time_point now) {
  const auto lock = std::scoped_lock{mutex_};
  ++at(queue, now).run[bucket_of(ran)];
}

queue_times& recent_times::at(const std::string& queue, time_point now) {
  const auto number = minute_of(now);
  auto& m = minutes_[static_cast<std::size_t>(number) % minutes_.size()];
  if (m.number != number)
    m = {number, {}};
  return m.queues[queue];
}

std::string recent_times::text(time_point now) const {
  auto sum = times_by_queue{};
  {
    const auto lock = std::scoped_lock{mutex_};
    for (const auto& m : minutes_)
      if (m.number > minute_of(now) - window.count())
        for (const auto& [queue, times] : m.queues) {
          add(sum[queue].pickup, times.pickup);
          add(sum[queue].run, times.run);
        }
  }
  auto out = std::string{};
  for (const auto& [queue, times] : sum) {
    out += queue;
    write(out, times.pickup);
    write(out, times.run);
    out += '\n';
  }
  return out;
}

} // namespace jobd
