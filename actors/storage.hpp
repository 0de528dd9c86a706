#pragma once

#include "actors/interfaces.hpp"
#include "actors/open_requests.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace jobd::actors {

struct storage_options {
  /// Spawns one more connection; it is not open yet.
  std::function<connection_actor(caf::actor_system&)> spawn_connection;
  int connections = 2;
  /// How long a create or a find waits while no connection is open, so that a restart of the database is not
  /// seen.
  std::chrono::milliseconds patience{3'000};
  /// A dedupe window is on: a create whose commit may have happened can be sent again, and its standing id
  /// answers.
  bool creates_may_repeat = false;
  /// Told of jobs that an end of another one has made ready.
  std::optional<queue_actor> queue = std::nullopt;
  /// Longer than any call of a store lasts.
  std::chrono::milliseconds call_timeout{25'000};
};

/// - Keeps what has arrived until a connection is idle, and hands it everything as one batch.
/// - Opens connections, and replaces broken ones with backoff.
/// - Refuses what has waited too long while no connection is open.
class storage_state {
public:
  static inline constexpr const char* name = "storage";
  using self_pointer = storage_actor::stateful_pointer<storage_state>;

  explicit storage_state(self_pointer self) : self_(self) {}
  storage_actor::behavior_type make_behavior(storage_options options);

private:
  using time_point = caf::actor_clock::time_point;
  template <class T>
  using promise = caf::typed_response_promise<T>;

  /// Creates that were asked for together. They are written together, too.
  struct waiting_create {
    job_specs specs;
    promise<created_jobs> answer;
    time_point since;
    /// A commit that may have held them was never answered.
    bool maybe_written = false;
  };
  struct waiting_find {
    job_id id;
    promise<job> answer;
    time_point since;
  };
  struct waiting_claim {
    storage::claim_request what;
    promise<claimed_jobs> answer;
  };
  struct waiting_finish {
    finish_requests what;
    promise<finish_answers> answer;
  };
  /// Its requests are in the batch.
  struct sent_finish {
    std::size_t requests;
    promise<finish_answers> answer;
  };
  /// One call of the store, with the types of its question and answer left to its two functions.
  struct waiting_call {
    std::function<void(std::size_t)> run;
    std::function<void(caf::error)> refuse;
    /// Absent: it does not wait for a connection to be opened.
    std::optional<time_point> since;
  };
  /// What one flush carries, kept until its answer is there.
  struct flight {
    std::vector<sent_finish> finishes;
    std::vector<waiting_claim> claims;
    std::vector<waiting_create> creates;
    std::size_t rows = 0;
    time_point sent_at = {};
  };

  enum class link : std::uint8_t { closed, opening, idle, busy };
  struct slot {
    connection_actor connection;
    link state = link::closed;
    std::chrono::milliseconds backoff{0};
    time_point open_at;
  };

  // Requests.
  caf::result<created_jobs> create(job_specs& specs);
  caf::result<job> find(job_id id);
  caf::result<claimed_jobs> claim(storage::claim_request& what);
  caf::result<finish_answers> finish(finish_requests& what);
  void progress(storage::progress_update& p);
  /// For clients: waits out a short outage.
  template <class Answer, class Atom, class... Question>
  caf::result<Answer> serve(Atom what, const Question&... question);
  /// For duties, which have a patience of their own.
  template <class Answer, class Atom, class... Question>
  caf::result<Answer> upkeep(Atom what, const Question&... question);
  template <class Answer, class Atom, class... Question>
  caf::result<Answer> enqueue(std::optional<time_point> since, Atom what, const Question&... question);

  // Work for idle connections.
  void dispatch();
  void measure();
  bool give_work(std::size_t index);
  [[nodiscard]] bool worth_a_flush() const;
  bool send_flush(std::size_t index);
  bool send_find(std::size_t index);
  bool send_call(std::size_t index);
  std::shared_ptr<flight> take_flight(storage::batch& out);
  void land(flight& f, storage::batch_result& result);
  void crash(flight& f, const caf::error& why);
  template <class Answer, class OnAnswer, class OnError, class... Question>
  void call(std::size_t index, OnAnswer on_answer, OnError on_error, Question&&... question);

  // Connections.
  void open(std::size_t index);
  void lost(std::size_t index, const caf::error& why);
  void down(const caf::down_msg& m);
  [[nodiscard]] bool any_open() const;
  /// Why nothing is open.
  [[nodiscard]] caf::error away() const;
  [[nodiscard]] bool away_for_long() const;
  [[nodiscard]] bool too_old(time_point since) const;
  void wake();
  void wake_later();
  void refuse_old();
  static void refuse(waiting_create& waiting, caf::error why);
  void refuse_all(const caf::error& why);

  self_pointer self_;
  storage_options options_;
  std::vector<slot> slots_;
  open_requests requests_;
  std::deque<waiting_finish> finishes_;
  std::deque<waiting_claim> claims_;
  std::deque<waiting_create> creates_;
  /// Of all three, and of the batches under way. A claim has as many as it has hints.
  std::size_t rows_waiting_ = 0;
  std::size_t rows_under_way_ = 0;
  time_point flushed_at_;
  std::deque<waiting_find> finds_;
  std::deque<waiting_call> calls_;
  /// The newest of each run.
  std::map<run_key, storage::progress_update> progresses_;
  unsigned turn_ = 0;
  bool waking_ = false;
  bool said_away_ = false;
  bool schema_old_ = false;
  time_point away_since_;
};

storage_actor::behavior_type storage(storage_actor::stateful_pointer<storage_state> self,
                                     storage_options options);

} // namespace jobd::actors
