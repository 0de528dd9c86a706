#include "actors/connection.hpp"

#include "actors/errors.hpp"

namespace jobd::actors {
namespace {

template <class T>
caf::result<T> answer(expected<T> from_store) {
  if (!from_store)
    return to_caf(from_store.error());
  return std::move(*from_store);
}

} // namespace

connection_actor::behavior_type connection_state::make_behavior(connection_options options) {
  store_ = options.make_store();
  return {
      [this](atom::connect) -> caf::result<void> {
        if (const auto opened = store_->connect(); !opened)
          return to_caf(opened.error());
        return caf::unit;
      },
      [this](atom::flush, const storage::batch& b) { return answer(store_->flush(b)); },
      [this](atom::find, const job_ids& ids) { return answer(store_->find(ids)); },
      [this](atom::submit, const storage::submission& s) { return answer(store_->submit(s)); },
      [this](atom::list, const storage::page_request& q) { return answer(store_->list(q)); },
      [this](atom::cancel, const job_ids& ids) { return answer(store_->cancel(ids)); },
      [this](atom::retry, const job_ids& ids) { return answer(store_->rerun(ids)); },
      [this](atom::history, job_id id) { return answer(store_->history(id)); },
      [this](atom::explain, job_id id) { return answer(store_->explain(id)); },
      [this](atom::queues) { return answer(store_->queues()); },
      [this](atom::pause, const std::string& queue, bool paused) {
        return answer(store_->pause(queue, paused));
      },
      [this](atom::workers) { return answer(store_->workers()); },
      [this](atom::stats) { return answer(store_->stats()); },
      [this](atom::expire, int limit) { return answer(store_->expire(limit)); },
      [this](atom::ready, const storage::ready_query& q) { return answer(store_->ready_jobs(q)); },
      [this](atom::ready, int most) { return answer(store_->heads(most)); },
      [this](atom::promote, int limit) { return answer(store_->promote(limit)); },
      [this](atom::rescue, const lease::suspect& dead) { return answer(store_->rescue(dead)); },
      [this, keep = options.retention](atom::prune, storage::prune_cursor from) {
        return answer(store_->prune(from, keep));
      },
  };
}

connection_actor::behavior_type connection(connection_actor::stateful_pointer<connection_state> self,
                                           connection_options options) {
  return self->state.make_behavior(std::move(options));
}

} // namespace jobd::actors
