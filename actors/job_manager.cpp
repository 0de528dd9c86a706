#include "actors/job_manager.hpp"

#include "actors/ask.hpp"
#include "actors/changes.hpp"
#include "actors/errors.hpp"
#include "actors/mailbox.hpp"
#include "core/metrics.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

namespace jobd::actors {
namespace {

using std::chrono::milliseconds;

/// How long the answer to a `run_at` or `expires_in` is away.
milliseconds from_now(timestamp t) {
  const auto wait = std::chrono::ceil<milliseconds>(t - std::chrono::system_clock::now());
  return std::max(wait, milliseconds{0});
}

/// What the announcing of a job needs of its spec, which goes to storage.
job_spec without_payload(const job_spec& spec) {
  auto rest = job_spec{};
  rest.object_id = spec.object_id;
  rest.type = spec.type;
  rest.queue = spec.queue;
  rest.priority = spec.priority;
  rest.expires_in = spec.expires_in;
  return rest;
}

void count(const created_job& created, const job_spec& spec) {
  auto& counted = created.duplicate ? metrics::duplicates : metrics::submitted;
  counted.of({metrics::types.bound(spec.type)}).add();
  metrics::queues.bound(spec.queue);
}

/// The first job of a submission that breaks a rule.
expected<void> validate_all(const std::vector<job_spec>& jobs) {
  if (jobs.empty() || jobs.size() > limits::batch_jobs)
    return fail(ec::invalid, "jobs must be 1 to " + std::to_string(limits::batch_jobs));
  for (auto i = std::size_t{0}; i < jobs.size(); ++i)
    if (const auto valid = validate(jobs[i]); !valid)
      return fail(ec::invalid, "jobs[" + std::to_string(i) + "]." + valid.error().context);
  return {};
}

/// Why a job was not changed.
error refusal(atom::cancel, const job& j) {
  return {ec::conflict,
          "job " + std::to_string(j.id) + " is over: its status is " + std::string{to_string(j.status)}};
}
error refusal(atom::retry, const job& j) {
  return {ec::conflict, "only a job that failed or was cancelled can run again: the status of job "
                            + std::to_string(j.id) + " is " + std::string{to_string(j.status)}};
}

} // namespace

job_manager_actor::behavior_type job_manager_state::make_behavior(job_manager_parts parts) {
  parts_ = std::move(parts);
  return {
      [this](atom::create, job_specs& specs) { return create(specs); },
      [this](atom::submit, storage::submission& what) { return submit(what); },
      [this](atom::find, job_id id) { return self_->delegate(parts_.storage, atom::find_v, id); },
      [this](atom::await, job_id id, milliseconds time) {
        return self_->delegate(parts_.watch, atom::await_v, id, time);
      },
      [this](atom::list, const storage::page_request& which) {
        return self_->delegate(parts_.storage, atom::list_v, which);
      },
      [this](atom::cancel what, job_id id) { return change(what, id); },
      [this](atom::cancel what, const storage::page_request& which) { return change_page(what, which); },
      [this](atom::retry what, job_id id) { return change(what, id); },
      [this](atom::retry what, const storage::page_request& which) { return change_page(what, which); },
      [this](atom::history, job_id id) { return self_->delegate(parts_.storage, atom::history_v, id); },
      [this](atom::explain, job_id id) { return self_->delegate(parts_.storage, atom::explain_v, id); },
      [this](atom::queues what) { return self_->delegate(parts_.storage, what); },
      [this](atom::pause what, const std::string& queue, bool paused) {
        return self_->delegate(parts_.storage, what, queue, paused);
      },
      [this](atom::workers what) { return self_->delegate(parts_.storage, what); },
      [this](atom::stats what) { return self_->delegate(parts_.storage, what); },
      [this](atom::watch, event_subscription& what) {
        self_->send(parts_.watch, atom::watch_v, std::move(what));
      },
  };
}

caf::result<created_jobs> job_manager_state::create(job_specs& specs) {
  show_mailbox(name, *self_);
  auto answers = created_jobs{};
  auto places = std::vector<std::size_t>{};
  auto announced = job_specs{};
  auto valid = job_specs{};
  for (auto& spec : specs) {
    if (const auto checked = validate(spec); !checked) {
      answers.push_back(tl::unexpected(checked.error()));
      continue;
    }
    places.push_back(answers.size());
    answers.emplace_back();
    announced.push_back(without_payload(spec));
    valid.push_back(std::move(spec));
  }
  if (valid.empty())
    return answers;
  auto answer = self_->make_response_promise<created_jobs>();
  // Storage answers in its own time, and whoever asked watches the clock.
  ask<created_jobs>(
      self_, parts_.storage, caf::infinite,
      [this, answer, answers = std::move(answers), places = std::move(places),
       announced = std::move(announced)](created_jobs& all) mutable {
        auto stored = std::vector<std::pair<created_job, job_spec>>{};
        for (auto i = std::size_t{0}; i < all.size(); ++i) {
          if (all[i])
            stored.emplace_back(*all[i], std::move(announced[i]));
          answers[places[i]] = std::move(all[i]);
        }
        answer.deliver(std::move(answers));
        announce(stored);
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); }, atom::create_v,
      std::move(valid));
  return answer;
}

caf::result<submitted> job_manager_state::submit(storage::submission& what) {
  if (const auto valid = validate_all(what.jobs); !valid)
    return to_caf(valid.error());
  auto announced = std::vector<job_spec>{};
  std::ranges::transform(what.jobs, std::back_inserter(announced), without_payload);
  auto answer = self_->make_response_promise<submitted>();
  ask<submitted>(
      self_, parts_.storage, storage_timeout,
      [this, answer, announced = std::move(announced)](submitted& created) mutable {
        auto stored = std::vector<std::pair<created_job, job_spec>>{};
        for (auto i = std::size_t{0}; i < created.size(); ++i)
          stored.emplace_back(created[i], std::move(announced[i]));
        announce(stored);
        answer.deliver(std::move(created));
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); }, atom::submit_v, std::move(what));
  return answer;
}

template <class Atom>
caf::result<job> job_manager_state::change(Atom what, job_id id) {
  auto answer = self_->make_response_promise<job>();
  const auto refuse = [answer](caf::error& why) mutable { answer.deliver(std::move(why)); };
  ask<job_changes>(
      self_, parts_.storage, storage_timeout,
      [this, answer, refuse, what, id](const job_changes& changes) mutable {
        announce(changes);
        ask<job>(
            self_, parts_.storage, storage_timeout,
            [answer, what, changed = !changes.empty()](job& j) mutable {
              if (changed)
                answer.deliver(std::move(j));
              else
                answer.deliver(to_caf(refusal(what, j)));
            },
            refuse, atom::find_v, id);
      },
      refuse, what, job_ids{id});
  return answer;
}

/// Each job is changed only if its status still allows it, so it does not matter what happens between the
/// look and the change.
template <class Atom>
caf::result<bulk_report> job_manager_state::change_page(Atom what, const storage::page_request& which) {
  auto answer = self_->make_response_promise<bulk_report>();
  const auto refuse = [answer](caf::error& why) mutable { answer.deliver(std::move(why)); };
  ask<storage::job_page>(
      self_, parts_.storage, storage_timeout,
      [this, answer, refuse, what](const storage::job_page& page) mutable {
        auto ids = job_ids{};
        std::ranges::transform(page.jobs, std::back_inserter(ids), &job::id);
        ask<job_changes>(
            self_, parts_.storage, storage_timeout,
            [this, answer, next = page.next](const job_changes& changes) mutable {
              announce(changes);
              const auto asked = static_cast<int>(
                  std::ranges::count(changes, job_status::running, &storage::job_change::status));
              answer.deliver(bulk_report{static_cast<int>(changes.size()) - asked, asked, next});
            },
            refuse, what, std::move(ids));
      },
      refuse, atom::list_v, which);
  return answer;
}

/// The jobs are on disk, and a hint that is lost is written again by the hinter.
void job_manager_state::announce(const std::vector<std::pair<created_job, job_spec>>& stored) {
  auto ready = hints{};
  auto news = job_events{};
  for (const auto& [created, spec] : stored) {
    count(created, spec);
    if (created.duplicate)
      continue;
    if (created.run_at)
      self_->send(parts_.promoter, atom::due_v, from_now(*created.run_at));
    else
      ready.push_back({created.id, spec.queue, spec.priority});
    if (spec.expires_in)
      self_->send(parts_.expirer, atom::due_v, std::chrono::ceil<milliseconds>(*spec.expires_in));
    news.push_back({created.id, spec.object_id, spec.type, spec.queue, job_status::created, 0, {}});
  }
  if (!ready.empty())
    self_->send(parts_.queue, atom::push_v, std::move(ready));
  if (!news.empty())
    self_->send(parts_.queue, atom::publish_v, std::move(news));
}

void job_manager_state::announce(const job_changes& changes) {
  auto to_end = run_keys{};
  auto changed = job_changes{};
  for (const auto& c : changes)
    if (c.status == job_status::running)
      to_end.push_back({c.id, c.attempt});
    else
      changed.push_back(c);
  if (!to_end.empty())
    self_->send(parts_.queue, atom::cancel_v, std::move(to_end));
  if (changed.empty())
    return;
  self_->send(parts_.queue, atom::push_v, hints_of(changed));
  self_->send(parts_.queue, atom::publish_v, events_of(changed));
}

job_manager_actor::behavior_type job_manager(job_manager_actor::stateful_pointer<job_manager_state> self,
                                             job_manager_parts parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace jobd::actors
