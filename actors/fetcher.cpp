#include "actors/fetcher.hpp"

#include "actors/errors.hpp"

namespace jobd::actors {

fetcher_actor::behavior_type fetcher_state::make_behavior(const queue_factory& make_queue) {
  queue_ = make_queue();
  return {
      [this](atom::pop, int most, const queue_names& queues) -> caf::result<hints> {
        auto popped = queue_->pop(queues, most, wait);
        if (!popped)
          return to_caf(popped.error());
        return std::move(*popped);
      },
  };
}

fetcher_actor::behavior_type fetcher(fetcher_actor::stateful_pointer<fetcher_state> self,
                                     const queue_factory& make_queue) {
  return self->state.make_behavior(make_queue);
}

} // namespace jobd::actors
