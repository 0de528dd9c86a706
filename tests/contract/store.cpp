#include "storage/store.hpp"

#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <barrier>
#include <set>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(store)

// ---------------------------------------------------------------- creates

BOOST_AUTO_TEST_CASE_TEMPLATE(job_is_found_as_it_was_given, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(-7, "thumb.nail", 0, "fast");
  spec.payload = R"({"a": [1, "ü;@{}$\\ \""]})";
  spec.timeout = 1500ms;
  spec.max_attempts = 100;
  const auto made = create(*s, spec);
  BOOST_TEST(!made.duplicate);
  BOOST_TEST(!made.run_at.has_value());
  const auto j = read(*s, made.id);
  BOOST_TEST(j.object_id == -7);
  BOOST_TEST(j.type == "thumb.nail");
  BOOST_TEST(j.queue == "fast");
  BOOST_TEST(j.priority == 0);
  BOOST_TEST(j.payload.value() == spec.payload);
  BOOST_TEST(j.timeout.value().count() == 1.5);
  BOOST_TEST(j.max_attempts == 100);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.attempt == 0);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_TEST(!j.message.has_value());
  const auto age = std::chrono::system_clock::now() - j.created_at;
  BOOST_TEST((age < 1min && age > -1min));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(find_keeps_the_order_and_leaves_gaps, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = create_many(*s, 2);
  const auto found = must(s->find(id_list{ids[1], 999'999, ids[0], ids[1]}));
  BOOST_REQUIRE_EQUAL(found.size(), 4u);
  BOOST_TEST(found[0].value().id == ids[1]);
  BOOST_TEST(!found[1].has_value());
  BOOST_TEST(found[2].value().id == ids[0]);
  BOOST_TEST(found[3].value().id == ids[1]);
  BOOST_TEST(must(s->find({})).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ids_follow_the_order_of_the_batch, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto specs = std::vector<job_spec>{};
  for (auto i = 500; i > 0; --i)
    specs.push_back(spec_of(i));
  const auto made = create(*s, specs);
  for (auto i = std::size_t{1}; i < made.size(); ++i)
    BOOST_REQUIRE_LT(must(made[i - 1]).id, must(made[i]).id);
  BOOST_TEST(read(*s, made[0]->id).object_id == 500);
  BOOST_TEST(read(*s, made[499]->id).object_id == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_key_within_the_window_gets_the_same_id, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = create(*s, spec_of(1));
  const auto again = create(*s, spec_of(1));
  BOOST_TEST(again.id == first.id);
  BOOST_TEST(again.duplicate);
  BOOST_TEST(create(*s, spec_of(2)).id != first.id);
  BOOST_TEST(create(*s, spec_of(1, "other")).id != first.id);
  BOOST_TEST(b.count("jobs") == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_stands_also_when_its_job_is_over, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(create(*s, spec_of(1)).id == run.id);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_is_free_once_its_window_is_over, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = create(*s, spec_of(1));
  b.expire_keys();
  const auto second = create(*s, spec_of(1));
  BOOST_TEST(second.id != first.id);
  BOOST_TEST(!second.duplicate);
  BOOST_TEST(create(*s, spec_of(1)).id == second.id);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(equal_keys_of_one_batch_get_one_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto standing = create(*s, spec_of(9)).id;
  const auto made = create(*s, {spec_of(1), spec_of(2), spec_of(9), spec_of(1), spec_of(1), spec_of(9)});
  BOOST_TEST(made[3]->id == made[0]->id);
  BOOST_TEST(made[4]->id == made[0]->id);
  BOOST_TEST(made[2]->id == standing);
  BOOST_TEST(made[5]->id == standing);
  auto duplicates = std::vector<bool>{};
  for (const auto& m : made)
    duplicates.push_back(m->duplicate);
  BOOST_TEST((duplicates == std::vector{false, false, true, true, true, true}));
  BOOST_TEST(b.count("jobs") == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_window_each_create_is_a_job, backend, backends) {
  const auto b = backend{};
  for (const auto window : {std::optional<seconds>{}, std::optional<seconds>{0s}}) {
    const auto s = b.open(window);
    const auto made = create(*s, {spec_of(1), spec_of(1), spec_of(1)});
    auto ids = std::set<job_id>{};
    for (const auto& m : made) {
      ids.insert(m->id);
      BOOST_TEST(!m->duplicate);
    }
    BOOST_TEST(ids.size() == 3u);
  }
  BOOST_TEST(b.count("job_dedupe") == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_creates_agree_on_one_id, backend, backends) {
  constexpr auto rounds = 200;
  const auto b = backend{};
  // Every second key has stood before and has expired.
  const auto old = create_many(*b.open(), rounds / 2);
  b.expire_keys();
  auto together = std::barrier{2};
  created_job made[2][rounds];
  race(b, [&](storage::store& s, int who) {
    for (auto i = 0; i < rounds; ++i) {
      together.arrive_and_wait();
      made[who][i] = s.flush({{}, {}, {spec_of(i)}}).value().creates.at(0).value();
    }
  });
  for (auto i = 0; i < rounds; ++i) {
    BOOST_REQUIRE_EQUAL(made[0][i].id, made[1][i].id);
    BOOST_REQUIRE_NE(made[0][i].duplicate, made[1][i].duplicate);
  }
  BOOST_TEST(b.count("jobs") == rounds + rounds / 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(batches_with_keys_in_crossed_order_all_succeed, backend, backends) {
  const auto b = backend{};
  auto together = std::barrier{2};
  race(b, [&](storage::store& s, int who) {
    for (auto round = 0; round < 30; ++round) {
      auto specs = std::vector<job_spec>{};
      for (auto i = 0; i < 50; ++i)
        specs.push_back(spec_of(round * 50 + i));
      if (who == 0)
        std::ranges::reverse(specs);
      together.arrive_and_wait();
      (void)s.flush({{}, {}, specs}).value();
    }
  });
  BOOST_TEST(b.count("jobs") == 30 * 50);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(delayed_job_is_not_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1);
  spec.delay = 100s;
  const auto made = create(*s, spec);
  BOOST_REQUIRE(made.run_at.has_value());
  const auto j = read(*s, made.id);
  BOOST_TEST(!j.ready);
  BOOST_TEST((j.run_at == made.run_at));
  BOOST_TEST((*j.run_at - j.created_at == 100s));
  const auto again = create(*s, spec_of(1));
  BOOST_TEST(again.id == made.id);
  BOOST_TEST((again.run_at == made.run_at));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_for_a_later_time_keeps_that_time, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1);
  spec.run_at = parse_rfc3339("2999-12-31T23:59:59.123456Z").value();
  const auto made = create(*s, spec);
  BOOST_TEST((made.run_at == spec.run_at));
  BOOST_TEST((read(*s, made.id).run_at == spec.run_at));
  BOOST_TEST(!read(*s, made.id).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_is_due_already_is_ready_at_once, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto past = spec_of(1);
  past.run_at = parse_rfc3339("1999-12-31T23:59:59Z").value();
  auto now = spec_of(2);
  now.delay = 0s;
  for (const auto& made : create(*s, {past, now})) {
    BOOST_TEST(!must(made).run_at.has_value());
    BOOST_TEST(read(*s, made->id).ready);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_cannot_be_stored_fails_alone, backend, backends) {
  for (const auto window : {std::optional<seconds>{300s}, std::optional<seconds>{}}) {
    const auto b = backend{};
    const auto s = b.open(window);
    auto specs = std::vector<job_spec>{};
    for (auto i = 0; i < 21; ++i)
      specs.push_back(spec_of(i));
    specs[3].payload = R"({"a":"\u0000"})";
    specs[4].payload = "{not json}\nat all";
    specs[11].priority = 77;
    specs[20].type = "bad\xff";
    const auto made = create(*s, specs);
    BOOST_REQUIRE_EQUAL(made.size(), 21u);
    for (auto i = std::size_t{0}; i < made.size(); ++i)
      if (i != 3 && i != 4 && i != 11 && i != 20)
        BOOST_TEST(read(*s, must(made[i]).id).object_id == static_cast<std::int64_t>(i));
    for (const auto& [place, cause] :
         {std::pair{3, "payload"}, {4, "payload"}, {11, "priority"}, {20, "type"}}) {
      const auto& refused = made[static_cast<std::size_t>(place)];
      BOOST_REQUIRE(!refused.has_value());
      BOOST_CHECK(refused.error().code == ec::invalid);
      BOOST_TEST(refused.error().context.starts_with(cause), refused.error().context);
      BOOST_TEST(refused.error().context.find('\n') == std::string::npos);
    }
    BOOST_TEST(b.count("jobs") == 17);
  }
}

// ---------------------------------------------------------------- claims

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_raises_the_attempt_and_names_the_node, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(5);
  spec.payload = "[1]";
  spec.timeout = 3s;
  spec.max_attempts = 4;
  const auto id = create(*s, spec).id;
  const auto jobs = claim(*s, hinted(node, {id}));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 1);
  BOOST_TEST(jobs[0].object_id == 5);
  BOOST_TEST(jobs[0].type == "default");
  BOOST_TEST(jobs[0].queue == "default");
  BOOST_TEST(jobs[0].payload == "[1]");
  BOOST_TEST(jobs[0].priority == 5);
  BOOST_TEST(jobs[0].timeout.value().count() == 3);
  BOOST_TEST(jobs[0].max_attempts == 4);
  BOOST_TEST(jobs[0].failures == 0);
  const auto j = read(*s, id);
  BOOST_CHECK(j.status == job_status::running);
  BOOST_TEST(j.attempt == 1);
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST((j.start_time.value() >= j.created_at));
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(read(*s, id).attempt == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_goes_by_priority_and_then_by_age, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto made = create(*s, {spec_of(0, "default", 5), spec_of(1, "default", 9), spec_of(2, "default", 0),
                                spec_of(3, "default", 5), spec_of(4, "default", 0)});
  const auto id = [&](std::size_t i) { return made[i]->id; };
  BOOST_TEST(ids_of(claim(*s, hinted(node, {id(1), id(0), id(3), id(2)}, 2))) == (id_list{id(2), id(0)}),
             boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node, 2))) == (id_list{id(4), id(3)}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{id(1)}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_takes_queues_in_the_order_given, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto made = create(*s, {spec_of(0, "default", 0, "slow"), spec_of(1, "default", 9, "fast"),
                                spec_of(2, "default", 0, "none"), spec_of(3, "default", 0, "slow")});
  const auto jobs = claim(*s, heads(node, 2, {"empty", "fast", "slow"}));
  BOOST_TEST(ids_of(jobs) == (id_list{made[1]->id, made[0]->id}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_takes_only_the_types_that_the_node_runs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto other = create(*s, spec_of(1, "other")).id;
  BOOST_TEST(claim(*s, hinted(node, {other})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
  auto both = heads(node);
  both.types = {"default", "other"};
  BOOST_TEST(ids_of(claim(*s, both)) == (id_list{other}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_leaves_what_is_scheduled, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(1);
  spec.delay = 100s;
  const auto id = create(*s, spec).id;
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(node_without_a_row_claims_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  must(s->unregister_node(node));
  const auto id = create(*s, spec_of(1)).id;
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_CHECK(read(*s, id).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_claim_of_a_batch_gets_its_own_answer, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto ids = create_many(*s, 6);
  const auto result =
      must(s->flush({{},
                     {hinted(node, {ids[1]}), heads(node, 1), hinted(node, {ids[2], ids[3]}, 1),
                      hinted(node, {ids[1], ids[4]}), hinted(node, {ids[5]}, 0)},
                     {}}));
  const auto answer = [&](std::size_t i) { return ids_of(result.claims.at(i)); };
  BOOST_TEST(answer(0) == (id_list{ids[1]}), boost::test_tools::per_element());
  BOOST_TEST(answer(1) == (id_list{ids[0]}), boost::test_tools::per_element());
  BOOST_TEST(answer(2) == (id_list{ids[2]}), boost::test_tools::per_element());
  BOOST_TEST(answer(3) == (id_list{ids[4]}), boost::test_tools::per_element());
  BOOST_TEST(answer(4).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_claims_share_no_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const node_id nodes[] = {new_node(*s), new_node(*s)};
  const auto ids = create_many(*s, 200);
  auto together = std::barrier{2};
  std::vector<job_id> taken[2];
  race(b, [&](storage::store& own, int who) {
    together.arrive_and_wait();
    for (auto empty = 0; empty < 3;) {
      const auto request = empty % 2 == 0 ? heads(nodes[who], 7) : hinted(nodes[who], ids, 7);
      const auto jobs = own.flush({{}, {request}, {}}).value().claims.at(0);
      for (const auto& j : jobs)
        taken[who].push_back(j.id);
      empty = jobs.empty() ? empty + 1 : 0;
    }
  });
  auto all = taken[0];
  all.insert(all.end(), taken[1].begin(), taken[1].end());
  std::ranges::sort(all);
  BOOST_TEST(all == ids, boost::test_tools::per_element());
}

// ---------------------------------------------------------------- finishes

BOOST_AUTO_TEST_CASE_TEMPLATE(success_keeps_result_and_node, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  BOOST_CHECK(finish(*s, ended(node, run, event::succeed, R"({"n": 1})", "done")) == finish_answer::accepted);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::success);
  BOOST_TEST(j.result.value() == R"({"n": 1})");
  BOOST_TEST(j.message.value() == "done");
  BOOST_TEST((j.end_time.value() >= j.start_time.value()));
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST(j.failures == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(success_without_result_or_message_has_none, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(!read(*s, run.id).result.has_value());
  BOOST_TEST(!read(*s, run.id).message.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(failure_counts_and_says_why, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::fail, {}, "exit code 3"));
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::failed);
  BOOST_TEST(j.message.value() == "exit code 3");
  BOOST_TEST(j.end_time.has_value());
  BOOST_TEST(j.failures == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(retry_waits_for_its_backoff, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::retry, {}, "try me again"));
  auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(!j.ready);
  BOOST_TEST(j.failures == 1);
  BOOST_TEST(j.message.value() == "try me again");
  BOOST_TEST((j.run_at.value() - j.end_time.value() == 60s));
  BOOST_TEST(claim(*s, heads(node)).empty());

  b.age_job(run.id, 61s);
  BOOST_TEST(ids_of(must(s->promote(10)).hints) == (id_list{run.id}), boost::test_tools::per_element());
  const auto jobs = claim(*s, heads(node));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 2);
  BOOST_TEST(jobs[0].failures == 1);
  j = read(*s, run.id);
  BOOST_TEST(!j.end_time.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(release_spends_no_retry_and_leaves_the_job_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  BOOST_CHECK(finish(*s, ended(node, run, event::release)) == finish_answer::accepted);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(j.recoveries == 0);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_TEST(!j.end_time.has_value());
  const auto jobs = claim(*s, heads(node));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_finish_again_is_accepted_and_changes_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto object = 0;
  for (const auto what : {event::succeed, event::fail, event::retry, event::release}) {
    const auto f = ended(node, running_job(*s, node, ++object), what);
    BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
    const auto before = b.row(f.run.id);
    BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
    BOOST_TEST(b.row(f.run.id) == before);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(late_result_of_a_lost_lease_is_rejected, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto dead = new_node(*s);
  const auto node = new_node(*s);
  const auto run = running_job(*s, dead);
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  BOOST_CHECK(finish(*s, ended(dead, run, event::succeed)) == finish_answer::stale);
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  BOOST_CHECK(finish(*s, ended(dead, run, event::succeed)) == finish_answer::stale);
  BOOST_CHECK(finish(*s, ended(dead, run, event::release)) == finish_answer::stale);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::running);
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST(j.attempt == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(release_of_a_run_that_a_rescue_took_is_stale, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto dead = new_node(*s);
  const auto node = new_node(*s);
  const auto back = running_job(*s, dead, 1);
  const auto ended_by_rescue = running_job(*s, dead, 2);
  must(s->cancel(id_list{ended_by_rescue.id}));
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  BOOST_CHECK(read(*s, back.id).status == job_status::created);
  BOOST_CHECK(read(*s, ended_by_rescue.id).status == job_status::cancelled);
  // To accept it would be to tell the world that both are ready again, by the word of a node that lost them.
  for (const auto& run : {back, ended_by_rescue})
    BOOST_CHECK(finish(*s, ended(dead, run, event::release)) == finish_answer::stale);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(finish_of_another_attempt_node_or_job_is_stale, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto other = new_node(*s);
  const auto run = running_job(*s, node);
  const auto result =
      must(s->flush({{ended(node, {run.id, 2}, event::succeed), ended(node, {run.id, 0}, event::fail),
                      ended(other, run, event::succeed), ended(node, {run.id + 999, 1}, event::succeed),
                      ended(other, run, event::release)},
                     {},
                     {}}));
  for (const auto answer : result.finishes)
    BOOST_CHECK(answer == finish_answer::stale);
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(result_that_cannot_be_stored_becomes_a_failure, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto runs = std::vector<run_key>{};
  for (auto i = 0; i < 7; ++i)
    runs.push_back(running_job(*s, node, i));
  auto finishes = std::vector<storage::finish_request>{};
  for (const auto& run : runs)
    finishes.push_back(ended(node, run, event::succeed, "1"));
  finishes[2].result = "no json";
  finishes[5] = ended(node, runs[5], event::retry, {}, "bad \xff");
  const auto result = must(s->flush({finishes, {}, {spec_of(99)}}));
  for (const auto answer : result.finishes)
    BOOST_CHECK(answer == finish_answer::accepted);
  BOOST_TEST(result.creates.at(0).has_value());
  for (const auto i : {0u, 1u, 3u, 4u, 6u})
    BOOST_CHECK(read(*s, runs[i].id).status == job_status::success);
  const auto failed = read(*s, runs[2].id);
  BOOST_CHECK(failed.status == job_status::failed);
  BOOST_TEST(failed.message.value().starts_with("the result could not be stored: "));
  const auto retried = read(*s, runs[5].id);
  BOOST_CHECK(retried.status == job_status::created);
  BOOST_TEST(!retried.ready);
  BOOST_TEST(retried.failures == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_flush_finishes_then_claims_then_creates, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  const auto result = must(s->flush({{ended(node, run, event::release)}, {heads(node)}, {spec_of(77)}}));
  BOOST_CHECK(result.finishes.at(0) == finish_answer::accepted);
  BOOST_TEST(ids_of(result.claims.at(0)) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_CHECK(read(*s, must(result.creates.at(0)).id).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(empty_flush_is_fine, backend, backends) {
  const auto b = backend{};
  BOOST_TEST(must(b.open()->flush({})).creates.empty());
}

// ---------------------------------------------------------------- schedule

BOOST_AUTO_TEST_CASE_TEMPLATE(promotion_turns_due_jobs_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1, "default", 3, "fast");
  spec.delay = 100s;
  const auto due = create(*s, spec).id;
  spec.object_id = 2;
  const auto later = create(*s, spec).id;
  b.age_job(due, 101s);
  const auto p = must(s->promote(10));
  BOOST_REQUIRE_EQUAL(p.hints.size(), 1u);
  BOOST_TEST((p.hints[0] == hint{due, "fast", 3}));
  BOOST_REQUIRE(p.next_in.has_value());
  BOOST_TEST((*p.next_in > 80s && *p.next_in <= 100s));
  BOOST_TEST(read(*s, due).ready);
  BOOST_TEST(!read(*s, later).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(promotion_says_when_nothing_or_more_waits, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(!must(s->promote(10)).next_in.has_value());
  auto spec = spec_of(0);
  spec.delay = 10s;
  for (auto i = 0; i < 5; ++i) {
    spec.object_id = i;
    b.age_job(create(*s, spec).id, 60s);
  }
  const auto first = must(s->promote(3));
  BOOST_TEST(first.hints.size() == 3u);
  BOOST_TEST(first.next_in.value().count() == 0);
  const auto rest = must(s->promote(2));
  BOOST_TEST(rest.hints.size() == 2u);
  BOOST_TEST(!rest.next_in.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_promotions_share_no_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto specs = std::vector<job_spec>{};
  for (auto i = 0; i < 200; ++i) {
    specs.push_back(spec_of(i));
    specs.back().delay = 10s;
  }
  for (const auto& made : create(*s, specs))
    b.age_job(must(made).id, 60s);
  auto together = std::barrier{2};
  std::vector<job_id> promoted[2];
  race(b, [&](storage::store& own, int who) {
    together.arrive_and_wait();
    for (auto empty = 0; empty < 3;) {
      const auto ids = ids_of(own.promote(9).value().hints);
      promoted[who].insert(promoted[who].end(), ids.begin(), ids.end());
      empty = ids.empty() ? empty + 1 : 0;
    }
  });
  auto all = std::set<job_id>{promoted[0].begin(), promoted[0].end()};
  all.insert(promoted[1].begin(), promoted[1].end());
  BOOST_TEST(all.size() == 200u);
  BOOST_TEST(promoted[0].size() + promoted[1].size() == 200u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ready_jobs_come_in_queue_order, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto made = create(*s, {spec_of(0, "default", 5, "slow"), spec_of(1, "default", 9, "fast"),
                                spec_of(2, "default", 0, "fast"), spec_of(3, "other", 0, "fast"),
                                spec_of(4, "default", 0, "unasked")});
  const auto ready = must(s->ready_jobs({{"fast", "slow"}, {"default"}, 10}));
  BOOST_TEST(ids_of(ready) == (id_list{made[2]->id, made[1]->id, made[0]->id}),
             boost::test_tools::per_element());
  BOOST_TEST((ready.at(0) == hint{made[2]->id, "fast", 0}));
  // The limit is for each queue.
  BOOST_TEST(ids_of(must(s->ready_jobs({{"fast", "slow"}, {"default"}, 1})))
                 == (id_list{made[2]->id, made[0]->id}),
             boost::test_tools::per_element());
  claim(*s, hinted(new_node(*s), {made[2]->id}));
  BOOST_TEST(must(s->ready_jobs({{"fast"}, {"default"}, 10})).size() == 1u);
}

// ---------------------------------------------------------------- nodes

BOOST_AUTO_TEST_CASE_TEMPLATE(node_ids_are_never_given_out_again, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = new_node(*s);
  must(s->unregister_node(first));
  BOOST_TEST(new_node(*s) > first);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_tells_whether_the_node_is_known, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  BOOST_TEST(must(s->beat(node)).known);
  must(s->unregister_node(node));
  BOOST_TEST(!must(s->beat(node)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_renews_and_names_others_that_are_overdue, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto late = new_node(*s);
  const auto lively = new_node(*s);
  b.age_beat(node, 60s);
  b.age_beat(late, 7s);
  b.age_beat(lively, 3s);
  const auto report = must(s->beat(node));
  BOOST_REQUIRE_EQUAL(report.overdue.size(), 1u);
  BOOST_TEST(report.overdue[0].node == late);
  BOOST_TEST((must(s->beat(node)).overdue == report.overdue));
  BOOST_TEST((must(s->beat(late)).overdue.empty()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_tells_what_runs_here_and_whose_owner_is_gone, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto gone = new_node(*s);
  const auto mine = running_job(*s, node, 1);
  running_job(*s, gone, 2);
  running_job(*s, gone, 3);
  BOOST_TEST(must(s->beat(node)).orphaning.empty());
  must(s->unregister_node(gone));
  const auto report = must(s->beat(node));
  BOOST_TEST((report.running == std::vector{mine}));
  BOOST_TEST((report.orphaning == std::vector{gone}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(host_is_alive_while_a_node_of_it_beats, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(!must(s->host_is_alive("there")));
  const auto node = new_node(*s, "there");
  BOOST_TEST(must(s->host_is_alive("there")));
  b.age_beat(node, 7s);
  BOOST_TEST(!must(s->host_is_alive("there")));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_gives_the_jobs_of_a_dead_node_back, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead, 1);
  const auto mine = running_job(*s, node, 2);
  b.age_beat(dead, 60s);
  const auto changes = must(s->rescue(seen(*s, node, dead)));
  BOOST_REQUIRE_EQUAL(changes.size(), 1u);
  BOOST_TEST(changes[0].id == run.id);
  BOOST_TEST(changes[0].object_id == 1);
  BOOST_TEST(changes[0].type == "default");
  BOOST_TEST(changes[0].queue == "default");
  BOOST_TEST(changes[0].priority == 5);
  BOOST_CHECK(changes[0].status == job_status::created);
  BOOST_TEST(changes[0].attempt == 1);
  BOOST_TEST(!changes[0].node.has_value());
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.recoveries == 1);
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(j.attempt == 1);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_CHECK(read(*s, mine.id).status == job_status::running);
  BOOST_TEST(!must(s->beat(dead)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_spares_a_node_that_has_beaten_since, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto slow = new_node(*s);
  const auto run = running_job(*s, slow);
  b.age_beat(slow, 60s);
  const auto suspect = seen(*s, node, slow);
  must(s->beat(slow));
  BOOST_TEST(must(s->rescue(suspect)).empty());
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
  BOOST_TEST(must(s->beat(slow)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(orphans_are_rescued_too, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto gone = new_node(*s);
  const auto run = running_job(*s, gone);
  must(s->unregister_node(gone));
  BOOST_TEST(ids_of(must(s->rescue({gone, {}}))) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_TEST(must(s->rescue({gone, {}})).empty());
  BOOST_TEST(read(*s, run.id).recoveries == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_outlives_too_many_nodes_is_quarantined, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto id = create(*s, spec_of(1)).id;
  auto dead = node_id{};
  for (auto death = 1; death <= lifecycle::max_recoveries + 1; ++death) {
    dead = new_node(*s, "faulty");
    BOOST_REQUIRE_EQUAL(claim(*s, hinted(dead, {id})).size(), 1u);
    b.age_beat(dead, 60s);
    const auto changes = must(s->rescue(seen(*s, node, dead)));
    BOOST_REQUIRE_EQUAL(changes.size(), 1u);
    BOOST_CHECK(changes[0].status
                == (death <= lifecycle::max_recoveries ? job_status::created : job_status::failed));
  }
  const auto j = read(*s, id);
  BOOST_CHECK(j.status == job_status::failed);
  BOOST_TEST(j.end_time.has_value());
  BOOST_TEST(j.message.value()
             == "quarantined: its node died 4 times while running it, last node " + std::to_string(dead)
                    + " (faulty:42)");
  // What the dead node says later is not what is stored.
  BOOST_CHECK(finish(*s, ended(dead, {id, j.attempt}, event::succeed)) == finish_answer::stale);
}

// ---------------------------------------------------------------- prune

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_removes_only_finished_jobs_past_retention, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto old = running_job(*s, node, 1);
  const auto old_running = running_job(*s, node, 2);
  const auto young = running_job(*s, node, 3);
  const auto old_waiting = create(*s, spec_of(4)).id;
  const auto ended_late = running_job(*s, node, 5);
  finish(*s, ended(node, old, event::fail));
  finish(*s, ended(node, young, event::succeed));
  for (const auto id : {old.id, old_running.id, old_waiting, ended_late.id})
    b.age_job(id, 1h);
  finish(*s, ended(node, ended_late, event::succeed));

  const auto report = must(s->prune({}, 30min));
  BOOST_TEST(report.jobs == 1);
  BOOST_TEST(report.done);
  BOOST_TEST(report.next.after == 0);
  BOOST_TEST(!must(s->find(id_list{old.id})).at(0).has_value());
  BOOST_TEST(b.count("jobs") == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_goes_through_a_long_history_in_bounded_steps, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  create_many(*s, 9000);
  b.end_all(1h);
  create_many(*s, 10);
  auto removed = std::int64_t{0};
  auto steps = 0;
  for (auto report = storage::prune_report{.next = {}, .done = false}; !report.done; ++steps) {
    report = must(s->prune(report.next, 30min));
    removed += report.jobs;
  }
  BOOST_TEST(removed == 9000);
  BOOST_TEST(steps > 1);
  BOOST_TEST(b.count("jobs") == 10);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_removes_keys_that_have_expired, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  create_many(*s, 5);
  b.expire_keys(120s);
  create(*s, spec_of(1));
  BOOST_TEST(must(s->prune({}, 1h)).dedupe_rows == 4);
  BOOST_TEST(b.count("job_dedupe") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
