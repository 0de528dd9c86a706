#include "actors/storage.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

/// What the fake connections of a test do, and what they have seen.
struct fake_database {
  /// The answer to the next connects and flushes.
  ec connect_fails = ec::none;
  ec flush_fails = ec::none;
  bool flush_throws = false;
  bool hold_flushes = false;
  int connects = 0;
  int spawned = 0;
  std::vector<storage::batch> flushes;
  caf::actor held;
  job_id next_id = 1;
  hints unblocks;

  storage::batch_result run(const storage::batch& b) {
    auto result = storage::batch_result{};
    for (const auto& f : b.finishes)
      result.finishes.push_back(f.run.attempt == 1 ? storage::finish_answer::accepted
                                                   : storage::finish_answer::stale);
    result.claims.resize(b.claims.size());
    result.unblocked = unblocks;
    for (const auto& spec : b.creates) {
      if (spec.type == "bad")
        result.creates.push_back(fail(ec::invalid, "bad row"));
      else
        result.creates.push_back(created_job{next_id++, false, {}});
    }
    return result;
  }
};

connection_actor::behavior_type fake_connection(connection_actor::pointer self, fake_database* db) {
  return {
      [db](atom::connect) -> caf::result<void> {
        ++db->connects;
        if (db->connect_fails != ec::none)
          return to_caf({db->connect_fails, "connect"});
        return caf::unit;
      },
      [db, self](atom::flush, const storage::batch& b) -> caf::result<storage::batch_result> {
        db->flushes.push_back(b);
        if (std::exchange(db->flush_throws, false))
          throw std::runtime_error("crash");
        if (db->hold_flushes)
          return hold<storage::batch_result>(self, db->held);
        if (db->flush_fails != ec::none)
          return to_caf({std::exchange(db->flush_fails, ec::none), "flush"});
        return db->run(b);
      },
      [](atom::find, const job_ids& ids) -> caf::result<found_jobs> {
        auto found = found_jobs(ids.size());
        for (auto i = std::size_t{0}; i < ids.size(); ++i)
          if (ids[i] < 100) {
            found[i].emplace();
            found[i]->id = ids[i];
          }
        return found;
      },
      [](atom::submit, const storage::submission& s) -> caf::result<submitted> {
        return submitted(s.jobs.size());
      },
      [](atom::list, const storage::page_request&) -> caf::result<storage::job_page> {
        return storage::job_page{};
      },
      [](atom::cancel, const job_ids& ids) -> caf::result<job_changes> { return job_changes(ids.size()); },
      [](atom::retry, const job_ids& ids) -> caf::result<job_changes> { return job_changes(ids.size()); },
      [](atom::history, job_id) -> caf::result<attempt_records> { return attempt_records(2); },
      [](atom::explain, job_id) -> caf::result<storage::explanation> { return storage::explanation{}; },
      [](atom::queues) -> caf::result<queue_infos> {
        return queue_infos{{"a"}, {"b"}};
      },
      [](atom::pause, const std::string& queue, bool paused) -> caf::result<storage::queue_info> {
        return storage::queue_info{queue, paused};
      },
      [](atom::workers) -> caf::result<worker_infos> { return worker_infos{}; },
      [](atom::stats) -> caf::result<all_stats> { return all_stats{}; },
      [](atom::expire, int) -> caf::result<storage::expiry> { return storage::expiry{}; },
      [](atom::ready, const storage::ready_query&) -> caf::result<hints> {
        return hints{{7, "default", 5}};
      },
      [](atom::ready, int) -> caf::result<storage::queue_heads> { return storage::queue_heads{}; },
      [](atom::promote, int) -> caf::result<storage::promotion> { return storage::promotion{}; },
      [](atom::rescue, const lease::suspect&) -> caf::result<job_changes> { return job_changes{}; },
      [](atom::prune, storage::prune_cursor) -> caf::result<storage::prune_report> {
        return storage::prune_report{};
      },
  };
}

struct storage_fixture : actor_fixture {
  fake_database db;

  storage_fixture() { db.held = keep(sys.spawn(vault<storage::batch_result>)); }
  ~storage_fixture() {
    db.hold_flushes = false;
    db.held = nullptr;
    queue_of_storage.reset();
    end_actors();
  }

  /// Answers the oldest flush that is held.
  void land() {
    self->send(db.held, caf::ok_atom_v, db.run(db.flushes[landed++]));
    run();
  }
  std::size_t landed = 0;
  bool creates_may_repeat = false;
  neighbours around;
  std::optional<queue_actor> queue_of_storage;

  storage_actor spawn_storage(int connections = 1) {
    auto options = storage_options{};
    options.connections = connections;
    options.creates_may_repeat = creates_may_repeat;
    options.queue = queue_of_storage;
    options.spawn_connection = [this](caf::actor_system& s) {
      ++db.spawned;
      return keep(s.spawn(fake_connection, &db));
    };
    return keep(sys.spawn(storage, options));
  }
  static job_spec spec(std::int64_t object) {
    auto s = job_spec{};
    s.object_id = object;
    return s;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(storage_suite, storage_fixture)

BOOST_AUTO_TEST_CASE(a_lone_request_goes_straight_through) {
  const auto s = spawn_storage();
  run();
  const auto created = ask<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  BOOST_REQUIRE(created);
  BOOST_TEST((**created).front()->id == 1);
  BOOST_TEST(db.flushes.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_arrives_while_the_connection_is_busy_is_one_batch) {
  const auto s = spawn_storage();
  run();
  db.hold_flushes = true;
  const auto first = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  auto rest = std::vector<pending<created_jobs>>{};
  for (auto i = 2; i <= 30; ++i)
    rest.push_back(start<created_jobs>(s, atom::create_v, job_specs{spec(i)}));
  const auto finished = start<finish_answers>(s, atom::finish_v, finish_requests{{1, {9, 1}, {}, {}, {}}});
  BOOST_TEST(db.flushes.size() == 1u);
  db.hold_flushes = false;
  land();
  BOOST_REQUIRE(db.flushes.size() == 2u);
  BOOST_TEST(db.flushes[1].creates.size() == 29u);
  BOOST_TEST(db.flushes[1].finishes.size() == 1u);
  BOOST_TEST((*rest.back())->value().front()->id == 30);
  BOOST_TEST(((*finished)->value() == finish_answers{storage::finish_answer::accepted}));
}

BOOST_AUTO_TEST_CASE(each_finish_of_a_batch_gets_its_own_answer) {
  using enum storage::finish_answer;
  const auto s = spawn_storage();
  run();
  db.hold_flushes = true;
  const auto first = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  const auto two = start<finish_answers>(s, atom::finish_v,
                                         finish_requests{{1, {8, 1}, {}, {}, {}}, {1, {9, 2}, {}, {}, {}}});
  const auto one = start<finish_answers>(s, atom::finish_v, finish_requests{{1, {7, 1}, {}, {}, {}}});
  db.hold_flushes = false;
  land();
  BOOST_REQUIRE(db.flushes.size() == 2u);
  BOOST_TEST(((*two)->value() == finish_answers{accepted, stale}));
  BOOST_TEST(((*one)->value() == finish_answers{accepted}));
}

BOOST_AUTO_TEST_CASE(one_bad_job_does_not_fail_its_batch) {
  const auto s = spawn_storage();
  run();
  db.hold_flushes = true;
  const auto first = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  auto bad = spec(2);
  bad.type = "bad";
  const auto second = start<created_jobs>(s, atom::create_v, job_specs{bad});
  const auto third = start<created_jobs>(s, atom::create_v, job_specs{spec(3)});
  db.hold_flushes = false;
  land();
  BOOST_TEST(((*second)->value().front().error().code == ec::invalid));
  BOOST_TEST((*third)->value().front().has_value());
}

BOOST_AUTO_TEST_CASE(creates_that_were_not_written_are_sent_again_by_the_next_connection) {
  const auto s = spawn_storage();
  run();
  db.flush_fails = ec::store_away;
  const auto created = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  BOOST_TEST(!*created);
  advance(500ms);
  BOOST_REQUIRE(*created);
  BOOST_TEST((*created)->value().front()->id == 1);
  BOOST_TEST(db.spawned == 2);
}

BOOST_AUTO_TEST_CASE(a_create_whose_commit_is_uncertain_is_not_sent_again) {
  const auto s = spawn_storage();
  run();
  db.flush_fails = ec::store_uncertain;
  const auto created = ask<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  BOOST_REQUIRE(created);
  BOOST_TEST((created->error().code == ec::store_uncertain));
  advance(500ms);
  BOOST_TEST(db.flushes.size() == 1u);
}

BOOST_AUTO_TEST_CASE(with_a_dedupe_window_it_is_sent_again_for_the_standing_id_answers) {
  creates_may_repeat = true;
  const auto s = spawn_storage();
  run();
  db.flush_fails = ec::store_uncertain;
  const auto created = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  advance(500ms);
  BOOST_REQUIRE(created->has_value());
  BOOST_TEST((*created)->value().front()->id == 1);
  BOOST_TEST(db.flushes.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_create_that_may_have_been_written_is_not_refused_as_if_it_was_not) {
  creates_may_repeat = true;
  const auto s = spawn_storage();
  run();
  db.flush_fails = ec::store_uncertain;
  db.connect_fails = ec::store_away;
  const auto created = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  advance(3'500ms);
  BOOST_REQUIRE(created->has_value());
  BOOST_TEST(((*created)->error().code == ec::store_uncertain));
}

BOOST_AUTO_TEST_CASE(a_create_waits_out_a_short_outage_and_is_refused_after_a_long_one) {
  db.connect_fails = ec::store_away;
  const auto s = spawn_storage();
  run();
  const auto early = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  advance(2'900ms);
  BOOST_TEST(!*early);
  advance(300ms);
  BOOST_REQUIRE(*early);
  BOOST_TEST(((*early)->error().code == ec::store_away));
  const auto late = ask<created_jobs>(s, atom::create_v, job_specs{spec(2)});
  BOOST_REQUIRE(late);
  BOOST_TEST((late->error().code == ec::store_away));
}

BOOST_AUTO_TEST_CASE(reconnects_back_off_to_one_second_and_service_returns_by_itself) {
  db.connect_fails = ec::store_away;
  const auto s = spawn_storage();
  advance(10s);
  BOOST_TEST(db.connects >= 9);
  BOOST_TEST(db.connects <= 15);
  db.connect_fails = ec::none;
  advance(1'200ms);
  BOOST_TEST(ask<created_jobs>(s, atom::create_v, job_specs{spec(1)})->has_value());
}

BOOST_AUTO_TEST_CASE(a_crashed_connection_is_replaced) {
  const auto s = spawn_storage();
  run();
  db.flush_throws = true;
  const auto created = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  advance(500ms);
  BOOST_TEST(db.spawned == 2);
  BOOST_TEST(ask<created_jobs>(s, atom::create_v, job_specs{spec(2)})->has_value());
}

BOOST_AUTO_TEST_CASE(claims_and_finishes_are_refused_at_once_while_no_connection_is_open) {
  db.connect_fails = ec::store_away;
  const auto s = spawn_storage();
  run();
  BOOST_TEST((ask<claimed_jobs>(s, atom::claim_v, storage::claim_request{})->error().code == ec::store_away));
  BOOST_TEST((ask<finish_answers>(s, atom::finish_v, finish_requests(1))->error().code == ec::store_away));
}

BOOST_AUTO_TEST_CASE(two_connections_work_at_the_same_time) {
  const auto s = spawn_storage(2);
  run();
  db.hold_flushes = true;
  const auto first = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  const auto second = start<finish_answers>(s, atom::finish_v, finish_requests(2));
  BOOST_TEST(db.flushes.size() == 2u);
  land();
  land();
  BOOST_TEST((*first)->value().front()->id == 1);
  BOOST_TEST((*second)->has_value());
}

BOOST_AUTO_TEST_CASE(a_batch_waits_until_it_has_twice_as_many_rows_as_those_under_way) {
  const auto s = spawn_storage(2);
  run();
  db.hold_flushes = true;
  const auto create = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  const auto finish = start<finish_answers>(s, atom::finish_v, finish_requests(1));
  BOOST_TEST(db.flushes.size() == 1u);
  auto hinted = storage::claim_request{};
  hinted.ids = {7};
  const auto claim = start<claimed_jobs>(s, atom::claim_v, hinted);
  BOOST_REQUIRE(db.flushes.size() == 2u);
  BOOST_TEST(db.flushes[1].size() == 2u);
  const auto last = start<created_jobs>(s, atom::create_v, job_specs{spec(4)});
  land(); // two are still under way
  BOOST_TEST(db.flushes.size() == 2u);
  land(); // and now none is
  BOOST_TEST((*finish)->has_value());
  BOOST_TEST((*claim)->has_value());
  BOOST_REQUIRE(db.flushes.size() == 3u);
  land();
  BOOST_TEST((*last)->value().front()->id == 2);
}

BOOST_AUTO_TEST_CASE(a_large_batch_waits_for_none) {
  const auto s = spawn_storage(2);
  run();
  db.hold_flushes = true;
  const auto first = start<finish_answers>(s, atom::finish_v, finish_requests(1'000));
  auto hinted = storage::claim_request{};
  hinted.ids.resize(49);
  const auto claim = start<claimed_jobs>(s, atom::claim_v, hinted);
  BOOST_TEST(db.flushes.size() == 1u);
  const auto create = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  BOOST_REQUIRE(db.flushes.size() == 2u);
  land();
  land();
  BOOST_TEST((*create)->has_value());
}

BOOST_AUTO_TEST_CASE(no_batch_waits_for_one_that_hangs) {
  const auto s = spawn_storage(2);
  run();
  db.hold_flushes = true;
  const auto hangs = start<created_jobs>(s, atom::create_v, job_specs{spec(1), spec(2), spec(3)});
  db.hold_flushes = false;
  const auto waits = start<finish_answers>(s, atom::finish_v, finish_requests(1));
  BOOST_TEST(db.flushes.size() == 1u);
  advance(150ms);
  BOOST_TEST(waits->has_value());
  BOOST_TEST(!hangs->has_value());
}

BOOST_AUTO_TEST_CASE(finds_are_answered_one_by_one) {
  const auto s = spawn_storage();
  run();
  BOOST_TEST(ask<job>(s, atom::find_v, job_id{5})->value().id == 5);
  BOOST_TEST((ask<job>(s, atom::find_v, job_id{500})->error().code == ec::not_found));
}

BOOST_AUTO_TEST_CASE(a_flood_of_creates_does_not_starve_upkeep) {
  const auto s = spawn_storage();
  run();
  db.hold_flushes = true;
  auto creates = std::vector<pending<created_jobs>>{};
  creates.push_back(start<created_jobs>(s, atom::create_v, job_specs{spec(1)}));
  creates.push_back(start<created_jobs>(s, atom::create_v, job_specs{spec(2)}));
  const auto ready = start<hints>(s, atom::ready_v, storage::ready_query{});
  land();
  // The next create may go first, but then it is upkeep's turn.
  creates.push_back(start<created_jobs>(s, atom::create_v, job_specs{spec(3)}));
  if (!*ready)
    land();
  BOOST_TEST(ready->has_value());
}

BOOST_AUTO_TEST_CASE(waiting_requests_are_answered_when_storage_ends) {
  db.connect_fails = ec::store_away;
  const auto s = spawn_storage();
  run();
  const auto created = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  self->send_exit(s, caf::exit_reason::user_shutdown);
  run();
  BOOST_REQUIRE(created->has_value());
  BOOST_TEST(((*created)->error().code == ec::stopping));
}

BOOST_AUTO_TEST_CASE(what_a_run_tells_is_written_with_the_next_batch_and_only_the_newest) {
  const auto s = spawn_storage();
  run();
  db.hold_flushes = true;
  const auto first = start<created_jobs>(s, atom::create_v, job_specs{spec(1)});
  for (const auto* percent : {"1", "2"})
    self->send(s, atom::progress_v, storage::progress_update{1, {9, 1}, percent});
  self->send(s, atom::progress_v, storage::progress_update{1, {8, 1}, "7"});
  run();
  db.hold_flushes = false;
  land();
  BOOST_REQUIRE(db.flushes.size() == 2U);
  BOOST_REQUIRE(db.flushes[1].progresses.size() == 2U);
  BOOST_TEST(db.flushes[1].progresses[0].progress == "7");
  BOOST_TEST(db.flushes[1].progresses[1].progress == "2");
}

BOOST_AUTO_TEST_CASE(jobs_that_an_end_makes_ready_are_hinted) {
  queue_of_storage = keep(sys.spawn(neighbour_queue, &around));
  db.unblocks = {{5, "mail", 1}};
  const auto s = spawn_storage();
  run();
  BOOST_TEST(ask<finish_answers>(s, atom::finish_v, finish_requests{{1, {9, 1}, {}, {}, {}}})->has_value());
  BOOST_TEST((around.pushed == hints{{5, "mail", 1}}));
}

BOOST_AUTO_TEST_CASE(what_clients_ask_for_waits_out_a_short_outage) {
  db.connect_fails = ec::store_away;
  const auto s = spawn_storage();
  run();
  const auto page = start<storage::job_page>(s, atom::list_v, storage::page_request{});
  const auto duty = ask<storage::expiry>(s, atom::expire_v, 10);
  BOOST_TEST((duty->error().code == ec::store_away));
  BOOST_TEST(!page->has_value());
  db.connect_fails = ec::none;
  advance(2s);
  BOOST_REQUIRE(page->has_value());
  BOOST_TEST((*page)->has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors
