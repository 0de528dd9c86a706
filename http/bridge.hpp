#pragma once

#include "http/event_stream.hpp"
#include "http/gateway.hpp"
#include "http/inbox.hpp"
#include "http/query.hpp"
#include "http/reply.hpp"
#include "http/responder.hpp"
#include "http/routes.hpp"
#include "http/tokens.hpp"
#include "http/waiting_room.hpp"

#include <caf/actor_system.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

/// From HTTP to the actors and back.
namespace jobd::http {

struct bridge_options {
  /// How long the job manager may take, beside the time that a client wants to wait.
  std::chrono::milliseconds answer_within{15'000};
  /// Requests that may be with the job manager, and the bytes of their bodies. The next one gets 503.
  int max_pending = 10'000;
  std::size_t max_pending_bytes = 256 << 20;
  /// Requests that may wait for the end of a job, and streams that may be open: beside those.
  int max_waits = 10'000;
  int max_streams = 1'000;
  /// What requests need, for a start.
  tokens_ptr tokens = nullptr;
};

/// Who knows the answers.
struct bridge_parts {
  /// Absent: there is no job API, only what operators ask for.
  std::optional<actors::job_manager_actor> jobs;
  actors::inspector_actor inspector;
};

/// Answers requests: at once what needs no job manager, through a gateway the rest. Every request that it is
/// handed gets exactly one answer.
class bridge {
public:
  /// `soon` is called, from any thread, when there is something to `flush`.
  bridge(caf::actor_system& system, bridge_parts parts, const bridge_options& options,
         std::function<void()> soon);
  ~bridge();

  /// Thread-safe.
  void handle(const request& r, responder answer);
  /// Asks all that requests want to know by now. Thread-safe.
  void flush();
  /// From now on requests need one of these tokens.
  void require(tokens_ptr tokens) { tokens_ = std::move(tokens); }
  /// Has all streams of events beat.
  void beat() { streams_.beat(); }

  /// From now on every request gets 503. Waits and streams, which may take long, end at once.
  void refuse();
  /// Answers what is still pending with 503. The job manager's answers come too late from now on.
  void stop();

private:
  /// Some actors, used in turn.
  class gateways {
  public:
    explicit gateways(caf::actor_system& system);
    const gateway_actor& next() { return all_[turn_.fetch_add(1, std::memory_order_relaxed) % all_.size()]; }
    void stop();

  private:
    std::vector<gateway_actor> all_;
    std::atomic<unsigned> turn_{0};
  };

  /// What is answered to who may not do this.
  [[nodiscard]] std::optional<reply> deny(const request& r) const;
  void dispatch(const route& to, const query& q, const request& r, responder answer);
  void metrics(responder answer);
  void ready(responder answer);
  void submit(const query& q, const request& r, responder answer);
  void submit_batch(const request& r, responder answer);
  void get(job_id id, const query& q, responder answer);
  void list(const query& q, responder answer);
  void change_one(const route& to, const request& r, responder answer);
  void change_all(const route& to, const query& q, const request& r, responder answer);
  void pause(const route& to, const request& r, responder answer);
  void watch(job_id id, const query& q, const request& r, responder answer);

  /// One request more that waits, or none: then it is refused. `bytes` are of its body.
  [[nodiscard]] std::optional<asker> admit(effect what, std::size_t bytes, responder answer);
  /// For the next `flush`.
  void collect(question_ptr q);
  /// Has a job stored and goes on with the answer as `take` does.
  template <class Take>
  void store(job_spec spec, const request& r, Take take, responder answer);
  /// Asks a short question.
  template <class Answer, class Take, class... Message>
  void ask(effect what, std::size_t bytes, Take take, responder answer, Message... message);

  const bridge_parts parts_;
  const bridge_options options_;
  /// CAF searches the open requests and timers of an actor one by one: those of waits stay out of the way of
  /// the others.
  gateways quick_;
  gateways waiting_;
  /// Has a thread of its own, for a page of jobs may be a long text.
  const gateway_actor pages_;
  inbox<question_ptr> unasked_;
  inbox<wanted_job> unstored_;
  const std::function<void()> soon_;
  const std::shared_ptr<waiting_room> pending_;
  const std::shared_ptr<waiting_room> waits_;
  event_streams streams_;
  std::atomic<bool> refusing_{false};
  std::atomic<tokens_ptr> tokens_;
};

} // namespace jobd::http
