#include "actors/worker_pool.hpp"

#include "actors/errors.hpp"
#include "actors/mailbox.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/recent_times.hpp"
#include "core/trace.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <ranges>
#include <utility>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto wake_every = 50ms;
/// Of a pool that has nothing to look after but the fetcher: many idle workers shall cost little.
constexpr auto wake_idle_every = 1s;
/// A hint that found no slot for so long goes back, for a node that has one.
constexpr auto buffer_for = 5s;
/// The fetcher answers within its wait plus the queue's deadline.
constexpr auto fetch_timeout = 15s;
/// Longer than storage takes for its worst case.
constexpr auto storage_timeout = 30s;
/// After an error of the queue or the store.
constexpr auto pause = 500ms;
/// Of one run. Each is a write of the job's row.
constexpr auto between_progress = 1s;
/// Between two looks into the database when the last one found less than it asked for.
constexpr auto pace_without_queue = 1s;
/// At the end of a shutdown's grace nobody waits any longer.
constexpr auto last_grace = 2s;

hint hint_of(const claimed_job& j) {
  return {j.id, j.queue, j.priority};
}

/// The executor has what the handler needs; the pool only needs to know whose outcome it is.
claimed_job without_payload(claimed_job& j) {
  std::string{}.swap(j.payload); // gives the memory back, as an assignment would not
  return std::move(j);
}

job_event event_of(const claimed_job& j, job_status status, std::optional<std::string> progress = {}) {
  return {j.id, j.object_id, j.type, j.queue, status, j.attempt, std::move(progress)};
}

/// While so many claims are under way, slots that become free wait for the next one, which takes them all:
/// claims grow with the load, and cost little each.
constexpr auto most_claims = std::size_t{2};

} // namespace

worker_pool_actor::behavior_type worker_pool_state::make_behavior(worker_pool_options options,
                                                                  worker_pool_parts parts) {
  options_ = std::move(options);
  parts_ = std::move(parts);
  metrics::slots.set(options_.concurrency);
  open_queues_ = options_.queues;
  wake_within(wake_idle_every);
  return {
      [this](atom::joined, node_id id, steady_time sent) { joined(id, sent); },
      [this](atom::beaten, const run_keys& should_run, const run_keys& cancelled, steady_time sent) {
        beaten(should_run, sent);
        cancel(cancelled);
      },
      [this](atom::cancel, const run_keys& asked) { cancel(asked); },
      [this](atom::pause, const queue_names& queues) { paused(queues); },
      [this](atom::told) { told(); },
      [this](atom::wake) { wake(); },
      [this](atom::look) {
        will_step_ = false;
        step();
      },
      [this](atom::stop) { return stop(); },
  };
}

// -- events
// -----------------------------------------------------------------------------------------------------

void worker_pool_state::joined(node_id id, steady_time sent) {
  // Others were told that this node is dead, and run its jobs by now or soon.
  end_all(stop_reason::lost, options_.kill_grace);
  node_ = id;
  last_beat_ = sent;
  step();
}

/// A row that the store says runs here, but that neither runs nor waits to be written, is the rest of a claim
/// whose answer was lost. It is let go once every claim that was in flight when it was first seen has been
/// answered.
void worker_pool_state::beaten(const run_keys& should_run, steady_time sent) {
  last_beat_ = std::max(last_beat_, sent);
  auto still = std::map<run_key, std::uint64_t>{};
  for (const auto& key : should_run) {
    if (runs_.contains(key) || outbox_.contains(key))
      continue;
    const auto seen = unexplained_.find(key);
    const auto first_seen = seen == unexplained_.end() ? next_claim_ : seen->second;
    if (seen != unexplained_.end() && (claims_.empty() || claims_.begin()->first >= first_seen)) {
      log::warn("The pool lets go of a job whose claim was never answered.",
                {{"job", key.id}, {"attempt", key.attempt}});
      outbox_[key] = {{node_.value_or(0), key, {lifecycle::event::release, {}}, {}, {}}, {}};
      to_write_.push_back(key);
    } else {
      still.emplace(key, first_seen);
    }
  }
  unexplained_ = std::move(still);
  write();
}

void worker_pool_state::cancel(const run_keys& asked) {
  for (const auto& key : asked) {
    const auto last =
        run_key{key.id, key.attempt == 0 ? std::numeric_limits<attempt_no>::max() : key.attempt};
    for (auto r = runs_.lower_bound(key); r != runs_.end() && r->first <= last; ++r) {
      if (std::exchange(r->second.cancelled, true))
        continue;
      log::info("The pool ends a job that was cancelled.", {{"job", r->first.id},
                                                            {"attempt", r->first.attempt},
                                                            {"trace", trace_id(r->second.what.traceparent)}});
      end(r->first, stop_reason::cancelled, options_.kill_grace);
    }
  }
}

void worker_pool_state::paused(const queue_names& queues) {
  open_queues_.clear();
  std::ranges::copy_if(options_.queues, std::back_inserter(open_queues_), [&](const std::string& queue) {
    return std::ranges::find(queues, queue) == queues.end();
  });
  step();
}

void worker_pool_state::told() {
  auto reports = reports_->take();
  for (auto& [key, json] : reports.progress) {
    if (const auto found = runs_.find(key); found != runs_.end()) {
      found->second.progress = std::move(json);
      if (self_->clock().now() >= found->second.next_progress_at)
        progress(found->second);
    }
  }
  for (auto& [key, o] : reports.ended)
    ended(key, o);
  step();
}

void worker_pool_state::wake_within(std::chrono::milliseconds time) {
  const auto at = self_->clock().now() + time;
  if (wake_at_ && *wake_at_ <= at)
    return;
  wake_at_ = at;
  self_->delayed_send(self_, time, atom::wake_v);
}

bool worker_pool_state::idle() const {
  return runs_.empty() && buffer_.empty() && outbox_.empty() && claims_.empty() && !queue_away_ && !stopping_;
}

void worker_pool_state::wake() {
  // It was sent before one that is due earlier, which has taken its place.
  if (!wake_at_ || self_->clock().now() < *wake_at_)
    return;
  wake_at_.reset();
  requests_.expire(self_->clock().now());
  end_what_is_out_of_time();
  end_what_is_out_of_lease();
  give_back_old_hints();
  hand_progress_on();
  step();
  wake_within(wake_idle_every);
}

caf::result<int> worker_pool_state::stop() {
  auto answer = self_->make_response_promise<int>();
  stopping_ = answer;
  grace_ends_ = self_->clock().now() + options_.shutdown_grace;
  log::info("The pool takes no more jobs and waits for those that run.", {{"running", runs_.size()}});
  auto unstarted = hints{};
  for (auto& b : buffer_)
    unstarted.push_back(std::move(b.what));
  buffer_.clear();
  give_back(std::move(unstarted));
  end_shutdown();
  return answer;
}

// -- getting work
// -----------------------------------------------------------------------------------------------

int worker_pool_state::reserved() const {
  auto n = buffer_.size() + runs_.size() + outbox_.size();
  for (const auto& [order, jobs] : claims_)
    n += static_cast<std::size_t>(jobs);
  return static_cast<int>(n);
}

int worker_pool_state::free_slots() const {
  auto n = options_.concurrency - static_cast<int>(runs_.size());
  for (const auto& [order, jobs] : claims_)
    n -= jobs;
  return n;
}

/// After what is in the mailbox already: one step is for all the runs that have ended meanwhile.
void worker_pool_state::step_soon() {
  if (!std::exchange(will_step_, true))
    self_->send(self_, atom::look_v);
}

void worker_pool_state::step() {
  if (!idle())
    wake_within(wake_every);
  measure();
  write();
  send_events();
  if (stopping_)
    return end_shutdown();
  if (!node_)
    return;
  claim_buffered();
  fetch();
  if (queue_away_)
    claim_from_store();
}

void worker_pool_state::fetch() {
  auto demand = options_.prefetch - reserved();
  if (!buffers_)
    demand = std::min(demand, free_slots() - static_cast<int>(buffer_.size()));
  if (fetching_ || demand <= 0 || open_queues_.empty() || self_->clock().now() < fetch_at_)
    return;
  fetching_ = true;
  requests_.ask<hints>(
      self_, parts_.fetcher, fetch_timeout, [this](hints& popped) { fetched(popped); },
      [this](const caf::error&) { queue_away(); }, atom::pop_v, demand, open_queues_);
}

void worker_pool_state::fetched(hints& popped) {
  fetching_ = false;
  if (std::exchange(queue_away_, false))
    log::info("The pool hears from the queue again.");
  if (stopping_) {
    give_back(std::move(popped));
    return end_shutdown();
  }
  if (popped.empty())
    self_->send(parts_.hinter, atom::wake_v);
  for (auto& h : popped)
    buffer_.push_back({std::move(h), self_->clock().now()});
  step();
}

void worker_pool_state::queue_away() {
  fetching_ = false;
  if (!std::exchange(queue_away_, true))
    log::warn("The pool hears nothing from the queue and asks the database.");
  fetch_at_ = self_->clock().now() + pause;
  step();
}

void worker_pool_state::claim_buffered() {
  const auto n = std::min(free_slots(), static_cast<int>(buffer_.size()));
  if (n <= 0 || claims_.size() >= most_claims || self_->clock().now() < claim_at_)
    return;
  auto from = hints{};
  auto what = storage::claim_request{*node_, {}, {}, claimable_types(), n};
  for (auto i = 0; i < n; ++i, buffer_.pop_front()) {
    what.ids.push_back(buffer_.front().what.id);
    from.push_back(std::move(buffer_.front().what));
  }
  claim(std::move(what), std::move(from));
}

/// Without the queue: what the database has, in its order, one question at a time.
void worker_pool_state::claim_from_store() {
  const auto n = std::min(free_slots(), options_.prefetch - reserved());
  if (n <= 0 || open_queues_.empty() || !claims_.empty() || self_->clock().now() < claim_at_)
    return;
  claim_at_ = self_->clock().now() + pace_without_queue;
  claim({*node_, {}, open_queues_, claimable_types(), n}, {});
}

void worker_pool_state::claim(storage::claim_request what, hints from) {
  const auto order = next_claim_++;
  const auto node = what.node;
  const auto limit = what.limit;
  claims_.emplace(order, limit);
  requests_.ask<claimed_jobs>(
      self_, parts_.storage, storage_timeout,
      [this, order, node, limit, by_hint = !from.empty()](claimed_jobs& jobs) {
        claims_.erase(order);
        if (!by_hint && static_cast<int>(jobs.size()) == limit)
          claim_at_ = {}; // there may be more at once
        claimed(jobs, node);
      },
      [this, order, from](const caf::error&) {
        claims_.erase(order);
        claim_at_ = self_->clock().now() + pause;
        // A claim that did reach the store is healed by the beat; then these hints find nothing.
        if (stopping_)
          give_back(from);
        else // in their old place, for they are the most urgent
          for (const auto& h : from | std::views::reverse)
            buffer_.push_front({h, self_->clock().now()});
        step();
      },
      atom::claim_v, std::move(what));
}

void worker_pool_state::claimed(claimed_jobs& jobs, node_id by) {
  for (const auto& j : jobs)
    publish(event_of(j, job_status::running));
  for (auto& j : jobs) {
    // Two claims at a time may return a suspect each.
    if (stopping_ || node_ != by || (lifecycle::is_suspect(j.recoveries) && runs_suspect()))
      finish(j, by, outcome::given_back());
    else
      start(j, by);
  }
  step_soon();
}

bool worker_pool_state::runs_suspect() const {
  return std::ranges::any_of(runs_,
                             [](const auto& at) { return lifecycle::is_suspect(at.second.what.recoveries); });
}

void worker_pool_state::give_back(hints unstarted) {
  if (!unstarted.empty())
    self_->send(parts_.queue, atom::push_v, std::move(unstarted));
}

void worker_pool_state::give_back_old_hints() {
  const auto now = self_->clock().now();
  auto old = hints{};
  std::erase_if(buffer_, [&](buffered& b) {
    const auto is_old = now - b.since >= buffer_for;
    if (is_old)
      old.push_back(std::move(b.what));
    return is_old;
  });
  if (!old.empty())
    buffers_ = false;
  give_back(std::move(old));
}

/// Without a fresh beat others may soon run what this node runs, so it starts nothing that must not overlap.
std::vector<std::string> worker_pool_state::claimable_types() const {
  auto types = parts_.handlers->types();
  if (self_->clock().now() - last_beat_ >= lease::exclusive_for)
    std::erase_if(types, [this](const std::string& type) { return parts_.handlers->find(type)->exclusive; });
  return types;
}

// -- running it
// -------------------------------------------------------------------------------------------------

void worker_pool_state::start(claimed_job& what, node_id by) {
  if (what.waited) {
    metrics::pickup_seconds.observe(what.waited->count());
    recent.picked_up(what.queue, *what.waited, self_->clock().now());
  }
  const auto key = run_key{what.id, what.attempt};
  const auto* handler = parts_.handlers->find(what.type);
  if (!handler)
    return finish(what, by, outcome::failed("this worker has no handler for type " + what.type));
  auto r = run{};
  r.timeout = what.timeout.value_or(handler->timeout.value_or(options_.timeout));
  r.node = by;
  r.started = self_->clock().now();
  r.deadline = r.started + std::chrono::duration_cast<caf::timespan>(r.timeout);
  r.exclusive = handler->exclusive;
  try {
    r.ticket = parts_.executor->start(what, callbacks(key));
  } catch (const std::exception& e) {
    return finish(what, by, outcome::failed(std::string{"the worker could not start it: "} + e.what()));
  }
  r.what = without_payload(what);
  deadlines_.emplace(r.deadline, key);
  runs_.emplace(key, std::move(r));
}

execution::executor::callbacks worker_pool_state::callbacks(run_key key) {
  const auto tell = [me = worker_pool_actor{self_}](bool was_empty) {
    if (was_empty)
      caf::anon_send(me, atom::told_v);
  };
  return {[=, to = reports_](outcome o) { tell(to->ended(key, std::move(o))); },
          [=, to = reports_](std::string json) { tell(to->progress(key, std::move(json))); }};
}

void worker_pool_state::hand_progress_on() {
  for (auto& [key, r] : runs_)
    if (self_->clock().now() >= r.next_progress_at)
      progress(r);
}

/// Hands on what the run told last.
void worker_pool_state::progress(run& r) {
  if (r.progress.empty() || r.stopping == stop_reason::lost)
    return;
  r.next_progress_at = self_->clock().now() + between_progress;
  publish(event_of(r.what, job_status::running, r.progress));
  self_->send(parts_.storage, atom::progress_v,
              storage::progress_update{r.node, {r.what.id, r.what.attempt}, std::exchange(r.progress, {})});
}

void worker_pool_state::ended(run_key key, outcome& o) {
  auto gone = runs_.extract(key);
  if (gone.empty())
    return;
  auto& r = gone.mapped();
  progress(r);
  deadlines_.erase({r.deadline, key});
  buffers_ = true;
  const auto now = self_->clock().now();
  metrics::run_seconds.of({metrics::types.bound(r.what.type)}).observe(seconds{now - r.started}.count());
  recent.ran(r.what.queue, now - r.started, now);
  if (r.stopping == stop_reason::lost)
    log::warn("The pool drops the outcome of a run that is no longer its own.",
              {{"job", key.id}, {"attempt", key.attempt}, {"trace", trace_id(r.what.traceparent)}});
  else
    finish(r.what, r.node,
           r.stopping ? outcome_of_stopped(*r.stopping, r.timeout, std::move(o)) : std::move(o));
}

/// The first reason stands, but a lost run stays lost: its outcome must not be written.
void worker_pool_state::end(run_key key, stop_reason why, std::chrono::milliseconds grace) {
  auto& r = runs_.at(key);
  if (!r.stopping || why == stop_reason::lost)
    r.stopping = why;
  deadlines_.erase({r.deadline, key});
  parts_.executor->stop(r.ticket, grace);
}

void worker_pool_state::end_all(stop_reason why, std::chrono::milliseconds grace) {
  for (const auto& [key, r] : runs_)
    end(key, why, grace);
}

void worker_pool_state::end_what_is_out_of_time() {
  const auto now = self_->clock().now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto key = deadlines_.begin()->second;
    log::info(
        "The pool ends a job that ran out of its time.",
        {{"job", key.id}, {"attempt", key.attempt}, {"trace", trace_id(runs_.at(key).what.traceparent)}});
    end(key, stop_reason::timeout, options_.kill_grace);
  }
  if (grace_ends_ && now >= *grace_ends_) {
    grace_ends_.reset();
    end_all(stop_reason::give_back, std::min<std::chrono::milliseconds>(options_.kill_grace, last_grace));
  }
}

void worker_pool_state::end_what_is_out_of_lease() {
  if (!node_ || self_->clock().now() - last_beat_ < lease::exclusive_for)
    return;
  for (auto& [key, r] : runs_) {
    if (!std::exchange(r.exclusive, false))
      continue;
    log::warn("The pool ends an exclusive job: it cannot prove that the job is still its own.",
              {{"job", key.id}, {"attempt", key.attempt}, {"trace", trace_id(r.what.traceparent)}});
    // Others may run it from `condemn_after` on, so its processes get no grace beyond what is left until
    // then.
    end(key, stop_reason::give_back, std::min<std::chrono::milliseconds>(options_.kill_grace, 1s));
  }
}

// -- writing what came of it
// ------------------------------------------------------------------------------------

void worker_pool_state::finish(claimed_job& what, node_id by, outcome o) {
  const auto jitter = std::uniform_real_distribution<double>{0.0, 1.0}(random_);
  const auto conclusion = lifecycle::conclude(what, o, jitter);
  const auto key = run_key{what.id, what.attempt};
  given_back_ += o.what == outcome::kind::released ? 1 : 0;
  outbox_[key] = {{by, key, conclusion, std::move(o.result), std::move(o.message)}, without_payload(what)};
  to_write_.push_back(key);
}

void worker_pool_state::write() {
  if (self_->clock().now() < write_at_)
    return;
  auto portion = run_keys{};
  auto bytes = std::size_t{0};
  for (const auto& key : std::exchange(to_write_, {})) {
    const auto& what = outbox_.at(key).what;
    portion.push_back(key);
    bytes += what.result.size() + what.message.size();
    if (portion.size() < request_items && bytes < request_bytes)
      continue;
    write(std::exchange(portion, {}));
    bytes = 0;
  }
  if (!portion.empty())
    write(portion);
}

void worker_pool_state::write(const run_keys& keys) {
  auto what = finish_requests{};
  for (const auto& key : keys)
    what.push_back(outbox_.at(key).what);
  requests_.ask<finish_answers>(
      self_, parts_.storage, storage_timeout,
      [this, keys](const finish_answers& answers) {
        for (auto i = std::size_t{0}; i < keys.size(); ++i)
          written(keys[i], answers[i]);
        step_soon();
      },
      [this, keys](const caf::error&) {
        to_write_.insert(to_write_.end(), keys.begin(), keys.end());
        write_at_ = self_->clock().now() + pause;
      },
      atom::finish_v, std::move(what));
}

void worker_pool_state::written(run_key key, storage::finish_answer answer) {
  const auto entry = std::move(outbox_.extract(key).mapped());
  if (answer == storage::finish_answer::stale) {
    metrics::refused_outcomes.add();
    log::warn("The store refused a late outcome.",
              {{"job", key.id},
               {"attempt", key.attempt},
               {"trace", trace_id(entry.job ? entry.job->traceparent : std::string{})}});
  } else if (entry.job && answer == storage::finish_answer::cancelled) {
    accepted(*entry.job, {lifecycle::event::cancel, std::nullopt});
  } else if (entry.job) {
    accepted(*entry.job, entry.what.what);
  }
}

void worker_pool_state::accepted(const claimed_job& job, const lifecycle::conclusion& what) {
  metrics::outcomes.of({metrics::types.bound(job.type), lifecycle::to_string(what.what)}).add();
  publish(event_of(job, lifecycle::next(job_status::running, what.what).value()));
  if (what.what == lifecycle::event::release)
    give_back({hint_of(job)});
  if (what.retry_in)
    self_->send(parts_.promoter, atom::due_v, std::chrono::ceil<std::chrono::milliseconds>(*what.retry_in));
}

void worker_pool_state::publish(job_event what) {
  events_.push_back(std::move(what));
  step_soon();
}

void worker_pool_state::send_events() {
  if (!events_.empty())
    self_->send(parts_.queue, atom::publish_v, std::exchange(events_, {}));
}

void worker_pool_state::end_shutdown() {
  if (fetching_ || !claims_.empty() || !runs_.empty() || !outbox_.empty())
    return;
  if (!stopping_->pending())
    return;
  send_events();
  log::info("The pool is empty.", {{"given_back", given_back_}});
  stopping_->deliver(given_back_);
}

void worker_pool_state::measure() {
  show_mailbox(name, *self_);
  metrics::running.set(static_cast<double>(runs_.size()));
  metrics::buffered.set(static_cast<double>(buffer_.size()));
  metrics::outbox.set(static_cast<double>(outbox_.size()));
}

worker_pool_actor::behavior_type worker_pool(worker_pool_actor::stateful_pointer<worker_pool_state> self,
                                             worker_pool_options options, worker_pool_parts parts) {
  return self->state.make_behavior(std::move(options), std::move(parts));
}

} // namespace jobd::actors
