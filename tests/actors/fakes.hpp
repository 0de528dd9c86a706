#pragma once

#include "actors/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <map>

namespace jobd::actors {

/// What the actors around the one under test were told, and what they answer.
struct neighbours {
  hints pushed;
  job_events published;
  run_keys to_end;
  int attended = 0;
  /// What the stream of events holds.
  messages kept;
  std::int64_t queue_size = 0;
  bool queue_away = false;

  hints ready;
  std::vector<storage::ready_query> ready_queries;
  storage::queue_heads heads{.has_worker = true, .jobs = {}};
  int looks_at_heads = 0;
  storage::promotion promotion;
  int promotions = 0;
  std::vector<lease::suspect> rescued;
  job_changes rescue_gives;
  bool store_away = false;
  std::vector<job_spec> created;
  int create_requests = 0;
  created_job create_gives{1, false, {}};

  std::vector<storage::submission> submissions;
  submitted submit_gives;
  std::vector<storage::page_request> pages;
  storage::job_page list_gives;
  job_ids cancelled;
  job_ids retried;
  job_changes change_gives;
  std::map<job_id, job> jobs;
  /// Queries for several jobs.
  int look_ups = 0;
  int expiries = 0;
  storage::expiry expiry;

  std::vector<std::chrono::milliseconds> due;
  std::vector<std::chrono::milliseconds> expire_due;
};

storage_actor::behavior_type neighbour_storage(storage_actor::pointer self, neighbours* n);
queue_actor::behavior_type neighbour_queue(queue_actor::pointer self, neighbours* n);
expirer_actor::behavior_type neighbour_expirer(expirer_actor::pointer self, neighbours* n);
watch_actor::behavior_type neighbour_watch(watch_actor::pointer self);
promoter_actor::behavior_type neighbour_promoter(promoter_actor::pointer self, neighbours* n);

} // namespace jobd::actors
