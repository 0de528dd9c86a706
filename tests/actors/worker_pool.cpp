#include "actors/worker_pool.hpp"

#include "core/metrics.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

/// An executor whose runs end when the test says so.
struct fake_executor : execution::executor {
  struct started {
    claimed_job what;
    callbacks tell;
    std::optional<std::chrono::milliseconds> stopped;
    int stops = 0;
  };
  std::vector<started> runs;
  bool throws = false;

  execution::ticket start(const claimed_job& j, callbacks tell) override {
    if (throws)
      throw std::runtime_error{"no room"};
    runs.push_back({j, std::move(tell), {}});
    return runs.size() - 1;
  }
  void stop(execution::ticket t, std::chrono::milliseconds grace) override {
    runs[t].stopped = grace;
    ++runs[t].stops;
  }
};

/// What stands around the pool.
struct surroundings {
  hints queued;
  bool queue_away = false;
  std::vector<int> demands;
  /// By the last fetch.
  queue_names fetched_from;
  hints pushed;
  ec store_fails = ec::none;
  bool hold_claims = false;
  caf::actor held_claims;
  std::vector<storage::claim_request> claims;
  std::vector<storage::finish_request> finishes;
  storage::finish_answer finish_answer = storage::finish_answer::accepted;
  std::vector<storage::progress_update> progress;
  /// What storage was told of runs, in its order.
  std::vector<std::string> writes;
  job_events published;
  /// What a claim in queue order finds.
  std::vector<job_id> in_store;
  std::map<job_id, attempt_no> attempts;
  std::map<job_id, std::string> types;
  int max_attempts = 1;
  std::map<job_id, int> recoveries;
  int hinter_wakes = 0;
  std::vector<std::chrono::milliseconds> due;

  claimed_jobs take(const storage::claim_request& what) {
    auto jobs = claimed_jobs{};
    auto ids = what.ids;
    if (ids.empty())
      for (; !in_store.empty() && static_cast<int>(ids.size()) < what.limit; in_store.erase(in_store.begin()))
        ids.push_back(in_store.front());
    for (const auto id : ids) {
      auto j = claimed_job{};
      j.id = id;
      j.attempt = ++attempts[id];
      j.object_id = 70;
      j.type = types.contains(id) ? types[id] : "default";
      j.queue = "default";
      j.max_attempts = max_attempts;
      j.recoveries = recoveries[id];
      jobs.push_back(j);
    }
    return jobs;
  }
};

storage_actor::behavior_type fake_storage(storage_actor::pointer self, surroundings* w) {
  return {
      [](atom::create, const job_specs&) -> caf::result<created_jobs> { return created_jobs{}; },
      [](atom::find, const job_ids&) -> caf::result<found_jobs> { return found_jobs{}; },
      [](atom::submit, const storage::submission&) -> caf::result<submitted> { return submitted{}; },
      [](atom::list, const storage::page_request&) -> caf::result<storage::job_page> {
        return storage::job_page{};
      },
      [](atom::cancel, const job_ids&) -> caf::result<job_changes> { return job_changes{}; },
      [](atom::retry, const job_ids&) -> caf::result<job_changes> { return job_changes{}; },
      [](atom::history, job_id) -> caf::result<attempt_records> { return attempt_records{}; },
      [](atom::explain, job_id) -> caf::result<storage::explanation> { return storage::explanation{}; },
      [](atom::queues) -> caf::result<queue_infos> { return queue_infos{}; },
      [](atom::pause, const std::string&, bool) -> caf::result<storage::queue_info> {
        return storage::queue_info{};
      },
      [](atom::workers) -> caf::result<worker_infos> { return worker_infos{}; },
      [](atom::stats) -> caf::result<all_stats> { return all_stats{}; },
      [](atom::expire, int) -> caf::result<storage::expiry> { return storage::expiry{}; },
      [](atom::find, job_id) -> caf::result<job> { return job{}; },
      [w, self](atom::claim, storage::claim_request& what) -> caf::result<claimed_jobs> {
        w->claims.push_back(what);
        if (w->hold_claims)
          return hold<claimed_jobs>(self, w->held_claims);
        if (w->store_fails != ec::none)
          return to_caf({w->store_fails, {}});
        return w->take(what);
      },
      [w](atom::finish, const finish_requests& all) -> caf::result<finish_answers> {
        w->finishes.insert(w->finishes.end(), all.begin(), all.end());
        w->writes.push_back("finish");
        if (w->store_fails != ec::none)
          return to_caf({w->store_fails, {}});
        return finish_answers(all.size(), w->finish_answer);
      },
      [w](atom::progress, storage::progress_update& what) {
        w->writes.push_back(what.progress);
        w->progress.push_back(std::move(what));
      },
      [](atom::ready, const storage::ready_query&) -> caf::result<hints> { return hints{}; },
      [](atom::ready, int) -> caf::result<storage::queue_heads> { return storage::queue_heads{}; },
      [](atom::promote, int) -> caf::result<storage::promotion> { return storage::promotion{}; },
      [](atom::rescue, const lease::suspect&) -> caf::result<job_changes> { return job_changes{}; },
      [](atom::prune, storage::prune_cursor) -> caf::result<storage::prune_report> {
        return storage::prune_report{};
      },
      [](atom::wake) {},
  };
}

queue_actor::behavior_type fake_queue(queue_actor::pointer, surroundings* w) {
  return {
      [w](atom::push, hints& more) { w->pushed.insert(w->pushed.end(), more.begin(), more.end()); },
      [w](atom::publish, job_events& more) {
        w->published.insert(w->published.end(), more.begin(), more.end());
      },
      [](atom::cancel, const run_keys&) {},
      [](atom::attend, std::chrono::milliseconds) -> caf::result<caf::unit_t> { return caf::unit; },
      [](atom::read, const std::string&) -> caf::result<messages> { return messages{}; },
      [](atom::size, const std::string&) { return std::int64_t{0}; },
      [](atom::flush) {},
  };
}

fetcher_actor::behavior_type fake_fetcher(fetcher_actor::pointer, surroundings* w) {
  return {
      [w](atom::pop, int most, const queue_names& queues) -> caf::result<hints> {
        w->demands.push_back(most);
        w->fetched_from = queues;
        if (w->queue_away)
          return to_caf({ec::queue_away, {}});
        auto popped = hints{};
        for (; !w->queued.empty() && static_cast<int>(popped.size()) < most;
             w->queued.erase(w->queued.begin()))
          popped.push_back(w->queued.front());
        return popped;
      },
  };
}

hinter_actor::behavior_type fake_hinter(hinter_actor::pointer, surroundings* w) {
  return {[](atom::run_once) {}, [w](atom::wake) { ++w->hinter_wakes; }, [](atom::look) {}};
}

promoter_actor::behavior_type fake_promoter(promoter_actor::pointer, surroundings* w) {
  return {[](atom::run_once) {}, [w](atom::due, std::chrono::milliseconds in) { w->due.push_back(in); }};
}

struct pool_fixture : actor_fixture {
  surroundings world;
  std::shared_ptr<fake_executor> executor = std::make_shared<fake_executor>();
  std::shared_ptr<execution::registry> handlers = std::make_shared<execution::registry>();
  worker_pool_actor pool;
  queue_names queues = {"default"};

  pool_fixture() { world.held_claims = keep(sys.spawn(vault<claimed_jobs>)); }
  void spawn_pool(int prefetch, int concurrency) {
    auto options = worker_pool_options{};
    options.prefetch = prefetch;
    options.concurrency = concurrency;
    options.queues = queues;
    options.timeout = seconds{60};
    pool = keep(sys.spawn(
        worker_pool, options,
        worker_pool_parts{handlers, executor, keep(sys.spawn(fake_storage, &world)),
                          keep(sys.spawn(fake_queue, &world)), keep(sys.spawn(fake_fetcher, &world)),
                          keep(sys.spawn(fake_hinter, &world)), keep(sys.spawn(fake_promoter, &world))}));
    join(1);
  }
  ~pool_fixture() {
    // Every run ends once, as the executor promises.
    for (auto i = 0u; i < executor->runs.size(); ++i)
      end(i, outcome::given_back());
    executor->runs.clear();
    world.hold_claims = false;
    world.held_claims = nullptr;
    pool = nullptr;
    end_actors();
  }
  void join(node_id id) {
    self->send(pool, atom::joined_v, id, now());
    run();
  }
  void beat(run_keys running = {}, run_keys cancelled = {}) {
    self->send(pool, atom::beaten_v, std::move(running), std::move(cancelled), now());
    run();
  }
  void pause(queue_names paused) {
    self->send(pool, atom::pause_v, std::move(paused));
    run();
  }
  void cancel(run_keys asked) {
    self->send(pool, atom::cancel_v, std::move(asked));
    run();
  }
  void tell(std::size_t index, std::string progress) {
    executor->runs[index].tell.progress(std::move(progress));
    run();
  }
  /// What was published of a job, each as `running 1` (status and attempt), with the progress behind it.
  std::vector<std::string> news(job_id id) {
    auto texts = std::vector<std::string>{};
    for (const auto& e : world.published)
      if (e.id == id)
        texts.push_back(std::string{to_string(e.status)} + " " + std::to_string(e.attempt)
                        + (e.progress ? " " + *e.progress : ""));
    return texts;
  }
  void queue_jobs(job_id first, job_id last) {
    for (auto id = first; id <= last; ++id)
      world.queued.push_back({id, "default", 5});
  }
  void end(std::size_t index, outcome o) {
    if (auto done = std::exchange(executor->runs[index].tell, {}).done)
      done(std::move(o));
    run();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(worker_pool_suite, pool_fixture)

BOOST_AUTO_TEST_CASE(it_runs_no_more_than_concurrency_and_reserves_no_more_than_prefetch) {
  queue_jobs(1, 20);
  spawn_pool(5, 2);
  BOOST_TEST(executor->runs.size() == 2u);
  BOOST_TEST(world.queued.size() == 15u);
  for (const auto& c : world.claims)
    BOOST_TEST(c.limit <= 2);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_free_again_takes_the_next_job_and_one_more_hint) {
  queue_jobs(1, 20);
  spawn_pool(5, 2);
  end(0, outcome::succeeded("1"));
  BOOST_TEST(executor->runs.size() == 3u);
  BOOST_TEST(world.queued.size() == 14u);
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::succeed));
  BOOST_TEST((world.finishes[0].run == run_key{1, 1}));
  BOOST_TEST(world.finishes[0].node == 1);
}

BOOST_AUTO_TEST_CASE(hints_that_find_no_slot_go_back_and_are_not_fetched_again_while_the_slots_stay_taken) {
  queue_jobs(1, 20);
  spawn_pool(5, 2);
  advance(5'100ms);
  BOOST_TEST(world.pushed.size() == 3u);
  const auto left = world.queued.size();
  advance(10s);
  BOOST_TEST(world.queued.size() == left);
  // A run that ends is a sign that slots get free again.
  end(0, outcome::succeeded());
  BOOST_TEST(world.queued.size() < left);
}

BOOST_AUTO_TEST_CASE(a_job_over_its_time_is_stopped_and_fails_with_the_seconds_in_its_message) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  advance(59s);
  BOOST_TEST(!executor->runs[0].stopped);
  advance(1'100ms);
  BOOST_REQUIRE(executor->runs[0].stopped);
  BOOST_TEST(executor->runs[0].stopped->count() == 5'000);
  end(0, outcome::failed("killed by signal 15 (SIGTERM)"));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::fail));
  BOOST_TEST(world.finishes[0].message.find("60 s") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_idle_looks_after_the_next_job_as_closely) {
  spawn_pool(5, 2);
  advance(10'330ms);
  queue_jobs(1, 1);
  for (auto i = 0; i < 100 && executor->runs.empty(); ++i)
    advance(50ms);
  BOOST_REQUIRE(executor->runs.size() == 1u);
  advance(59'900ms);
  BOOST_TEST(!executor->runs[0].stopped);
  advance(150ms);
  BOOST_TEST(executor->runs[0].stopped.has_value());
}

BOOST_AUTO_TEST_CASE(work_that_ends_well_after_its_time_was_over_has_failed) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  advance(60'100ms);
  end(0, outcome::succeeded("\"late\""));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::fail));
  BOOST_TEST(world.finishes[0].result == "");
}

BOOST_AUTO_TEST_CASE(a_failure_with_attempts_left_is_retried_and_the_promoter_is_told) {
  world.max_attempts = 3;
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  end(0, outcome::failed("no"));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::retry));
  BOOST_REQUIRE(world.due.size() == 1u);
  BOOST_TEST(world.due[0].count() >= 750);
  BOOST_TEST(world.due[0].count() <= 1'251);
}

BOOST_AUTO_TEST_CASE(an_outcome_is_held_while_the_store_is_away_and_written_when_it_is_back) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  world.store_fails = ec::store_away;
  end(0, outcome::succeeded("1"));
  advance(60s);
  const auto tries = world.finishes.size();
  BOOST_TEST(tries > 10u);
  world.store_fails = ec::none;
  advance(600ms);
  const auto written = world.finishes.size();
  advance(5s);
  BOOST_TEST(world.finishes.size() == written);
  BOOST_TEST(world.finishes.back().result == "1");
}

BOOST_AUTO_TEST_CASE(hints_whose_claim_failed_keep_their_place) {
  world.store_fails = ec::store_away;
  queue_jobs(1, 4);
  spawn_pool(5, 1);
  BOOST_TEST(executor->runs.empty());
  world.store_fails = ec::none;
  advance(600ms);
  for (auto i = 0u; i < 4; ++i) {
    BOOST_REQUIRE(executor->runs.size() == i + 1);
    BOOST_TEST(executor->runs[i].what.id == i + 1);
    end(i, outcome::succeeded());
  }
}

BOOST_AUTO_TEST_CASE(what_ends_at_a_time_is_written_in_one_request) {
  queue_jobs(1, 3);
  spawn_pool(5, 3);
  for (auto& r : executor->runs)
    std::exchange(r.tell, {}).done(outcome::succeeded());
  run();
  BOOST_TEST(world.writes.size() == 1u);
  BOOST_TEST(world.finishes.size() == 3u);
  BOOST_TEST(news(3).back() == "success 1");
}

BOOST_AUTO_TEST_CASE(what_ends_at_a_time_with_much_text_is_written_in_several_requests) {
  queue_jobs(1, 3);
  spawn_pool(5, 3);
  auto large = outcome::succeeded();
  large.result = '"' + std::string(request_bytes / 2, 'x') + '"';
  for (auto& r : executor->runs)
    std::exchange(r.tell, {}).done(large);
  run();
  BOOST_TEST(world.writes.size() == 2u);
  BOOST_TEST(world.finishes.size() == 3u);
}

BOOST_AUTO_TEST_CASE(what_the_executor_cannot_start_has_failed) {
  executor->throws = true;
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::fail));
  BOOST_TEST(world.finishes[0].message == "the worker could not start it: no room");
}

BOOST_AUTO_TEST_CASE(unwritten_outcomes_count_against_prefetch) {
  queue_jobs(1, 20);
  spawn_pool(4, 4);
  world.store_fails = ec::store_away;
  for (auto i = 0u; i < 4; ++i)
    end(i, outcome::succeeded());
  advance(2s);
  BOOST_TEST(world.queued.size() == 16u);
}

BOOST_AUTO_TEST_CASE(a_node_that_joins_anew_loses_its_runs_and_drops_their_outcomes) {
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  join(2);
  BOOST_TEST(executor->runs[0].stopped.has_value());
  BOOST_TEST(executor->runs[1].stopped.has_value());
  end(0, outcome::succeeded());
  end(1, outcome::failed("x"));
  BOOST_TEST(world.finishes.empty());
  queue_jobs(3, 3);
  advance(100ms);
  BOOST_TEST(world.claims.back().node == 2);
}

BOOST_AUTO_TEST_CASE(a_row_that_runs_nowhere_is_let_go_but_not_while_its_claim_is_in_flight) {
  spawn_pool(5, 2);
  world.hold_claims = true;
  queue_jobs(1, 1);
  advance(100ms);
  BOOST_REQUIRE(world.claims.size() == 1u);
  for (auto i = 0; i < 3; ++i) {
    beat({{1, 1}});
    advance(2s);
  }
  BOOST_TEST(world.finishes.empty());
  self->send(world.held_claims, caf::ok_atom_v, to_caf({ec::store_uncertain, {}}));
  run();
  world.hold_claims = false;
  world.queued.clear();
  // The claim was lost: the row is explained by nothing now.
  beat({{1, 1}});
  beat({{1, 1}});
  BOOST_REQUIRE(!world.finishes.empty());
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::release));
  BOOST_TEST((world.finishes[0].run == run_key{1, 1}));
}

BOOST_AUTO_TEST_CASE(a_row_whose_claim_was_answered_since_is_not_let_go) {
  spawn_pool(5, 2);
  queue_jobs(1, 1);
  advance(100ms);
  BOOST_REQUIRE(executor->runs.size() == 1u);
  beat({{1, 1}});
  beat({{1, 1}});
  BOOST_TEST(world.finishes.empty());
}

BOOST_AUTO_TEST_CASE(an_exclusive_job_is_stopped_after_eight_seconds_without_a_beat_and_others_go_on) {
  BOOST_REQUIRE(handlers->parse(R"({"alone": {"native": "builtin:echo", "exclusive": true}})", "test"));
  world.types[1] = "alone";
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  advance(4s);
  beat();
  advance(7'900ms);
  BOOST_TEST(!executor->runs[0].stopped);
  advance(200ms);
  BOOST_TEST(executor->runs[0].stopped.has_value());
  BOOST_TEST(!executor->runs[1].stopped);
}

BOOST_AUTO_TEST_CASE(without_the_queue_it_claims_from_the_store_in_its_order) {
  world.queue_away = true;
  world.in_store = {11, 12, 13};
  spawn_pool(5, 2);
  advance(1s);
  BOOST_TEST(executor->runs.size() == 2u);
  BOOST_TEST(world.claims[0].ids.empty());
  BOOST_TEST(world.claims[0].queues[0] == "default");
  end(0, outcome::succeeded());
  advance(1'100ms);
  BOOST_TEST(executor->runs.size() == 3u);
}

BOOST_AUTO_TEST_CASE(without_the_queue_and_without_work_it_asks_the_store_once_a_second) {
  world.queue_away = true;
  spawn_pool(5, 2);
  advance(1s);
  const auto before = world.claims.size();
  advance(10s);
  BOOST_TEST(world.claims.size() - before <= 11u);
  BOOST_TEST(world.claims.size() - before >= 8u);
}

BOOST_AUTO_TEST_CASE(the_queue_that_is_back_is_used_again) {
  world.queue_away = true;
  spawn_pool(5, 2);
  advance(2s);
  world.queue_away = false;
  queue_jobs(1, 1);
  advance(1s);
  BOOST_TEST(executor->runs.size() == 1u);
  BOOST_TEST(world.claims.back().ids.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_paused_queue_is_not_fetched_from_and_a_resumed_one_is_at_once) {
  queues = {"first", "default"};
  spawn_pool(2, 2);
  BOOST_TEST(world.fetched_from == (queue_names{"first", "default"}), boost::test_tools::per_element());
  pause({"default", "elsewhere"});
  advance(1s);
  BOOST_TEST(world.fetched_from == queue_names{"first"}, boost::test_tools::per_element());
  pause({"default", "first"});
  advance(1s);
  const auto before = world.demands.size();
  queue_jobs(1, 1);
  advance(5s);
  BOOST_TEST(world.demands.size() == before);
  BOOST_TEST(executor->runs.empty());
  pause({"first"});
  BOOST_TEST(world.fetched_from == queue_names{"default"}, boost::test_tools::per_element());
  BOOST_TEST(executor->runs.size() == 1u);
}

BOOST_AUTO_TEST_CASE(without_the_queue_it_claims_only_from_queues_that_are_not_paused) {
  queues = {"first", "default"};
  world.queue_away = true;
  spawn_pool(2, 2);
  pause({"first"});
  world.claims.clear();
  advance(2s);
  BOOST_REQUIRE(!world.claims.empty());
  BOOST_TEST(world.claims.back().queues == queue_names{"default"}, boost::test_tools::per_element());
  pause({"first", "default"});
  world.claims.clear();
  advance(5s);
  BOOST_TEST(world.claims.empty());
}

BOOST_AUTO_TEST_CASE(an_empty_pop_wakes_the_hinter) {
  spawn_pool(5, 2);
  advance(100ms);
  BOOST_TEST(world.hinter_wakes > 0);
}

BOOST_AUTO_TEST_CASE(stopping_gives_unstarted_jobs_back_at_once_and_lets_running_ones_finish) {
  queue_jobs(1, 5);
  spawn_pool(5, 2);
  const auto stopped = start<int>(pool, atom::stop_v);
  run();
  BOOST_TEST(world.pushed.size() == 3u);
  BOOST_TEST(!*stopped);
  advance(10s);
  BOOST_TEST(!executor->runs[0].stopped);
  end(0, outcome::succeeded());
  end(1, outcome::succeeded());
  advance(100ms);
  BOOST_REQUIRE(*stopped);
  BOOST_TEST((*stopped)->value() == 0);
  BOOST_TEST(executor->runs.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_still_runs_after_the_grace_goes_back_without_a_retry) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  const auto stopped = start<int>(pool, atom::stop_v);
  advance(25'100ms);
  BOOST_REQUIRE(executor->runs[0].stopped);
  BOOST_TEST(executor->runs[0].stopped->count() <= 2'000);
  end(0, outcome::failed("killed"));
  advance(100ms);
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::release));
  BOOST_TEST((*stopped)->value() == 1);
  BOOST_REQUIRE(world.pushed.size() == 1u);
  BOOST_TEST(world.pushed[0].id == 1);
}

BOOST_AUTO_TEST_CASE(a_claim_that_is_answered_during_the_shutdown_goes_back) {
  spawn_pool(5, 2);
  world.hold_claims = true;
  queue_jobs(1, 1);
  advance(100ms);
  const auto stopped = start<int>(pool, atom::stop_v);
  advance(100ms);
  BOOST_TEST(!*stopped);
  self->send(world.held_claims, caf::ok_atom_v, world.take(world.claims.back()));
  advance(100ms);
  BOOST_TEST(executor->runs.empty());
  BOOST_TEST((*stopped)->value() == 1);
}

BOOST_AUTO_TEST_CASE(a_second_suspect_that_a_claim_brings_goes_back_at_once) {
  for (const auto id : {2, 3, 4})
    world.recoveries[id] = lifecycle::suspect_after;
  queue_jobs(1, 3);
  spawn_pool(5, 5);
  BOOST_TEST(executor->runs.size() == 2u);
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].run == run_key{3, 1}));
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::release));
  // Once the first has ended, there is room for another.
  end(1, outcome::succeeded("1"));
  queue_jobs(4, 4);
  advance(2s);
  BOOST_TEST(executor->runs.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_stale_outcome_is_dropped) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  world.finish_answer = storage::finish_answer::stale;
  const auto refused = metrics::refused_outcomes.value();
  end(0, outcome::succeeded());
  advance(5s);
  BOOST_TEST(world.finishes.size() == 1u);
  BOOST_TEST(metrics::refused_outcomes.value() == refused + 1);
}

// -- cancels

BOOST_AUTO_TEST_CASE(a_cancel_ends_the_run_and_its_job_is_cancelled) {
  world.max_attempts = 3;
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  cancel({{1, 1}});
  BOOST_REQUIRE(executor->runs[0].stopped);
  BOOST_TEST(executor->runs[0].stopped->count() == 5'000);
  BOOST_TEST(!executor->runs[1].stopped);
  end(0, outcome::failed("killed by signal 15 (SIGTERM)"));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what == lifecycle::conclusion{lifecycle::event::cancel, {}}));
  BOOST_TEST(world.finishes[0].message == "cancelled; killed by signal 15 (SIGTERM)");
  BOOST_TEST(world.due.empty());
}

BOOST_AUTO_TEST_CASE(a_cancel_of_attempt_0_ends_whichever_attempt_runs) {
  world.attempts[1] = 6;
  queue_jobs(1, 3);
  spawn_pool(5, 3);
  cancel({{1, 0}, {3, 0}});
  BOOST_TEST(executor->runs[0].stopped.has_value());
  BOOST_TEST(!executor->runs[1].stopped);
  BOOST_TEST(executor->runs[2].stopped.has_value());
}

BOOST_AUTO_TEST_CASE(a_cancel_of_what_does_not_run_here_changes_nothing) {
  world.attempts[1] = 6;
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  cancel({{1, 6}, {1, 8}, {3, 1}, {3, 0}});
  BOOST_TEST(!executor->runs[0].stopped);
  end(1, outcome::succeeded());
  cancel({{2, 1}, {2, 0}});
  BOOST_TEST(world.finishes.size() == 1u);
  end(0, outcome::failed("x"));
  BOOST_TEST((world.finishes.back().what.what == lifecycle::event::fail));
}

BOOST_AUTO_TEST_CASE(a_cancel_that_is_repeated_changes_nothing) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  cancel({{1, 1}, {1, 1}});
  cancel({{1, 0}});
  beat({{1, 1}}, {{1, 1}});
  BOOST_TEST(executor->runs[0].stops == 1);
}

BOOST_AUTO_TEST_CASE(a_beat_cancels_what_no_one_else_told) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  beat({{1, 1}}, {{1, 1}});
  BOOST_TEST(executor->runs[0].stopped.has_value());
  end(0, outcome::failed(""));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::cancel));
  BOOST_TEST(world.finishes[0].message == "cancelled");
}

BOOST_AUTO_TEST_CASE(work_that_succeeded_before_the_cancel_reached_it_has_succeeded) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  cancel({{1, 1}});
  end(0, outcome::succeeded("1", "done"));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST((world.finishes[0].what.what == lifecycle::event::succeed));
  BOOST_TEST(world.finishes[0].result == "1");
  BOOST_TEST(world.finishes[0].message == "done");
}

BOOST_AUTO_TEST_CASE(a_cancelled_run_does_not_run_out_of_its_time_as_well) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  advance(59s);
  cancel({{1, 1}});
  advance(2s);
  BOOST_TEST(executor->runs[0].stops == 1);
  end(0, outcome::failed("killed"));
  BOOST_REQUIRE(world.finishes.size() == 1u);
  BOOST_TEST(world.finishes[0].message == "cancelled; killed");
}

BOOST_AUTO_TEST_CASE(a_cancelled_run_that_is_lost_writes_nothing) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  cancel({{1, 1}});
  join(2);
  end(0, outcome::failed("killed"));
  BOOST_TEST(world.finishes.empty());
}

// -- progress

BOOST_AUTO_TEST_CASE(the_first_progress_is_written_at_once_and_then_the_newest_once_a_second) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  tell(0, "{\"percent\":1}");
  BOOST_REQUIRE(world.progress.size() == 1u);
  BOOST_TEST(world.progress[0].node == 1);
  BOOST_TEST((world.progress[0].run == run_key{1, 1}));
  BOOST_TEST(world.progress[0].progress == "{\"percent\":1}");
  for (auto i = 2; i <= 36; ++i) { // each 50 ms later
    tell(0, "{\"percent\":" + std::to_string(i) + "}");
    advance(50ms);
  }
  advance(5s);
  BOOST_REQUIRE(world.progress.size() == 3u);
  BOOST_TEST(world.progress[1].progress == "{\"percent\":21}");
  BOOST_TEST(world.progress[2].progress == "{\"percent\":36}");
  // After a rest the next one goes at once again.
  tell(0, "{\"percent\":37}");
  BOOST_TEST(world.progress.size() == 4u);
}

BOOST_AUTO_TEST_CASE(each_run_has_its_own_second) {
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  tell(0, "{\"percent\":1}");
  tell(1, "{\"percent\":2}");
  BOOST_TEST(world.progress.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_last_progress_is_sent_before_the_finish) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  tell(0, "1");
  executor->runs[0].tell.progress("2");
  executor->runs[0].tell.progress("3");
  end(0, outcome::succeeded());
  const auto want = std::vector<std::string>{"1", "3", "finish"};
  BOOST_TEST(world.writes == want, boost::test_tools::per_element());
  advance(5s);
  BOOST_TEST(world.writes.size() == 3u);
}

BOOST_AUTO_TEST_CASE(of_much_that_a_run_tells_at_a_time_only_the_newest_becomes_a_message) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  for (auto i = 0; i < 10'000; ++i)
    executor->runs[0].tell.progress(std::to_string(i));
  run();
  BOOST_REQUIRE(world.progress.size() == 1u);
  BOOST_TEST(world.progress.back().progress == "9999");
}

BOOST_AUTO_TEST_CASE(progress_of_a_lost_run_is_dropped) {
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  join(2);
  tell(0, "1");
  BOOST_TEST(world.progress.empty());
  BOOST_TEST(news(1).size() == 1u); // that it runs
}

// -- events

BOOST_AUTO_TEST_CASE(what_happens_to_a_job_is_published) {
  world.types[1] = "builtin:echo";
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  BOOST_REQUIRE(world.published.size() == 1u);
  BOOST_TEST((world.published[0] == job_event{1, 70, "builtin:echo", "default", job_status::running, 1, {}}));
  tell(0, "{\"percent\":5}");
  end(0, outcome::succeeded());
  const auto want = std::vector<std::string>{"running 1", "running 1 {\"percent\":5}", "success 1"};
  BOOST_TEST(news(1) == want, boost::test_tools::per_element());
  BOOST_TEST((world.published[2] == job_event{1, 70, "builtin:echo", "default", job_status::success, 1, {}}));
}

BOOST_AUTO_TEST_CASE(each_end_of_a_run_is_published_as_the_status_that_follows) {
  world.max_attempts = 2;
  queue_jobs(1, 3);
  spawn_pool(5, 3);
  end(0, outcome::failed("again"));
  BOOST_TEST(news(1).back() == "created 1");
  cancel({{2, 1}});
  end(1, outcome::failed("killed"));
  BOOST_TEST(news(2).back() == "cancelled 1");
  end(2, outcome::given_back());
  BOOST_TEST(news(3)[1] == "created 1");
  world.max_attempts = 1;
  queue_jobs(4, 4);
  advance(100ms);
  end(executor->runs.size() - 1, outcome::failed("no"));
  BOOST_TEST(news(4).back() == "failed 1");
}

BOOST_AUTO_TEST_CASE(an_end_is_published_once_it_is_accepted_and_not_before) {
  queue_jobs(1, 2);
  spawn_pool(5, 2);
  world.store_fails = ec::store_away;
  end(0, outcome::succeeded());
  advance(2s);
  BOOST_TEST(news(1).size() == 1u);
  world.store_fails = ec::none;
  advance(600ms);
  BOOST_REQUIRE(news(1).size() == 2u);
  BOOST_TEST(news(1)[1] == "success 1");
  world.finish_answer = storage::finish_answer::stale;
  end(1, outcome::succeeded());
  BOOST_TEST(news(2).size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_end_that_the_store_made_a_cancel_is_published_as_one) {
  world.max_attempts = 3;
  queue_jobs(1, 1);
  spawn_pool(5, 2);
  world.finish_answer = storage::finish_answer::cancelled;
  end(0, outcome::failed("exit code 1"));
  BOOST_TEST((world.finishes.at(0).what.what == lifecycle::event::retry));
  BOOST_REQUIRE(news(1).size() == 2u);
  BOOST_TEST(news(1)[1] == "cancelled 1");
  BOOST_TEST(world.due.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors
