#pragma once

#include "actors/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace jobd::actors {

/// What the actors around the one under test were told, and what they answer.
struct neighbours {
  hints pushed;
  std::int64_t queue_size = 0;
  bool queue_away = false;

  hints ready;
  std::vector<storage::ready_query> ready_queries;
  storage::promotion promotion;
  int promotions = 0;
  std::vector<lease::suspect> rescued;
  job_changes rescue_gives;
  bool store_away = false;
  std::vector<job_spec> created;
  created_job create_gives{1, false, {}};

  std::vector<std::chrono::milliseconds> due;
};

storage_actor::behavior_type neighbour_storage(storage_actor::pointer self, neighbours* n);
queue_actor::behavior_type neighbour_queue(queue_actor::pointer self, neighbours* n);
promoter_actor::behavior_type neighbour_promoter(promoter_actor::pointer self, neighbours* n);

} // namespace jobd::actors
