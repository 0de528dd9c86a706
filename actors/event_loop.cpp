#include "actors/event_loop.hpp"

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

namespace jobd::actors {
namespace {

using caf::resumable;

/// A flood of messages leaves events their turn after so many steps of actors, each of so many messages.
constexpr auto steps_in_a_row = 16;
constexpr auto messages_in_a_step = std::size_t{100};

/// The queue of the one thread that runs actors, and where it waits.
class event_loop {
public:
  /// From any thread.
  void enqueue(resumable* job) {
    if (mine == this) {
      ready_.push_back(job);
      return;
    }
    const auto lock = std::lock_guard{mutex_};
    outside_.push_back(job);
    wake();
  }

  /// The thread's next step; waits for it.
  resumable* next() {
    mine = this;
    if (ready_.empty() || ++steps_ % steps_in_a_row == 0) {
      take();
      if (source_)
        source_->poll();
    }
    while (ready_.empty())
      if (!take())
        sleep();
    auto* job = ready_.front();
    ready_.pop_front();
    return job;
  }

  bool serve(event_source& source) {
    const auto lock = std::lock_guard{mutex_};
    if (wanted_)
      return false;
    wanted_ = &source;
    wake();
    return true;
  }

  void release(event_source& source) {
    auto lock = std::unique_lock{mutex_};
    wanted_ = nullptr;
    wake();
    changed_.wait(lock, [&] { return source_ != &source; });
  }

  /// After the thread's end.
  template <class F>
  void drop_all(F drop) {
    while (take())
      for (auto* job : std::exchange(ready_, {}))
        drop(job);
  }

private:
  /// With the lock.
  void wake() {
    if (!std::exchange(asleep_, false))
      return;
    if (source_)
      source_->wake();
    else
      changed_.notify_all();
  }

  /// Takes over what others have left. True if there is a step to do.
  bool take() {
    const auto lock = std::lock_guard{mutex_};
    if (source_ != wanted_) {
      source_ = wanted_;
      changed_.notify_all();
    }
    ready_.insert(ready_.end(), outside_.begin(), outside_.end());
    outside_.clear();
    return !ready_.empty();
  }

  void sleep() {
    auto lock = std::unique_lock{mutex_};
    if (!outside_.empty() || source_ != wanted_)
      return;
    asleep_ = true;
    if (!source_)
      return changed_.wait(lock, [&] { return !asleep_; });
    lock.unlock();
    source_->wait();
    lock.lock();
    asleep_ = false;
  }

  /// The loop of this thread.
  inline static thread_local event_loop* mine = nullptr;

  // Only of the thread.
  std::deque<resumable*> ready_;
  unsigned steps_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<resumable*> outside_;
  bool asleep_ = false;
  /// What the thread serves, and what it is to serve. The thread changes the first, and reads it without the
  /// lock.
  event_source* source_ = nullptr;
  event_source* wanted_ = nullptr;
};

/// As CAF asks for it.
class loop_policy : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator* /*unused*/) {}
    event_loop loop;
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator* /*unused*/) {}
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, resumable* job) {
    d(self).loop.enqueue(job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, resumable* job) {
    d(self->parent()).loop.enqueue(job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, resumable* job) {
    d(self->parent()).loop.enqueue(job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, resumable* job) {
    d(self->parent()).loop.enqueue(job);
  }
  template <class Worker>
  resumable* dequeue(Worker* self) {
    return d(self->parent()).loop.next();
  }
  template <class Worker, class F>
  void foreach_resumable(Worker* /*unused*/, F /*unused*/) {}
  template <class Coordinator, class F>
  void foreach_central_resumable(Coordinator* self, F f) {
    d(self).loop.drop_all(f);
  }
};

using coordinator = caf::scheduler::coordinator<loop_policy>;

event_loop& loop_of(caf::actor_system& system) {
  return dynamic_cast<coordinator&>(system.scheduler()).data().loop;
}

} // namespace

void use_event_loop(caf::actor_system_config& config) {
  config.set("scheduler.max-threads", std::size_t{1});
  config.set("scheduler.max-throughput", messages_in_a_step);
  config.load<coordinator>();
}

bool serve(caf::actor_system& system, event_source& source) {
  return loop_of(system).serve(source);
}

void release(caf::actor_system& system, event_source& source) {
  loop_of(system).release(source);
}

} // namespace jobd::actors
