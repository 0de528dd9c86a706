#include "actors/watch.hpp"

#include "actors/ask.hpp"
#include "actors/errors.hpp"

#include <algorithm>
#include <tuple>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto wake_every = 50ms;
constexpr auto storage_timeout = 30s;
constexpr auto queue_timeout = 5s;
/// Jobs of one query.
constexpr std::size_t most_ids = 1'000;
/// Between two looks at all jobs, while events are not heard, and while they are, for none is certain.
constexpr auto poll_deaf = 500ms;
constexpr auto poll_hearing = 10'000ms;
constexpr auto pause = 500ms;
/// Events are written for so long without being asked for again.
constexpr auto attend_for = 60'000ms;
constexpr auto attend_again = 20'000ms;

job_event state_of(const job& j) {
  return {j.id, j.object_id, j.type, j.queue, j.status, j.attempt, std::nullopt};
}

/// A job goes from attempt to attempt, and within one it runs first.
auto order_of(const job_event& e) {
  return std::tuple{e.attempt, e.status != job_status::running};
}

/// What was told already, or is older than that.
bool is_news(const job_event& e, const std::optional<job_event>& last) {
  if (!last || order_of(e) > order_of(*last))
    return true;
  return order_of(e) == order_of(*last) && (e.status != last->status || e.progress != last->progress);
}

bool matches(const event_subscription& what, const job_event& e) {
  return (!what.id || *what.id == e.id) && (!what.type || *what.type == e.type)
         && (!what.queue || *what.queue == e.queue);
}

} // namespace

watch_actor::behavior_type watch_state::make_behavior(storage_actor storage, queue_actor queue) {
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  return {
      [this](atom::await, job_id id, std::chrono::milliseconds time) { return await(id, time); },
      [this](atom::watch, event_subscription& what) { watch(what); },
      [this](atom::heard, const messages& news) { heard(news); },
      [this](atom::heard, bool everything) { hears(everything); },
      [this](atom::wake) { wake(); },
  };
}

// -- requests
// -------------------------------------------------------------------------------------------------------

caf::result<job> watch_state::await(job_id id, std::chrono::milliseconds time) {
  auto answer = self_->make_response_promise<job>();
  const auto deadline = self_->clock().now() + time;
  waiters_[id].push_back({answer, deadline});
  deadlines_.emplace(deadline, id);
  to_look_up_.insert(id);
  look_up();
  wake_later();
  return answer;
}

void watch_state::watch(event_subscription& what) {
  const auto r = std::make_shared<reader>(reader{std::move(what), std::nullopt, false, {}});
  if (r->what.id) {
    readers_of_job_[*r->what.id].push_back(r);
    to_look_up_.insert(*r->what.id);
  } else {
    readers_of_all_.push_back(r);
  }
  if (!r->what.last_event_id.empty()) {
    r->catching_up = true;
    catch_up(r);
  }
  look_up();
  attend();
  wake_later();
}

void watch_state::heard(const messages& news) {
  for (const auto& m : news) {
    const auto e = read_job_event(m.text);
    if (!e)
      continue;
    if (is_final(e->status) && waiters_.contains(e->id))
      to_look_up_.insert(e->id);
    tell(m, *e);
  }
  look_up();
}

void watch_state::hears(bool everything) {
  hears_ = everything;
  // A queue that is back may have forgotten it.
  if (everything)
    attended_until_ = {};
  look_up_all();
}

void watch_state::wake() {
  waking_ = false;
  const auto now = self_->clock().now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    to_look_up_.insert(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
  }
  if (now >= poll_at_)
    look_up_all();
  drop_dead_readers();
  look_up();
  if (!watches_any())
    return;
  attend();
  wake_later();
}

bool watch_state::watches_any() const {
  return !waiters_.empty() || !readers_of_job_.empty() || !readers_of_all_.empty();
}

void watch_state::wake_later() {
  if (waking_)
    return;
  waking_ = true;
  self_->delayed_send(self_, wake_every, atom::wake_v);
}

// -- looking up
// -----------------------------------------------------------------------------------------------------

void watch_state::look_up_all() {
  poll_at_ = self_->clock().now() + (hears_ ? poll_hearing : poll_deaf);
  for (const auto& [id, waiting] : waiters_)
    to_look_up_.insert(id);
  for (const auto& [id, reading] : readers_of_job_)
    to_look_up_.insert(id);
  look_up();
}

/// Events have to be written before a job is looked up, or its end could fall between the two.
void watch_state::look_up() {
  const auto now = self_->clock().now();
  if (to_look_up_.empty() || looking_up_ || now < look_up_at_)
    return;
  attend();
  if (attending_)
    return;
  auto ids = job_ids{};
  while (!to_look_up_.empty() && ids.size() < most_ids)
    ids.push_back(to_look_up_.extract(to_look_up_.begin()).value());
  looking_up_ = true;
  ask<found_jobs>(
      self_, storage_, storage_timeout,
      [this, ids](const found_jobs& found) {
        looking_up_ = false;
        for (auto i = std::size_t{0}; i < ids.size(); ++i)
          seen(ids[i], found[i]);
        look_up();
      },
      [this, ids](const caf::error& why) {
        looking_up_ = false;
        look_up_at_ = self_->clock().now() + pause;
        for (const auto id : ids) {
          refuse_overdue(id, why);
          to_look_up_.insert(id);
        }
      },
      atom::find_v, ids);
}

/// Whoever has waited long enough is told why nobody knows.
void watch_state::refuse_overdue(job_id id, const caf::error& why) {
  const auto waiting = waiters_.find(id);
  if (waiting == waiters_.end())
    return;
  std::erase_if(waiting->second, [&](waiter& w) {
    const auto overdue = w.deadline <= self_->clock().now();
    if (overdue)
      w.answer.deliver(why);
    return overdue;
  });
  if (waiting->second.empty())
    waiters_.erase(waiting);
}

void watch_state::attend() {
  const auto now = self_->clock().now();
  if (attending_ || now + attend_again < attended_until_)
    return;
  attending_ = true;
  const auto go_on = [this](std::chrono::milliseconds until) {
    attending_ = false;
    attended_until_ = self_->clock().now() + until;
    look_up();
  };
  // Without the queue nothing is heard, and polling has to do.
  ask<caf::unit_t>(
      self_, queue_, queue_timeout, [go_on](caf::unit_t) { go_on(attend_for); },
      [go_on](const caf::error&) { go_on(attend_again + poll_hearing); }, atom::attend_v,
      std::chrono::milliseconds{attend_for});
}

void watch_state::seen(job_id id, const std::optional<job>& found) {
  answer_waiters(id, found);
  tell_readers(id, found);
}

void watch_state::answer_waiters(job_id id, const std::optional<job>& found) {
  const auto waiting = waiters_.find(id);
  if (waiting == waiters_.end())
    return;
  const auto now = self_->clock().now();
  std::erase_if(waiting->second, [&](waiter& w) {
    if (found && !is_final(found->status) && now < w.deadline)
      return false;
    if (found)
      w.answer.deliver(*found);
    else
      w.answer.deliver(to_caf({ec::not_found, "there is no job " + std::to_string(id)}));
    return true;
  });
  if (waiting->second.empty())
    waiters_.erase(waiting);
}

void watch_state::tell_readers(job_id id, const std::optional<job>& found) {
  const auto reading = readers_of_job_.find(id);
  if (reading == readers_of_job_.end())
    return;
  std::erase_if(reading->second, [&](const reader_ptr& r) {
    if (!found)
      r->what.reader->end({ec::not_found, "there is no job " + std::to_string(id)});
    return !found || (!r->catching_up && !deliver_state(*r, *found));
  });
  if (reading->second.empty())
    readers_of_job_.erase(reading);
}

// -- readers
// --------------------------------------------------------------------------------------------------------

void watch_state::catch_up(const reader_ptr& r) {
  ask<messages>(
      self_, queue_, queue_timeout,
      [this, r](const messages& older) {
        if (older.empty())
          return caught_up(r);
        for (const auto& m : older) {
          const auto e = read_job_event(m.text);
          r->what.last_event_id = m.id;
          if (e && matches(r->what, *e) && !deliver(*r, m.id, *e))
            return;
        }
        catch_up(r);
      },
      [this, r](const caf::error&) { caught_up(r); }, atom::read_v, r->what.last_event_id);
}

void watch_state::caught_up(const reader_ptr& r) {
  r->catching_up = false;
  const auto told = queue::read_place(r->what.last_event_id);
  for (const auto& m : std::exchange(r->held_back, {}))
    if (const auto e = read_job_event(m.text); e && (!told || queue::read_place(m.id) > told))
      deliver(*r, m.id, *e);
  if (r->what.id) {
    to_look_up_.insert(*r->what.id);
    look_up();
  }
}

void watch_state::tell(const queue::message& m, const job_event& e) {
  const auto has_ended = [&](const reader_ptr& r) {
    if (!matches(r->what, e))
      return false;
    if (!r->catching_up)
      return !deliver(*r, m.id, e);
    r->held_back.push_back(m);
    return false;
  };
  std::erase_if(readers_of_all_, has_ended);
  const auto of_job = readers_of_job_.find(e.id);
  if (of_job == readers_of_job_.end())
    return;
  std::erase_if(of_job->second, has_ended);
  if (of_job->second.empty())
    readers_of_job_.erase(of_job);
}

bool watch_state::deliver(reader& r, const std::string& id, const job_event& e) {
  if (r.what.id && !is_news(e, r.last))
    return true;
  if (r.what.id)
    r.last = e;
  if (!r.what.reader->deliver(id, e))
    return false;
  if (!r.what.id || !is_final(e.status))
    return true;
  r.what.reader->end({});
  return false;
}

/// How a job is, for a reader that has not heard it.
bool watch_state::deliver_state(reader& r, const job& j) {
  auto e = state_of(j);
  const auto known = r.last && order_of(*r.last) == order_of(e) && r.last->status == e.status;
  if (!known && !deliver(r, {}, e))
    return false;
  if (!j.progress || is_final(j.status))
    return true;
  e.progress = j.progress;
  return deliver(r, {}, e);
}

void watch_state::drop_dead_readers() {
  const auto is_dead = [](const reader_ptr& r) { return !r->what.reader->alive(); };
  std::erase_if(readers_of_all_, is_dead);
  for (auto of_job = readers_of_job_.begin(); of_job != readers_of_job_.end();) {
    std::erase_if(of_job->second, is_dead);
    of_job = of_job->second.empty() ? readers_of_job_.erase(of_job) : std::next(of_job);
  }
}

watch_actor::behavior_type watch(watch_actor::stateful_pointer<watch_state> self, storage_actor storage,
                                 queue_actor queue) {
  return self->state.make_behavior(std::move(storage), std::move(queue));
}

} // namespace jobd::actors
