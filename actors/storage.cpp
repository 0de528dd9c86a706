#include "actors/storage.hpp"

#include "actors/errors.hpp"
#include "actors/mailbox.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

#include <algorithm>
#include <iterator>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// A batch holds so many requests, or so much text, whichever comes first: one transaction must stay short,
/// and its parameters must fit into memory many times over.
constexpr std::size_t batch_requests = 1'000;
constexpr std::size_t batch_bytes = 8 << 20;
/// A batch that takes longer waits for a lock or a server, and others should not wait for it.
constexpr auto usual_flush = 20ms;
/// So many rows are worth a transaction of their own, whatever is under way.
constexpr std::size_t large_flush = 50;
constexpr auto first_backoff = 100ms;
constexpr auto most_backoff = 1'000ms;
constexpr auto wake_every = 100ms;

/// After these the connection is closed and must be replaced.
bool breaks_connection(ec code) {
  return code == ec::store_away || code == ec::store_uncertain || code == ec::stopping
         || code == ec::schema_old;
}

std::size_t bytes(const job_specs& all) {
  auto n = std::size_t{0};
  for (const auto& spec : all)
    n += spec.payload.size();
  return n;
}
std::size_t bytes(const finish_requests& all) {
  auto n = std::size_t{0};
  for (const auto& f : all)
    n += f.result.size() + f.message.size();
  return n;
}

std::size_t rows(const storage::claim_request& c) {
  return std::max<std::size_t>(c.ids.size(), 1);
}

/// Each of those who wait gets as many of the answers, which are in their order, as it has asked for.
template <class T, class Waiting, class Asked>
void hand_out(std::vector<T>& answers, std::vector<Waiting>& all, Asked asked) {
  auto first = std::make_move_iterator(answers.begin());
  for (auto& waiting : all) {
    const auto last = first + static_cast<std::ptrdiff_t>(asked(waiting));
    waiting.answer.deliver(std::vector<T>(first, last));
    first = last;
  }
}

} // namespace

storage_actor::behavior_type storage_state::make_behavior(storage_options options) {
  options_ = std::move(options);
  slots_.resize(static_cast<std::size_t>(options_.connections));
  away_since_ = self_->clock().now();
  self_->set_down_handler([this](caf::down_msg& m) { down(m); });
  self_->set_exit_handler([this](caf::exit_msg& m) {
    refuse_all(to_caf({ec::stopping, {}}));
    for (auto& s : slots_)
      if (s.connection)
        self_->send_exit(s.connection, caf::exit_reason::user_shutdown);
    slots_.clear();
    self_->quit(m.reason);
  });
  for (auto i = std::size_t{0}; i < slots_.size(); ++i)
    open(i);
  return {
      [this](atom::create, job_specs& specs) { return create(specs); },
      [this](atom::find, job_id id) { return find(id); },
      [this](atom::claim, storage::claim_request& what) { return claim(what); },
      [this](atom::finish, finish_requests& what) { return finish(what); },
      [this](atom::find a, const job_ids& ids) { return serve<found_jobs>(a, ids); },
      [this](atom::submit a, const storage::submission& s) { return serve<submitted>(a, s); },
      [this](atom::list a, const storage::page_request& q) { return serve<storage::job_page>(a, q); },
      [this](atom::cancel a, const job_ids& ids) { return serve<job_changes>(a, ids); },
      [this](atom::retry a, const job_ids& ids) { return serve<job_changes>(a, ids); },
      [this](atom::history a, job_id id) { return serve<attempt_records>(a, id); },
      [this](atom::explain a, job_id id) { return serve<storage::explanation>(a, id); },
      [this](atom::queues a) { return serve<queue_infos>(a); },
      [this](atom::pause a, const std::string& queue, bool paused) {
        return serve<storage::queue_info>(a, queue, paused);
      },
      [this](atom::workers a) { return serve<worker_infos>(a); },
      [this](atom::stats a) { return serve<all_stats>(a); },
      [this](atom::expire a, int limit) { return upkeep<storage::expiry>(a, limit); },
      [this](atom::progress, storage::progress_update& p) { progress(p); },
      [this](atom::ready a, const storage::ready_query& q) { return upkeep<hints>(a, q); },
      [this](atom::ready a, int most) { return upkeep<storage::queue_heads>(a, most); },
      [this](atom::promote a, int limit) { return upkeep<storage::promotion>(a, limit); },
      [this](atom::rescue a, const lease::suspect& dead) { return upkeep<job_changes>(a, dead); },
      [this](atom::prune a, storage::prune_cursor from) { return upkeep<storage::prune_report>(a, from); },
      [this](atom::wake) { wake(); },
  };
}

caf::error storage_state::away() const {
  if (schema_old_)
    return to_caf({ec::schema_old, "the database has an older schema than this program"});
  return to_caf({ec::store_away, "the database cannot be reached"});
}

// -- requests
// ---------------------------------------------------------------------------------------------------

caf::result<created_jobs> storage_state::create(job_specs& specs) {
  if (away_for_long())
    return away();
  auto answer = self_->make_response_promise<created_jobs>();
  rows_waiting_ += specs.size();
  creates_.push_back({std::move(specs), answer, self_->clock().now(), false});
  dispatch();
  return answer;
}

caf::result<job> storage_state::find(job_id id) {
  if (away_for_long())
    return away();
  auto answer = self_->make_response_promise<job>();
  finds_.push_back({id, answer, self_->clock().now()});
  dispatch();
  return answer;
}

void storage_state::progress(storage::progress_update& p) {
  if (!any_open())
    return;
  const auto key = p.run;
  progresses_.insert_or_assign(key, std::move(p));
  dispatch();
}

// The pool has a patience of its own for claims, finishes and upkeep, so they never wait here for a
// connection.

caf::result<claimed_jobs> storage_state::claim(storage::claim_request& what) {
  if (!any_open())
    return away();
  auto answer = self_->make_response_promise<claimed_jobs>();
  rows_waiting_ += rows(what);
  claims_.push_back({std::move(what), answer});
  dispatch();
  return answer;
}

caf::result<finish_answers> storage_state::finish(finish_requests& what) {
  if (!any_open())
    return away();
  auto answer = self_->make_response_promise<finish_answers>();
  rows_waiting_ += what.size();
  finishes_.push_back({std::move(what), answer});
  dispatch();
  return answer;
}

template <class Answer, class Atom, class... Question>
caf::result<Answer> storage_state::upkeep(Atom what, const Question&... question) {
  if (!any_open())
    return away();
  return enqueue<Answer>(std::nullopt, what, question...);
}

template <class Answer, class Atom, class... Question>
caf::result<Answer> storage_state::serve(Atom what, const Question&... question) {
  if (away_for_long())
    return away();
  return enqueue<Answer>(self_->clock().now(), what, question...);
}

template <class Answer, class Atom, class... Question>
caf::result<Answer> storage_state::enqueue(std::optional<time_point> since, Atom what,
                                           const Question&... question) {
  auto answer = self_->make_response_promise<Answer>();
  const auto refuse = [answer](caf::error e) mutable { answer.deliver(std::move(e)); };
  const auto run = [this, answer, refuse, what, question...](std::size_t index) {
    call<Answer>(
        index, [answer](Answer& a) mutable { answer.deliver(std::move(a)); }, refuse, what, question...);
  };
  calls_.push_back({run, refuse, since});
  dispatch();
  return answer;
}

// -- work for idle connections
// ----------------------------------------------------------------------------------

void storage_state::dispatch() {
  for (auto i = std::size_t{0}; i < slots_.size(); ++i)
    if (slots_[i].state == link::idle && !give_work(i))
      break;
  measure();
}

void storage_state::measure() {
  show_mailbox(name, *self_);
  metrics::storage_waiting.set(
      static_cast<double>(rows_waiting_ + progresses_.size() + finds_.size() + calls_.size()));
  metrics::database_up.set(any_open() ? 1 : 0);
}

/// The kinds take turns, so that a flood of one starves no other.
bool storage_state::give_work(std::size_t index) {
  for (auto tries = 0; tries < 3; ++tries) {
    switch (turn_++ % 3) {
    case 0:
      if (send_flush(index))
        return true;
      break;
    case 1:
      if (send_find(index))
        return true;
      break;
    default:
      if (send_call(index))
        return true;
    }
  }
  return false;
}

/// A batch waits for those under way until it has twice as many rows: two small transactions cost the
/// database nearly twice of what one costs.
bool storage_state::worth_a_flush() const {
  if (finishes_.empty() && claims_.empty() && creates_.empty() && progresses_.empty())
    return false;
  return rows_waiting_ + progresses_.size() >= std::min(2 * rows_under_way_, large_flush)
         || self_->clock().now() - flushed_at_ >= usual_flush;
}

bool storage_state::send_flush(std::size_t index) {
  if (!worth_a_flush())
    return false;
  auto batch = storage::batch{};
  auto f = take_flight(batch);
  rows_under_way_ += f->rows;
  metrics::flush_requests.observe(static_cast<double>(batch.size()));
  f->sent_at = flushed_at_ = self_->clock().now();
  call<storage::batch_result>(
      index, [this, f](storage::batch_result& result) { land(*f, result); },
      [this, f](const caf::error& why) { crash(*f, why); }, atom::flush_v, std::move(batch));
  return true;
}

/// Moves what is waiting into a batch. Creates are copied: a batch that did not reach the store is sent
/// again.
std::shared_ptr<storage_state::flight> storage_state::take_flight(storage::batch& out) {
  auto f = std::make_shared<flight>();
  auto size = std::size_t{0};
  const auto fits = [&] { return out.size() < batch_requests && size < batch_bytes; };
  for (; !finishes_.empty() && fits(); finishes_.pop_front()) {
    auto& next = finishes_.front();
    size += bytes(next.what);
    f->rows += next.what.size();
    f->finishes.push_back({next.what.size(), next.answer});
    std::ranges::move(next.what, std::back_inserter(out.finishes));
  }
  for (; !claims_.empty() && fits(); claims_.pop_front()) {
    f->rows += rows(claims_.front().what);
    out.claims.push_back(std::move(claims_.front().what));
    f->claims.push_back(std::move(claims_.front()));
  }
  for (; !progresses_.empty() && fits(); progresses_.erase(progresses_.begin()))
    out.progresses.push_back(std::move(progresses_.begin()->second));
  for (; !creates_.empty() && fits(); creates_.pop_front()) {
    const auto& specs = creates_.front().specs;
    size += bytes(specs);
    f->rows += specs.size();
    out.creates.insert(out.creates.end(), specs.begin(), specs.end());
    f->creates.push_back(std::move(creates_.front()));
  }
  rows_waiting_ -= f->rows;
  f->rows += out.progresses.size();
  return f;
}

void storage_state::land(flight& f, storage::batch_result& result) {
  rows_under_way_ -= f.rows;
  metrics::flush_seconds.observe(seconds{self_->clock().now() - f.sent_at}.count());
  if (options_.queue && !result.unblocked.empty())
    self_->send(*options_.queue, atom::push_v, std::move(result.unblocked));
  hand_out(result.finishes, f.finishes, [](const sent_finish& w) { return w.requests; });
  for (auto i = std::size_t{0}; i < f.claims.size(); ++i)
    f.claims[i].answer.deliver(std::move(result.claims[i]));
  hand_out(result.creates, f.creates, [](const waiting_create& w) { return w.specs.size(); });
}

void storage_state::crash(flight& f, const caf::error& why) {
  rows_under_way_ -= f.rows;
  metrics::flush_failures.add();
  for (auto& waiting : f.finishes)
    waiting.answer.deliver(why);
  for (auto& waiting : f.claims)
    waiting.answer.deliver(why);
  // What was not written, or does not mind to be written again, waits for the next connection in its old
  // place.
  const auto again = why == ec::store_away || (why == ec::store_uncertain && options_.creates_may_repeat);
  for (auto waiting = f.creates.rbegin(); waiting != f.creates.rend(); ++waiting) {
    waiting->maybe_written = waiting->maybe_written || why == ec::store_uncertain;
    if (again && !too_old(waiting->since)) {
      rows_waiting_ += waiting->specs.size();
      creates_.push_front(std::move(*waiting));
    } else {
      refuse(*waiting, why);
    }
  }
}

void storage_state::refuse(waiting_create& waiting, caf::error why) {
  waiting.answer.deliver(waiting.maybe_written ? to_caf({ec::store_uncertain, {}}) : std::move(why));
}

bool storage_state::send_find(std::size_t index) {
  if (finds_.empty())
    return false;
  auto taken = std::make_shared<std::vector<waiting_find>>();
  auto ids = job_ids{};
  for (; !finds_.empty() && ids.size() < batch_requests; finds_.pop_front()) {
    ids.push_back(finds_.front().id);
    taken->push_back(std::move(finds_.front()));
  }
  call<found_jobs>(
      index,
      [taken](found_jobs& found) {
        for (auto i = std::size_t{0}; i < taken->size(); ++i) {
          if (found[i])
            (*taken)[i].answer.deliver(std::move(*found[i]));
          else
            (*taken)[i].answer.deliver(
                to_caf({ec::not_found, "there is no job " + std::to_string((*taken)[i].id)}));
        }
      },
      [this, taken](const caf::error& why) {
        for (auto waiting = taken->rbegin(); waiting != taken->rend(); ++waiting) {
          if (breaks_connection(from_caf(why).code) && !too_old(waiting->since))
            finds_.push_front(std::move(*waiting));
          else
            waiting->answer.deliver(why);
        }
      },
      atom::find_v, std::move(ids));
  return true;
}

bool storage_state::send_call(std::size_t index) {
  if (calls_.empty())
    return false;
  const auto next = std::move(calls_.front());
  calls_.pop_front();
  next.run(index);
  return true;
}

template <class Answer, class OnAnswer, class OnError, class... Question>
void storage_state::call(std::size_t index, OnAnswer on_answer, OnError on_error, Question&&... question) {
  const auto connection = slots_[index].connection;
  slots_[index].state = link::busy;
  wake_later();
  requests_.ask<Answer>(
      self_, connection, options_.call_timeout,
      [this, index, on_answer](Answer& a) mutable {
        if (slots_[index].state == link::busy)
          slots_[index].state = link::idle;
        on_answer(a);
        dispatch();
      },
      [this, index, connection, on_error](caf::error& why) mutable {
        // The slot may have been given to the connection's successor by now.
        if (slots_[index].connection == connection) {
          if (breaks_connection(from_caf(why).code))
            lost(index, why);
          else
            slots_[index].state = link::idle;
        }
        on_error(why);
        dispatch();
      },
      std::forward<Question>(question)...);
}

// -- connections
// ------------------------------------------------------------------------------------------------

void storage_state::open(std::size_t index) {
  auto& s = slots_[index];
  s.connection = options_.spawn_connection(self_->system());
  s.state = link::opening;
  self_->monitor(s.connection);
  const auto connection = s.connection;
  self_->request(connection, options_.call_timeout, atom::connect_v)
      .then(
          [this, index] {
            slots_[index].state = link::idle;
            schema_old_ = false;
            slots_[index].backoff = 0ms;
            if (said_away_)
              log::info("Storage reached the database.");
            said_away_ = false;
            dispatch();
          },
          [this, index, connection](caf::error& why) {
            if (slots_[index].connection == connection)
              lost(index, why);
          });
}

/// The connection is given up, and another one is opened when the backoff is over.
void storage_state::lost(std::size_t index, const caf::error& why) {
  const auto was_open = any_open();
  auto& s = slots_[index];
  self_->demonitor(s.connection.address());
  self_->send_exit(s.connection, caf::exit_reason::user_shutdown);
  s.connection = nullptr;
  s.state = link::closed;
  schema_old_ = from_caf(why).code == ec::schema_old;
  s.open_at = self_->clock().now() + s.backoff;
  s.backoff = std::clamp<std::chrono::milliseconds>(s.backoff * 2, first_backoff, most_backoff);
  if (was_open && !any_open())
    away_since_ = self_->clock().now();
  if (!said_away_ && !any_open()) {
    log::warn("Storage cannot reach the database and tries again.", {{"error", to_string(from_caf(why))}});
    said_away_ = true;
  }
  refuse_old();
  measure();
  wake_later();
}

/// A connection that died (an exception) without an answer.
void storage_state::down(const caf::down_msg& m) {
  for (auto i = std::size_t{0}; i < slots_.size(); ++i) {
    if (slots_[i].connection && slots_[i].connection.address() == m.source) {
      log::error("A database connection died and is replaced.", {{"reason", caf::to_string(m.reason)}});
      lost(i, m.reason);
    }
  }
}

bool storage_state::any_open() const {
  return std::ranges::any_of(slots_,
                             [](const slot& s) { return s.state == link::idle || s.state == link::busy; });
}

bool storage_state::too_old(time_point since) const {
  return self_->clock().now() - since >= options_.patience;
}

bool storage_state::away_for_long() const {
  return !any_open() && too_old(away_since_);
}

void storage_state::wake_later() {
  if (waking_)
    return;
  waking_ = true;
  self_->delayed_send(self_, wake_every, atom::wake_v);
}

void storage_state::wake() {
  waking_ = false;
  requests_.expire(self_->clock().now());
  auto any_closed = false;
  for (auto i = std::size_t{0}; i < slots_.size(); ++i) {
    if (slots_[i].state == link::closed && slots_[i].open_at <= self_->clock().now())
      open(i);
    any_closed = any_closed || slots_[i].state == link::closed || slots_[i].state == link::opening;
  }
  refuse_old();
  // What waits for a batch that hangs must not wait for the next request, too.
  dispatch();
  if (any_closed || !requests_.empty())
    wake_later();
}

void storage_state::refuse_old() {
  if (any_open())
    return;
  for (; !creates_.empty() && too_old(creates_.front().since); creates_.pop_front()) {
    rows_waiting_ -= creates_.front().specs.size();
    refuse(creates_.front(), away());
  }
  for (; !finds_.empty() && too_old(finds_.front().since); finds_.pop_front())
    finds_.front().answer.deliver(away());
  for (; !finishes_.empty(); finishes_.pop_front()) {
    rows_waiting_ -= finishes_.front().what.size();
    finishes_.front().answer.deliver(away());
  }
  for (; !claims_.empty(); claims_.pop_front()) {
    rows_waiting_ -= rows(claims_.front().what);
    claims_.front().answer.deliver(away());
  }
  std::erase_if(calls_, [this](const waiting_call& waiting) {
    const auto old = !waiting.since || too_old(*waiting.since);
    if (old)
      waiting.refuse(away());
    return old;
  });
}

void storage_state::refuse_all(const caf::error& why) {
  for (auto& waiting : creates_)
    refuse(waiting, why);
  for (auto& waiting : finds_)
    waiting.answer.deliver(why);
  for (auto& waiting : finishes_)
    waiting.answer.deliver(why);
  for (auto& waiting : claims_)
    waiting.answer.deliver(why);
  for (auto& waiting : calls_)
    waiting.refuse(why);
}

storage_actor::behavior_type storage(storage_actor::stateful_pointer<storage_state> self,
                                     storage_options options) {
  return self->state.make_behavior(std::move(options));
}

} // namespace jobd::actors
