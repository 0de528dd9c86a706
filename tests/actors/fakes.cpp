#include "tests/actors/fakes.hpp"

#include "actors/errors.hpp"

namespace jobd::actors {
namespace {

template <class T>
caf::result<T> unless_away(const neighbours* n, const T& value) {
  if (n->store_away)
    return to_caf({ec::store_away, {}});
  return value;
}

} // namespace

storage_actor::behavior_type neighbour_storage(storage_actor::pointer, neighbours* n) {
  return {
      [n](atom::create, const job_specs& specs) {
        ++n->create_requests;
        n->created.insert(n->created.end(), specs.begin(), specs.end());
        return unless_away(n, created_jobs(specs.size(), n->create_gives));
      },
      [n](atom::find, job_id id) -> caf::result<job> {
        if (const auto at = n->jobs.find(id); at != n->jobs.end())
          return at->second;
        auto j = job{};
        j.id = id;
        return j;
      },
      [n](atom::find, const job_ids& ids) -> caf::result<found_jobs> {
        ++n->look_ups;
        if (n->store_away)
          return to_caf({ec::store_away, {}});
        auto found = found_jobs{};
        for (const auto id : ids) {
          const auto at = n->jobs.find(id);
          found.push_back(at == n->jobs.end() ? std::nullopt : std::optional{at->second});
        }
        return found;
      },
      [n](atom::submit, storage::submission& s) {
        n->submissions.push_back(s);
        return unless_away(n, n->submit_gives);
      },
      [n](atom::list, const storage::page_request& q) {
        n->pages.push_back(q);
        return unless_away(n, n->list_gives);
      },
      [n](atom::cancel, const job_ids& ids) {
        n->cancelled.insert(n->cancelled.end(), ids.begin(), ids.end());
        return unless_away(n, n->change_gives);
      },
      [n](atom::retry, const job_ids& ids) {
        n->retried.insert(n->retried.end(), ids.begin(), ids.end());
        return unless_away(n, n->change_gives);
      },
      [](atom::history, job_id) -> caf::result<attempt_records> { return attempt_records{}; },
      [](atom::explain, job_id) -> caf::result<storage::explanation> { return storage::explanation{}; },
      [](atom::queues) -> caf::result<queue_infos> { return queue_infos{}; },
      [](atom::pause, const std::string&, bool) -> caf::result<storage::queue_info> {
        return storage::queue_info{};
      },
      [](atom::workers) -> caf::result<worker_infos> { return worker_infos{}; },
      [](atom::stats) -> caf::result<all_stats> { return all_stats{}; },
      [n](atom::expire, int) {
        ++n->expiries;
        return unless_away(n, n->expiry);
      },
      [](atom::claim, storage::claim_request&) -> caf::result<claimed_jobs> { return claimed_jobs{}; },
      [](atom::finish, const finish_requests& all) -> caf::result<finish_answers> {
        return finish_answers(all.size(), storage::finish_answer::accepted);
      },
      [](atom::progress, const storage::progress_update&) {},
      [n](atom::ready, const storage::ready_query& q) {
        n->ready_queries.push_back(q);
        return unless_away(n, n->ready);
      },
      [n](atom::ready, int) {
        ++n->looks_at_heads;
        return unless_away(n, n->heads);
      },
      [n](atom::promote, int) {
        ++n->promotions;
        return unless_away(n, n->promotion);
      },
      [n](atom::rescue, const lease::suspect& dead) {
        n->rescued.push_back(dead);
        return unless_away(n, n->rescue_gives);
      },
      [](atom::prune, storage::prune_cursor) -> caf::result<storage::prune_report> {
        return storage::prune_report{};
      },
      [](atom::wake) {},
  };
}

queue_actor::behavior_type neighbour_queue(queue_actor::pointer, neighbours* n) {
  return {
      [n](atom::push, hints& more) { n->pushed.insert(n->pushed.end(), more.begin(), more.end()); },
      [n](atom::publish, const job_events& more) {
        n->published.insert(n->published.end(), more.begin(), more.end());
      },
      [n](atom::cancel, const run_keys& more) {
        n->to_end.insert(n->to_end.end(), more.begin(), more.end());
      },
      [n](atom::attend, std::chrono::milliseconds) -> caf::result<caf::unit_t> {
        ++n->attended;
        if (n->queue_away)
          return to_caf({ec::queue_away, {}});
        return caf::unit;
      },
      [n](atom::read, const std::string& after) -> caf::result<messages> {
        auto older = messages{};
        for (const auto& m : n->kept)
          if (queue::read_place(m.id) > queue::read_place(after))
            older.push_back(m);
        return older;
      },
      [n](atom::size, const std::string&) -> caf::result<std::int64_t> {
        if (n->queue_away)
          return to_caf({ec::queue_away, {}});
        return n->queue_size;
      },
      [](atom::flush) {},
  };
}

expirer_actor::behavior_type neighbour_expirer(expirer_actor::pointer, neighbours* n) {
  return {[](atom::run_once) {},
          [n](atom::due, std::chrono::milliseconds in) { n->expire_due.push_back(in); }};
}

watch_actor::behavior_type neighbour_watch(watch_actor::pointer) {
  return {
      [](atom::await, job_id id, std::chrono::milliseconds) -> caf::result<job> {
        auto j = job{};
        j.id = id;
        return j;
      },
      [](atom::watch, event_subscription&) {},
      [](atom::heard, const messages&) {},
      [](atom::heard, bool) {},
      [](atom::wake) {},
  };
}

promoter_actor::behavior_type neighbour_promoter(promoter_actor::pointer, neighbours* n) {
  return {[](atom::run_once) {}, [n](atom::due, std::chrono::milliseconds in) { n->due.push_back(in); }};
}

} // namespace jobd::actors
