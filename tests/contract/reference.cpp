#include "tests/contract/reference.hpp"

#include <algorithm>
#include <tuple>

namespace jobd::test {
namespace {

using lifecycle::event;
using storage::finish_answer;

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

timestamp after(timestamp t, seconds s) {
  return t + std::chrono::round<std::chrono::microseconds>(s);
}

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::ranges::find(all, one) != all.end();
}

bool goes_back(const storage::finish_request& f) {
  return f.what.what == event::retry || f.what.what == event::release;
}

storage::job_change change_of(const job& j) {
  const auto where = j.status == job_status::running ? j.node : std::nullopt;
  return {j.id, j.object_id, j.type, j.queue, j.priority, j.status, j.attempt, where};
}

bool in_queue_order(const job& a, const job& b) {
  return std::tuple{a.priority, a.id} < std::tuple{b.priority, b.id};
}

void earliest(std::optional<seconds>& to, timestamp due, timestamp now) {
  const auto left = std::max(seconds{due - now}, seconds{0});
  to = to ? std::min(*to, left) : left;
}

} // namespace

// ---------------------------------------------------------------- flush

storage::batch_result reference::flush(const storage::batch& b, const ids& fresh) {
  auto r = storage::batch_result{};
  for (const auto& p : b.progresses)
    if (auto* e = run_of(p.node, p.run))
      e->what.progress = p.progress;
  auto freed = std::set<object>{};
  for (const auto& f : b.finishes)
    r.finishes.push_back(finish(f, freed));
  r.unblocked = unblock(freed);
  for (const auto& c : b.claims)
    r.claims.push_back(claim(c));
  for (auto i = std::size_t{0}; i < b.creates.size(); ++i)
    r.creates.emplace_back(create(b.creates[i], i < fresh.size() ? fresh[i] : 0));
  return r;
}

reference::entry* reference::run_of(node_id n, run_key run) {
  const auto at = jobs_.find(run.id);
  const auto runs = at != jobs_.end() && at->second.what.status == job_status::running;
  return runs && at->second.what.attempt == run.attempt && at->second.what.node == n ? &at->second : nullptr;
}

void reference::end_attempt(entry& e, std::string outcome, std::optional<std::string> message) {
  auto& a = e.attempts.at({e.what.attempt, false});
  a.outcome = std::move(outcome);
  a.end_time = now_;
  a.message = std::move(message);
}

finish_answer reference::finish(const storage::finish_request& f, std::set<object>& freed) {
  auto* e = run_of(f.node, f.run);
  if (!e)
    return judge(f);
  auto& j = e->what;
  const auto what = goes_back(f) && j.cancel_requested ? event::cancel : f.what.what;
  if (j.object_limit > 0)
    freed.insert({j.type, j.object_id});
  j.status = lifecycle::next(job_status::running, what).value();
  j.cancel_requested = false;
  if (what == event::release) {
    end_attempt(*e, "released", unless_empty(f.message));
    j.start_time = j.end_time = std::nullopt;
    j.node = std::nullopt;
    return finish_answer::accepted;
  }
  end_attempt(*e, what == event::retry ? "failed" : std::string{to_string(j.status)},
              unless_empty(f.message));
  j.end_time = now_;
  j.message = unless_empty(f.message);
  j.result = what == event::succeed ? unless_empty(f.result) : std::nullopt;
  j.failures += what == event::fail || what == event::retry;
  if (what == event::retry) {
    j.ready = false;
    j.run_at = after(now_, f.what.retry_in.value());
  }
  return what == f.what.what ? finish_answer::accepted : finish_answer::cancelled;
}

/// The run is over: by this very finish, or without it.
finish_answer reference::judge(const storage::finish_request& f) {
  const auto at = jobs_.find(f.run.id);
  if (at == jobs_.end() || f.run.attempt < 1 || f.run.attempt > at->second.what.attempt)
    return finish_answer::stale;
  const auto& a = at->second.attempts.at({f.run.attempt, false});
  if (a.node == f.node && a.outcome != "running" && a.outcome != "lost")
    return goes_back(f) && a.outcome == "cancelled" ? finish_answer::cancelled : finish_answer::accepted;
  at->second.attempts.try_emplace(
      {f.run.attempt, true},
      storage::attempt_record{f.run.attempt, f.node, std::nullopt, now_, "refused", unless_empty(f.message)});
  return finish_answer::stale;
}

std::vector<hint> reference::unblock(const std::set<object>& freed) {
  auto hints = std::vector<hint>{};
  for (const auto& [type, object_id] : freed) {
    entry* first = nullptr;
    for (auto& [id, e] : jobs_)
      if (e.what.type == type && e.what.object_id == object_id && e.what.status == job_status::created
          && e.blocked && !expired(e.what) && (!first || in_queue_order(e.what, first->what)))
        first = &e;
    if (!first)
      continue;
    first->what.ready = true;
    first->what.run_at = std::nullopt;
    first->blocked = false;
    hints.push_back({first->what.id, first->what.queue, first->what.priority});
  }
  return hints;
}

bool reference::runs_suspect(node_id n) const {
  return std::ranges::any_of(jobs_, [&](const auto& at) {
    const auto& j = at.second.what;
    return j.status == job_status::running && j.node == n && lifecycle::is_suspect(j.recoveries);
  });
}

std::vector<reference::entry*> reference::startable(const storage::claim_request& c, const std::string* queue,
                                                    bool suspects) {
  auto found = std::vector<entry*>{};
  for (auto& [id, e] : jobs_) {
    const auto& j = e.what;
    const auto asked = queue ? j.queue == *queue : contains(c.ids, id);
    if (asked && j.status == job_status::created && j.ready && !expired(j) && contains(c.types, j.type)
        && nodes_.contains(c.node) && !paused(j.queue) && (suspects || !lifecycle::is_suspect(j.recoveries)))
      found.push_back(&e);
  }
  std::ranges::sort(found, [](const entry* a, const entry* b) { return in_queue_order(a->what, b->what); });
  return found;
}

bool reference::object_runs(const job& j) const {
  return std::ranges::any_of(jobs_, [&](const auto& other) {
    const auto& o = other.second.what;
    return o.status == job_status::running && o.object_limit > 0 && o.type == j.type
           && o.object_id == j.object_id;
  });
}

std::vector<claimed_job> reference::claim(const storage::claim_request& c) {
  auto jobs = std::vector<claimed_job>{};
  auto looked_at = std::size_t{0};
  const auto limit = static_cast<std::size_t>(c.limit);
  auto queues = std::vector<const std::string*>{};
  for (const auto& queue : c.queues)
    queues.push_back(&queue);
  if (!c.ids.empty())
    queues = {nullptr};
  auto suspects = !runs_suspect(c.node);
  auto has_suspect = false;
  for (const auto* queue : queues)
    for (auto step = 0; step < rules_.claim_steps; ++step) {
      if (rules_.claim_steps > 1) {
        suspects = !runs_suspect(c.node);
        has_suspect = false;
      }
      auto candidates = startable(c, queue, suspects);
      const auto left = limit - (rules_.claim_steps == 1 ? looked_at : jobs.size());
      candidates.resize(std::min(candidates.size(), left));
      looked_at += candidates.size();
      for (auto* e : candidates) {
        if (lifecycle::is_suspect(e->what.recoveries) && std::exchange(has_suspect, true))
          continue;
        if (e->what.object_limit == 0 || !object_runs(e->what)) {
          jobs.push_back(start(*e, c.node));
          continue;
        }
        e->blocked = true;
        e->what.ready = false;
        e->what.run_at = after(now_, seconds{5});
      }
    }
  return jobs;
}

claimed_job reference::start(entry& e, node_id n) {
  auto& j = e.what;
  j.status = lifecycle::next(j.status, event::claim).value();
  ++j.attempt;
  j.node = n;
  j.start_time = now_;
  j.end_time = std::nullopt;
  j.progress = std::nullopt;
  e.attempts[{j.attempt, false}] = {j.attempt, n, now_, std::nullopt, "running", std::nullopt};
  auto waited = std::optional<seconds>{};
  if (j.attempt == 1)
    waited = std::max(seconds{now_ - std::max(j.created_at, j.run_at.value_or(j.created_at))}, seconds{0});
  return {j.id,
          j.attempt,
          j.object_id,
          j.type,
          j.queue,
          j.payload.value_or(""),
          j.priority,
          j.timeout,
          j.max_attempts,
          j.failures,
          j.recoveries,
          j.object_limit,
          j.traceparent.value_or(""),
          waited};
}

// ---------------------------------------------------------------- jobs

std::optional<timestamp> reference::waits_until(job_id id) const {
  const auto at = jobs_.find(id);
  if (at == jobs_.end() || at->second.what.status != job_status::created || at->second.what.ready
      || at->second.blocked)
    return std::nullopt;
  return at->second.what.run_at;
}

created_job reference::create(const job_spec& spec, job_id fresh) {
  const auto key = object{spec.type, spec.object_id};
  if (const auto at = keys_.find(key); at != keys_.end() && !at->second.expired)
    return {at->second.id, true, waits_until(at->second.id)};
  last_ = std::max(fresh, last_ + 1);
  if (rules_.dedupe)
    keys_[key] = {last_, false};
  auto& j = jobs_[last_].what;
  j.id = last_;
  j.object_id = spec.object_id;
  j.type = spec.type;
  j.queue = spec.queue;
  j.payload = unless_empty(spec.payload);
  j.priority = spec.priority;
  j.timeout = spec.timeout;
  j.max_attempts = spec.max_attempts;
  j.object_limit = spec.object_limit;
  j.created_at = now_;
  j.run_at = spec.delay ? after(now_, *spec.delay) : spec.run_at;
  j.ready = !j.run_at || *j.run_at <= now_;
  if (spec.expires_in)
    j.expires_at = after(now_, *spec.expires_in);
  return {last_, false, waits_until(last_)};
}

expected<std::vector<created_job>> reference::submit(const storage::submission& s, const ids& fresh) {
  const auto known = s.key ? answers_.find(*s.key) : answers_.end();
  if (known != answers_.end() && known->second.fingerprint != s.fingerprint)
    return fail(ec::key_reused);
  auto jobs = known == answers_.end() ? std::vector<created_job>{} : known->second.jobs;
  for (auto& j : jobs)
    j.run_at = waits_until(j.id);
  if (known != answers_.end())
    return jobs;
  for (auto i = std::size_t{0}; i < s.jobs.size(); ++i)
    jobs.push_back(create(s.jobs[i], i < fresh.size() ? fresh[i] : 0));
  if (s.key)
    answers_[*s.key] = {s.fingerprint, jobs};
  return jobs;
}

std::vector<std::optional<job>> reference::find(const ids& which) const {
  auto found = std::vector<std::optional<job>>{};
  for (const auto id : which)
    found.push_back(jobs_.contains(id) ? std::optional{jobs_.at(id).what} : std::nullopt);
  return found;
}

reference::ids reference::list(const storage::job_filter& f) const {
  auto found = ids{};
  for (const auto& [id, e] : jobs_)
    if ((!f.status || *f.status == e.what.status) && (!f.type || *f.type == e.what.type)
        && (!f.queue || *f.queue == e.what.queue) && (!f.object_id || *f.object_id == e.what.object_id))
      found.insert(found.begin(), id);
  return found;
}

std::vector<storage::job_change> reference::cancel(const ids& which) {
  auto changes = std::vector<storage::job_change>{};
  for (auto& [id, e] : jobs_) {
    auto& j = e.what;
    if (!contains(which, id) || is_final(j.status))
      continue;
    j.cancel_requested = j.status == job_status::running;
    j.ready = true;
    e.blocked = false;
    if (!j.cancel_requested) {
      j.status = lifecycle::next(j.status, event::cancel).value();
      j.end_time = now_;
    }
    changes.push_back(change_of(j));
  }
  return changes;
}

std::vector<storage::job_change> reference::rerun(const ids& which) {
  auto changes = std::vector<storage::job_change>{};
  for (auto& [id, e] : jobs_) {
    auto& j = e.what;
    const auto status = lifecycle::next(j.status, event::rerun);
    if (!contains(which, id) || !status)
      continue;
    j.status = *status;
    j.failures = j.recoveries = 0;
    j.run_at = j.expires_at = j.start_time = j.end_time = std::nullopt;
    j.progress = j.result = j.message = std::nullopt;
    j.node = std::nullopt;
    changes.push_back(change_of(j));
  }
  return changes;
}

storage::expiry reference::expire() {
  auto r = storage::expiry{};
  for (auto& [id, e] : jobs_) {
    auto& j = e.what;
    if (j.status != job_status::created || !j.expires_at)
      continue;
    if (!expired(j)) {
      earliest(r.next_in, *j.expires_at, now_);
      continue;
    }
    j.status = lifecycle::next(j.status, event::expire).value();
    j.message = "expired";
    j.end_time = now_;
    j.ready = true;
    e.blocked = false;
    r.expired.push_back(change_of(j));
  }
  return r;
}

storage::promotion reference::promote() {
  auto r = storage::promotion{};
  for (auto& [id, e] : jobs_) {
    auto& j = e.what;
    if (j.status != job_status::created || j.ready)
      continue;
    if (*j.run_at > now_) {
      earliest(r.next_in, *j.run_at, now_);
      continue;
    }
    j.ready = true;
    e.blocked = false;
    r.hints.push_back({id, j.queue, j.priority});
  }
  return r;
}

storage::prune_report reference::prune(seconds retention) {
  auto r = storage::prune_report{};
  r.jobs = static_cast<std::int64_t>(std::erase_if(jobs_, [&](const auto& at) {
    return is_final(at.second.what.status) && *at.second.what.end_time < after(now_, -retention);
  }));
  r.dedupe_rows =
      static_cast<std::int64_t>(std::erase_if(keys_, [](const auto& at) { return at.second.expired; }));
  return r;
}

expected<std::vector<storage::attempt_record>> reference::history(job_id id) const {
  if (!jobs_.contains(id))
    return fail(ec::not_found);
  auto records = std::vector<storage::attempt_record>{};
  for (const auto& [key, a] : jobs_.at(id).attempts)
    records.push_back(a);
  return records;
}

// ---------------------------------------------------------------- queues and nodes

std::vector<storage::queue_stats> reference::stats() const {
  auto by_name = std::map<std::string, storage::queue_stats>{};
  for (const auto& [id, e] : jobs_) {
    auto& q = by_name[e.what.queue];
    q.queue = e.what.queue;
    ++q.jobs[static_cast<std::size_t>(e.what.status)];
    if (e.what.status == job_status::created && e.what.ready)
      q.oldest_ready = seconds{0};
  }
  auto all = std::vector<storage::queue_stats>{};
  for (const auto& [name, q] : by_name)
    all.push_back(q);
  return all;
}

storage::queue_info reference::pause(const std::string& queue, bool paused) {
  auto r = storage::queue_info{.name = queue, .paused = paused};
  if (paused || queues_.contains(queue)) {
    queues_[queue] = paused;
    r.changed_at = now_;
  }
  for (const auto& [id, n] : nodes_)
    r.workers += contains(n.what.queues, queue) && n.heartbeat_at >= now_ - lease::overdue_after;
  return r;
}

std::vector<hint> reference::ready_jobs(const storage::ready_query& q) const {
  auto hints = std::vector<hint>{};
  for (const auto& queue : q.queues) {
    const auto first = hints.size();
    for (const auto& [id, e] : jobs_)
      if (e.what.queue == queue && e.what.status == job_status::created && e.what.ready
          && contains(q.types, e.what.type) && !paused(queue))
        hints.push_back({id, queue, e.what.priority});
    std::stable_sort(hints.begin() + static_cast<std::ptrdiff_t>(first), hints.end(),
                     [](const hint& a, const hint& b) { return a.priority < b.priority; });
    hints.resize(std::min(hints.size(), first + static_cast<std::size_t>(q.limit)));
  }
  return hints;
}

storage::beat_report reference::beat(node_id id) {
  auto r = storage::beat_report{};
  const auto beaten = tick();
  r.known = nodes_.contains(id);
  if (r.known)
    nodes_[id].heartbeat_at = beaten;
  for (const auto& [other, n] : nodes_)
    if (n.heartbeat_at < now_ - lease::overdue_after)
      r.overdue.push_back({other, n.heartbeat_at});
  auto orphaning = std::set<node_id>{};
  for (const auto& [job, e] : jobs_) {
    if (e.what.status != job_status::running)
      continue;
    if (!nodes_.contains(*e.what.node))
      orphaning.insert(*e.what.node);
    if (e.what.node != id)
      continue;
    r.running.push_back({job, e.what.attempt});
    if (e.what.cancel_requested)
      r.cancelled.push_back({job, e.what.attempt});
  }
  r.orphaning.assign(orphaning.begin(), orphaning.end());
  for (const auto& [name, paused] : queues_)
    if (paused)
      r.paused.push_back(name);
  return r;
}

std::vector<storage::job_change> reference::rescue(const lease::suspect& dead) {
  auto changes = std::vector<storage::job_change>{};
  auto evidence = std::string{};
  if (const auto at = nodes_.find(dead.node); at != nodes_.end()) {
    if (at->second.heartbeat_at != dead.heartbeat_at)
      return changes;
    evidence = " (" + at->second.what.host + ':' + std::to_string(at->second.what.pid) + ')';
    nodes_.erase(at);
  }
  auto freed = std::set<object>{};
  for (auto& [id, e] : jobs_) {
    auto& j = e.what;
    if (j.status != job_status::running || j.node != dead.node)
      continue;
    end_attempt(e, "lost", std::nullopt);
    const auto what = j.cancel_requested                         ? event::cancel
                      : j.recoveries < lifecycle::max_recoveries ? event::rescue
                                                                 : event::quarantine;
    j.status = lifecycle::next(j.status, what).value();
    ++j.recoveries;
    j.cancel_requested = false;
    j.node = std::nullopt;
    if (what == event::rescue)
      j.start_time = j.end_time = std::nullopt;
    else
      j.end_time = now_;
    if (what == event::quarantine)
      j.message = "quarantined: its node died " + std::to_string(j.recoveries)
                  + " times while running it, last node " + std::to_string(dead.node) + evidence;
    if (j.object_limit > 0)
      freed.insert({j.type, j.object_id});
    changes.push_back(change_of(j));
  }
  unblock(freed);
  return changes;
}

// ---------------------------------------------------------------- time

void reference::age_job(job_id id, seconds by) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end())
    return;
  auto& j = at->second.what;
  j.created_at = after(j.created_at, -by);
  for (auto* t : {&j.end_time, &j.run_at, &j.expires_at})
    if (*t)
      *t = after(**t, -by);
}

void reference::age_beat(node_id id, seconds by) {
  if (const auto at = nodes_.find(id); at != nodes_.end())
    at->second.heartbeat_at = after(at->second.heartbeat_at, -by);
}

void reference::expire_keys() {
  for (auto& [key, s] : keys_)
    s.expired = true;
}

} // namespace jobd::test
