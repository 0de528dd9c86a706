#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <set>
#include <vector>

namespace jobd::actors {

/// - Keeps who waits for which job, and who reads which events.
/// - Has events written while there is anyone, and only then looks up how a job is: what happens after that
/// is
///   heard.
/// - Looks up everything that it watches at once: when an event says that a job is final, when it begins to
/// hear,
///   and again and again while it does not hear.
/// - Keeps events back from a reader that catches up with older ones first.
class watch_state {
public:
  static inline constexpr const char* name = "watch";
  using self_pointer = watch_actor::stateful_pointer<watch_state>;

  explicit watch_state(self_pointer self) : self_(self) {}
  watch_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue);

private:
  using time_point = caf::actor_clock::time_point;

  struct waiter {
    caf::typed_response_promise<job> answer;
    time_point deadline;
  };
  /// A reader, and what it was told last of its job.
  struct reader {
    event_subscription what;
    std::optional<job_event> last;
    /// It gets older events first; what is heard meanwhile waits.
    bool catching_up = false;
    messages held_back;
  };
  using reader_ptr = std::shared_ptr<reader>;

  // Requests.
  caf::result<job> await(job_id id, std::chrono::milliseconds time);
  void watch(event_subscription& what);
  void heard(const messages& news);
  void hears(bool everything);
  void wake();

  // Looking up.
  void look_up_all();
  void look_up();
  void refuse_overdue(job_id id, const caf::error& why);
  void attend();
  void seen(job_id id, const std::optional<job>& found);
  void answer_waiters(job_id id, const std::optional<job>& found);
  void tell_readers(job_id id, const std::optional<job>& found);

  // Readers.
  void catch_up(const reader_ptr& r);
  void caught_up(const reader_ptr& r);
  void tell(const queue::message& m, const job_event& e);
  /// False if the reader has ended.
  static bool deliver(reader& r, const std::string& id, const job_event& e);
  static bool deliver_state(reader& r, const job& j);
  void drop_dead_readers();

  [[nodiscard]] bool watches_any() const;
  void wake_later();

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;

  std::map<job_id, std::vector<waiter>> waiters_;
  std::set<std::pair<time_point, job_id>> deadlines_;
  std::map<job_id, std::vector<reader_ptr>> readers_of_job_;
  std::vector<reader_ptr> readers_of_all_;

  std::set<job_id> to_look_up_;
  bool looking_up_ = false;
  /// After a failure.
  time_point look_up_at_;
  time_point poll_at_;
  bool hears_ = false;
  bool attending_ = false;
  time_point attended_until_;
  bool waking_ = false;
};

watch_actor::behavior_type watch(watch_actor::stateful_pointer<watch_state> self, storage_actor storage,
                                 queue_actor queue);

} // namespace jobd::actors
