#include "queue/memory_queue.hpp"

#include <condition_variable>
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

} // namespace

class memory_hints {
public:
  void push(std::span<const hint> hints) {
    {
      const auto lock = std::lock_guard{mutex_};
      for (const auto& h : hints)
        queues_[h.queue].add(h);
    }
    pushed_.notify_all();
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

  std::mutex mutex_;
  std::condition_variable pushed_;
  std::map<std::string, ordered_hints, std::less<>> queues_;
};

namespace {

class memory_queue final : public job_queue {
public:
  explicit memory_queue(std::shared_ptr<memory_hints> hints) : hints_(std::move(hints)) {}

  expected<void> push(std::span<const hint> hints) override {
    hints_->push(hints);
    return {};
  }
  expected<std::vector<hint>> pop(std::span<const std::string> queues, int most,
                                  std::chrono::milliseconds wait) override {
    if (queues.empty() || most < 1)
      return {};
    return hints_->pop(queues, most, wait);
  }
  expected<bool> publish(stream, std::span<const std::string>) override {
    return fail(ec::queue_away, "not yet");
  }
  expected<void> attend(std::chrono::milliseconds) override { return fail(ec::queue_away, "not yet"); }
  expected<std::vector<message>> read(stream, const std::string&, std::chrono::milliseconds) override {
    return fail(ec::queue_away, "not yet");
  }
  expected<std::string> newest(stream) override { return fail(ec::queue_away, "not yet"); }
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
