#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <barrier>
#include <future>
#include <set>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(object_limit)

namespace {

/// Several jobs of one object are only there without a window.
template <class Backend>
store_ptr open(const Backend& b) {
  return b.open({});
}

storage::batch_result end(storage::store& s, node_id node, run_key run, event what = event::succeed) {
  return must(s.flush({{ended(node, run, what)}, {}, {}}));
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(limit_is_kept_and_told_to_the_node, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto id = create(*s, limited(1)).id;
  const auto free = create(*s, spec_of(1)).id;
  BOOST_TEST(read(*s, id).object_limit == 1);
  BOOST_TEST(read(*s, free).object_limit == 0);
  const auto jobs = claim(*s, hinted(new_node(*s), {id, free}));
  BOOST_REQUIRE_EQUAL(jobs.size(), 2u);
  BOOST_TEST(jobs[0].object_limit == 1);
  BOOST_TEST(jobs[1].object_limit == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_of_an_object_that_runs_is_set_aside, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto other = new_node(*s);
  const auto run = running_job(*s, node, limited(1));
  const auto second = create(*s, limited(1)).id;
  BOOST_TEST(claim(*s, hinted(other, {second})).empty());
  const auto j = read(*s, second);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(!j.ready);
  BOOST_TEST(j.attempt == 0);
  const auto third = create(*s, limited(1)).id;
  BOOST_TEST(claim(*s, heads(other)).empty());
  BOOST_TEST(!read(*s, third).ready);
  BOOST_TEST(must(s->ready_jobs({{"default"}, {"default"}, 10})).empty());
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_claim_takes_one_job_of_an_object, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto made = create(*s, {limited(1), limited(1, 0), limited(2), limited(1), spec_of(1), spec_of(1)});
  const auto id = [&](std::size_t i) { return made[i]->id; };
  // The most urgent one of the object, and those without a limit beside it.
  BOOST_TEST(ids_of(claim(*s, hinted(node, {id(0), id(1), id(2), id(3), id(4), id(5)})))
                 == (id_list{id(1), id(2), id(4), id(5)}),
             boost::test_tools::per_element());
  BOOST_TEST(!read(*s, id(0)).ready);
  BOOST_TEST(!read(*s, id(3)).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_claim_over_queues_takes_the_first_of_an_object, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  auto slow = limited(1, 0);
  slow.queue = "slow";
  auto fast = limited(1, 9);
  fast.queue = "fast";
  const auto made = create(*s, {slow, fast});
  BOOST_TEST(ids_of(claim(*s, heads(node, 10, {"fast", "slow"}))) == (id_list{made[1]->id}),
             boost::test_tools::per_element());
  BOOST_TEST(!read(*s, made[0]->id).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(other_types_and_objects_are_not_in_the_way, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  running_job(*s, node, limited(1));
  auto other_type = limited(1);
  other_type.type = "other";
  const auto made = create(*s, {other_type, limited(2)});
  auto request = heads(node);
  request.types.push_back("other");
  BOOST_TEST(claim(*s, request).size() == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_of_a_run_lets_the_first_that_waits_go, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  for (const auto what : {event::succeed, event::fail, event::cancel, event::retry}) {
    const auto object = static_cast<int>(what) + 100;
    const auto run = running_job(*s, node, limited(object));
    const auto made = create(*s, {limited(object), limited(object, 2), limited(object, 2)});
    BOOST_TEST(claim(*s, heads(node)).empty());
    const auto result = end(*s, node, run, what);
    BOOST_REQUIRE_EQUAL(result.unblocked.size(), 1u);
    BOOST_TEST((result.unblocked[0] == hint{made[1]->id, "default", 2}));
    const auto j = read(*s, made[1]->id);
    BOOST_TEST(j.ready);
    BOOST_TEST(!j.run_at.has_value());
    BOOST_TEST(!read(*s, made[0]->id).ready);
    BOOST_TEST(!read(*s, made[2]->id).ready);
    const auto next = claim(*s, heads(node));
    BOOST_TEST(ids_of(next) == (id_list{made[1]->id}), boost::test_tools::per_element());
    BOOST_TEST(ids_of(end(*s, node, {next.at(0).id, next.at(0).attempt}).unblocked) == (id_list{made[2]->id}),
               boost::test_tools::per_element());
    must(s->cancel(id_list{run.id, made[0]->id, made[2]->id}));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_of_one_flush_let_one_of_each_object_go, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  auto finishes = std::vector<storage::finish_request>{};
  auto waiting = id_list{};
  for (const auto object : {1, 2, 3}) {
    finishes.push_back(ended(node, running_job(*s, node, limited(object)), event::succeed));
    waiting.push_back(create(*s, limited(object)).id);
    create(*s, limited(object));
  }
  finishes.push_back(ended(node, running_job(*s, node, spec_of(4)), event::succeed));
  BOOST_TEST(claim(*s, heads(node)).empty());
  // What was let go can be claimed by the same flush.
  const auto result = must(s->flush({finishes, {heads(node, 2)}, {}}));
  auto unblocked = ids_of(result.unblocked);
  std::ranges::sort(unblocked);
  BOOST_TEST(unblocked == waiting, boost::test_tools::per_element());
  BOOST_TEST(ids_of(result.claims.at(0)) == (id_list{waiting[0], waiting[1]}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_of_a_job_without_limit_lets_none_go, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto free = running_job(*s, node, spec_of(1));
  running_job(*s, node, limited(1));
  const auto waiting = create(*s, limited(1)).id;
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(end(*s, node, free).unblocked.empty());
  BOOST_TEST(!read(*s, waiting).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_finish_again_lets_no_second_go, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, limited(1));
  create(*s, {limited(1), limited(1)});
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(end(*s, node, run).unblocked.size() == 1u);
  BOOST_TEST(end(*s, node, run).unblocked.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_lets_the_next_go, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead, limited(1));
  const auto waiting = create(*s, limited(1)).id;
  BOOST_TEST(claim(*s, heads(node)).empty());
  must(s->cancel(id_list{run.id}));
  b.age_beat(dead, 60s);
  BOOST_TEST(ids_of(must(s->rescue(seen(*s, node, dead)))) == (id_list{run.id}),
             boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{waiting}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_set_aside_comes_back_by_its_time, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, limited(1));
  const auto waiting = create(*s, limited(1)).id;
  BOOST_TEST(claim(*s, heads(node)).empty());
  const auto p = must(s->promote(10));
  BOOST_TEST(p.hints.empty());
  BOOST_TEST((p.next_in.value() > 1s && p.next_in.value() <= 10s));
  b.age_job(waiting, 10s);
  BOOST_TEST(ids_of(must(s->promote(10)).hints) == (id_list{waiting}), boost::test_tools::per_element());
  // And is set aside again, or runs.
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(ids_of(end(*s, node, run).unblocked) == (id_list{waiting}), boost::test_tools::per_element());
  BOOST_TEST(claim(*s, heads(node)).size() == 1u);
}

/// Its `run_at` is only the net under the end of the run that it waits for.
BOOST_AUTO_TEST_CASE_TEMPLATE(duplicate_of_a_job_that_was_set_aside_has_no_time, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  running_job(*s, node, limited(1));
  b.expire_keys();
  const auto order = storage::submission{{limited(1)}, "key", "order"};
  const auto waiting = must(s->submit(order)).at(0).id;
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(!read(*s, waiting).ready);
  for (const auto& again : {create(*s, limited(1)), must(s->submit(order)).at(0)}) {
    BOOST_TEST(again.id == waiting);
    BOOST_TEST(!again.run_at.has_value());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_set_aside_can_be_cancelled_and_expires, backend, backends) {
  const auto b = backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, limited(1));
  auto expiring = limited(1);
  expiring.expires_in = 100s;
  const auto made = create(*s, {limited(1), expiring, expiring});
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(must(s->cancel(id_list{made[0]->id})).size() == 1u);
  b.age_job(made[1]->id, 101s);
  BOOST_TEST(ids_of(must(s->expire(10)).expired) == (id_list{made[1]->id}), boost::test_tools::per_element());
  // One that has expired is not worth the place.
  b.age_job(made[2]->id, 101s);
  BOOST_TEST(end(*s, node, run).unblocked.empty());
  BOOST_TEST(ids_of(must(s->rerun(id_list{made[0]->id, made[1]->id}))) == (id_list{made[0]->id, made[1]->id}),
             boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{made[0]->id}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_claims_run_one_job_of_an_object_at_a_time, backend, backends) {
  constexpr auto objects = 40;
  const auto b = backend{};
  const auto s = open(b);
  const node_id nodes[] = {new_node(*s), new_node(*s)};
  auto specs = std::vector<job_spec>{};
  for (auto i = 0; i < objects; ++i)
    specs.insert(specs.end(), 2, limited(i));
  auto ids = id_list{};
  for (const auto& made : create(*s, specs))
    ids.push_back(must(made).id);
  auto together = std::barrier{2};
  std::vector<std::int64_t> taken[2];
  race(b, [&](storage::store& own, int who) {
    for (auto i = std::size_t{0}; i < objects; ++i) {
      together.arrive_and_wait();
      // Each its own job of the object.
      const auto id = ids[2 * i + static_cast<std::size_t>(who)];
      const auto claimed = own.flush({{}, {hinted(nodes[who], {id})}, {}}).value().claims.at(0);
      for (const auto& j : claimed)
        taken[who].push_back(j.object_id);
    }
  });
  auto all = std::set<std::int64_t>{taken[0].begin(), taken[0].end()};
  all.insert(taken[1].begin(), taken[1].end());
  BOOST_TEST(all.size() == objects);
  BOOST_TEST(taken[0].size() + taken[1].size() == objects);
}

BOOST_AUTO_TEST_CASE(loser_of_the_race_for_an_object_sees_its_winner) {
  const auto b = postgres_backend{};
  const auto s = open(b);
  const auto node = new_node(*s);
  const auto ids = id_list{create(*s, limited(1)).id, create(*s, limited(1)).id};
  const auto beside = create(*s, spec_of(2)).id;
  auto other = other_session{b};
  // Another node's claim that is not committed yet: only the index knows of it.
  other.exec(
      "begin; update jobs set status = 'running', attempt = 1, node_id = 1, start_time = now() where id = "
      + std::to_string(ids[0]));
  for (const auto several : {false, true}) {
    auto request = storage::batch{{}, {hinted(node, {ids[1], beside})}, {}};
    if (several)
      request.creates.push_back(spec_of(3));
    auto answer = std::async(std::launch::async, [&] { return s->flush(request); });
    if (!several) {
      await_blocked(b);
      other.exec("commit");
    }
    const auto result = must(answer.get());
    BOOST_TEST(ids_of(result.claims.at(0)) == (several ? id_list{} : id_list{beside}),
               boost::test_tools::per_element());
    BOOST_TEST(!read(*s, ids[1]).ready);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
