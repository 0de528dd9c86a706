#include "queue/memory_queue.hpp"

#include "core/json_text.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace jobd::queue {
namespace {

/// A backlog of any length must not fill the memory. More than the hinter writes at a time, so that it need
/// not look while there is plenty.
constexpr std::size_t most_hints = 100'000;
/// Enough for a reader that was away for a moment.
constexpr std::size_t most_messages = 10'000;
constexpr std::size_t messages_at_a_time = 500;

/// The hints of one queue name, the most urgent first, then first in, first out.
class ordered_hints {
public:
  void add(const hint& h) {
    const auto [at, is_new] = priorities_.try_emplace(h.id, h.priority);
    if (!is_new)
      order_.erase({std::exchange(at->second, h.priority), h.id});
    order_.emplace(h.priority, h.id);
    if (order_.size() > most_hints)
      remove(std::prev(order_.end()));
  }

  std::vector<hint> take(const std::string& queue, int most) {
    auto taken = std::vector<hint>{};
    for (; most > 0 && !order_.empty(); --most) {
      const auto [priority, id] = *order_.begin();
      taken.push_back({id, queue, priority});
      remove(order_.begin());
    }
    return taken;
  }

  [[nodiscard]] std::size_t size() const { return order_.size(); }

private:
  using place = std::pair<int, job_id>;

  void remove(std::set<place>::iterator at) {
    priorities_.erase(at->second);
    order_.erase(at);
  }

  std::set<place> order_;
  std::unordered_map<job_id, int> priorities_;
};

/// The newest messages of one stream. Ids start with the time of the process, so that they grow over
/// restarts.
class message_log {
public:
  void add(const std::string& text) {
    messages_.push_back({std::to_string(first_) + '-' + std::to_string(next_++), text});
    if (messages_.size() > most_messages)
      messages_.pop_front();
  }

  [[nodiscard]] std::vector<message> after(place at) const {
    const auto oldest = next_ - messages_.size();
    const auto start = at.first < first_   ? oldest
                       : at.first > first_ ? next_
                                           : std::max(oldest, at.second + 1);
    auto found = std::vector<message>{};
    for (auto n = start; n < next_ && found.size() < messages_at_a_time; ++n)
      found.push_back(messages_[n - oldest]);
    return found;
  }

  [[nodiscard]] std::string newest() const { return messages_.empty() ? "0-0" : messages_.back().id; }

private:
  std::uint64_t first_ = static_cast<std::uint64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  std::uint64_t next_ = 1;
  std::deque<message> messages_;
};

} // namespace

class memory_hints {
public:
  void publish(stream to, std::span<const std::string> texts) {
    {
      const auto lock = std::lock_guard{mutex_};
      for (const auto& text : texts)
        log_of(to).add(text);
    }
    published_.notify_all();
  }

  void attend(std::chrono::milliseconds time) {
    const auto lock = std::lock_guard{mutex_};
    attended_until_ = std::chrono::steady_clock::now() + time;
  }

  std::vector<message> read(stream from, place after, std::chrono::milliseconds wait) {
    auto lock = std::unique_lock{mutex_};
    auto found = std::vector<message>{};
    published_.wait_for(lock, wait, [&] {
      found = log_of(from).after(after);
      return !found.empty();
    });
    return found;
  }

  std::string newest(stream of) {
    const auto lock = std::lock_guard{mutex_};
    return log_of(of).newest();
  }

  bool push(std::span<const hint> hints) {
    auto attended = false;
    {
      const auto lock = std::lock_guard{mutex_};
      for (const auto& h : hints)
        queues_[h.queue].add(h);
      attended = std::chrono::steady_clock::now() < attended_until_;
    }
    pushed_.notify_all();
    return attended;
  }

  std::vector<hint> pop(std::span<const std::string> queues, int most, std::chrono::milliseconds wait) {
    auto lock = std::unique_lock{mutex_};
    auto taken = std::vector<hint>{};
    pushed_.wait_for(lock, wait, [&] {
      taken = take(queues, most);
      return !taken.empty();
    });
    return taken;
  }

  std::int64_t size(const std::string& queue) {
    const auto lock = std::lock_guard{mutex_};
    const auto found = queues_.find(queue);
    return found == queues_.end() ? 0 : static_cast<std::int64_t>(found->second.size());
  }

private:
  /// An empty queue is let go of: names come from clients.
  std::vector<hint> take(std::span<const std::string> queues, int most) {
    for (const auto& name : queues) {
      const auto found = queues_.find(name);
      if (found == queues_.end())
        continue;
      auto taken = found->second.take(name, most);
      if (found->second.size() == 0)
        queues_.erase(found);
      return taken;
    }
    return {};
  }

  message_log& log_of(stream s) { return s == stream::events ? events_ : cancels_; }

  std::mutex mutex_;
  std::condition_variable pushed_;
  std::condition_variable published_;
  message_log events_;
  message_log cancels_;
  std::chrono::steady_clock::time_point attended_until_;
  std::map<std::string, ordered_hints, std::less<>> queues_;
};

namespace {

class memory_queue final : public job_queue {
public:
  explicit memory_queue(std::shared_ptr<memory_hints> hints) : hints_(std::move(hints)) {}

  expected<bool> push(std::span<const hint> hints) override { return hints_->push(hints); }
  expected<std::vector<hint>> pop(std::span<const std::string> queues, int most,
                                  std::chrono::milliseconds wait) override {
    if (queues.empty() || most < 1)
      return {};
    return hints_->pop(queues, most, wait);
  }
  expected<void> publish(stream to, std::span<const std::string> texts) override {
    hints_->publish(to, texts);
    return {};
  }
  expected<void> attend(std::chrono::milliseconds time) override {
    hints_->attend(time);
    return {};
  }
  expected<std::vector<message>> read(stream from, const std::string& after,
                                      std::chrono::milliseconds wait) override {
    const auto at = read_place(after);
    if (!at)
      return fail(ec::invalid, "no message has the id " + json_string(storable_text(after)));
    return hints_->read(from, *at, wait);
  }
  expected<std::string> newest(stream of) override { return hints_->newest(of); }
  expected<std::int64_t> size(const std::string& queue) override { return hints_->size(queue); }

private:
  std::shared_ptr<memory_hints> hints_;
};

} // namespace

std::shared_ptr<memory_hints> make_memory_hints() {
  return std::make_shared<memory_hints>();
}

std::unique_ptr<job_queue> make_memory_queue(std::shared_ptr<memory_hints> hints) {
  return std::make_unique<memory_queue>(std::move(hints));
}

} // namespace jobd::queue
