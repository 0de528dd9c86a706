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
      [n](atom::create, job_spec& spec) {
        n->created.push_back(spec);
        return unless_away(n, n->create_gives);
      },
      [](atom::find, job_id id) -> caf::result<job> {
        auto j = job{};
        j.id = id;
        return j;
      },
      [](atom::claim, storage::claim_request&) -> caf::result<claimed_jobs> { return claimed_jobs{}; },
      [](atom::finish, storage::finish_request&) -> caf::result<storage::finish_answer> {
        return storage::finish_answer::accepted;
      },
      [](atom::progress, const storage::progress_update&) {},
      [n](atom::ready, const storage::ready_query& q) {
        n->ready_queries.push_back(q);
        return unless_away(n, n->ready);
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
      [](atom::publish, const job_events&) {},
      [n](atom::size, const std::string&) -> caf::result<std::int64_t> {
        if (n->queue_away)
          return to_caf({ec::queue_away, {}});
        return n->queue_size;
      },
      [](atom::flush) {},
  };
}

promoter_actor::behavior_type neighbour_promoter(promoter_actor::pointer, neighbours* n) {
  return {[](atom::run_once) {}, [n](atom::due, std::chrono::milliseconds in) { n->due.push_back(in); }};
}

} // namespace jobd::actors
