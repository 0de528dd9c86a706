#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <barrier>
#include <future>
#include <set>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(submission)

namespace {

storage::submission jobs_of(std::initializer_list<std::int64_t> objects, std::optional<std::string> key = {},
                            std::string fingerprint = "f") {
  auto s = storage::submission{{}, std::move(key), std::move(fingerprint)};
  for (const auto object : objects)
    s.jobs.push_back(spec_of(object));
  return s;
}

std::vector<bool> duplicates(const std::vector<created_job>& made) {
  auto out = std::vector<bool>{};
  for (const auto& m : made)
    out.push_back(m.duplicate);
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(each_job_gets_its_answer_in_order, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto standing = create(*s, spec_of(9)).id;
  auto asked = jobs_of({1, 9, 2, 1});
  asked.jobs[2].delay = 100s;
  const auto made = must(s->submit(asked));
  BOOST_REQUIRE_EQUAL(made.size(), 4u);
  BOOST_TEST(made[1].id == standing);
  BOOST_TEST(made[3].id == made[0].id);
  BOOST_TEST((duplicates(made) == std::vector{false, true, false, true}));
  BOOST_TEST(!made[0].run_at.has_value());
  BOOST_TEST((made[2].run_at == read(*s, made[2].id).run_at));
  BOOST_TEST(made[2].run_at.has_value());
  BOOST_TEST(read(*s, made[0].id).object_id == 1);
  BOOST_TEST(b.count("jobs") == 3);
  BOOST_TEST(b.count("job_idempotency") == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(largest_submission_is_accepted_whole, backend, backends) {
  const auto b = backend{};
  for (const auto window : {std::optional<seconds>{300s}, std::optional<seconds>{}}) {
    const auto s = b.open(window);
    auto asked = storage::submission{{}, "key", "f"};
    if (!window)
      asked.key = "other";
    for (auto i = std::size_t{0}; i < limits::batch_jobs; ++i)
      asked.jobs.push_back(spec_of(static_cast<std::int64_t>(i)));
    const auto made = must(s->submit(asked));
    BOOST_REQUIRE_EQUAL(made.size(), limits::batch_jobs);
    BOOST_TEST(read(*s, made.back().id).object_id == static_cast<std::int64_t>(limits::batch_jobs) - 1);
    BOOST_TEST(ids_of(must(s->submit(asked))) == ids_of(made));
  }
  BOOST_TEST(b.count("jobs") == 2 * static_cast<int>(limits::batch_jobs));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_key_gets_the_first_answer_again, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  create(*s, spec_of(2));
  auto asked = jobs_of({1, 2, 3}, "key");
  asked.jobs[2].delay = 100s;
  const auto first = must(s->submit(asked));
  // Also when the window of (type, object) is over.
  b.expire_keys();
  const auto again = must(s->submit(asked));
  BOOST_TEST(ids_of(again) == ids_of(first), boost::test_tools::per_element());
  BOOST_TEST((duplicates(again) == std::vector{false, true, false}));
  BOOST_TEST((again[2].run_at == first[2].run_at));
  BOOST_TEST(b.count("jobs") == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_of_another_request_is_refused, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  must(s->submit(jobs_of({1}, "key", "one")));
  BOOST_CHECK(code(s->submit(jobs_of({2}, "key", "two"))) == ec::key_reused);
  BOOST_TEST(b.count("jobs") == 1);
  // The store is as it was.
  BOOST_TEST(must(s->submit(jobs_of({2}, "other", "two"))).size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_is_free_once_its_window_is_over, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto first = must(s->submit(jobs_of({1, 2}, "key", "one")));
  b.expire_idempotency();
  const auto second = must(s->submit(jobs_of({1}, "key", "two")));
  BOOST_REQUIRE_EQUAL(second.size(), 1u);
  BOOST_TEST(second[0].id != first[0].id);
  BOOST_TEST(ids_of(must(s->submit(jobs_of({1}, "key", "two")))) == ids_of(second),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_cannot_be_held_is_named_and_none_is_accepted, backend, backends) {
  const auto b = backend{};
  for (const auto window : {std::optional<seconds>{300s}, std::optional<seconds>{}}) {
    const auto s = b.open(window);
    auto payload = jobs_of({0, 1, 2, 3, 4, 5, 6}, "key");
    payload.jobs[5].payload = R"({"a":"\u0000"})";
    auto priority = jobs_of({0, 1, 2, 3}, "key");
    priority.jobs[3].priority = 77;
    auto alone = jobs_of({0}, "key");
    alone.jobs[0].payload = "{not json}";
    for (const auto& [asked, start] : {std::pair{payload, "jobs[5]: payload"},
                                       {priority, "jobs[3]: priority"},
                                       {alone, "jobs[0]: payload"}}) {
      const auto refused = s->submit(asked);
      BOOST_CHECK(code(refused) == ec::invalid);
      BOOST_TEST(refused.error().context.starts_with(start), refused.error().context);
    }
    BOOST_TEST(b.count("jobs") == 0);
    BOOST_TEST(b.count("job_dedupe") == 0);
    BOOST_TEST(b.count("job_idempotency") == 0);
  }
  BOOST_TEST(must(b.open()->submit(jobs_of({1}, "key"))).size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_submissions_with_one_key_get_one_answer, backend, backends) {
  constexpr auto rounds = 50;
  const auto b = backend{};
  auto together = std::barrier{2};
  id_list made[2];
  race(b, [&](storage::store& s, int who) {
    for (auto i = 0; i < rounds; ++i) {
      together.arrive_and_wait();
      const auto answer = s.submit(jobs_of({i, 1000 + i}, "key" + std::to_string(i))).value();
      for (const auto& m : answer)
        made[who].push_back(m.duplicate ? -m.id : m.id);
    }
  });
  BOOST_TEST(made[0] == made[1], boost::test_tools::per_element());
  BOOST_TEST(b.count("jobs") == 2 * rounds);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(keys_that_have_expired_are_pruned, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  for (auto i = 0; i < 5; ++i)
    must(s->submit(jobs_of({i}, "key" + std::to_string(i))));
  b.expire_idempotency(120s);
  must(s->submit(jobs_of({9}, "young")));
  const auto report = must(s->prune({}, 1h));
  BOOST_TEST(report.done);
  BOOST_TEST(report.jobs == 0);
  BOOST_TEST(b.count("job_idempotency") == 1);
}

// ---------------------------------------------------------------- PostgreSQL

BOOST_AUTO_TEST_CASE(submission_waits_for_another_with_its_key) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  for (const auto committed : {true, false}) {
    const auto key = committed ? "committed" : "undone";
    auto other = other_session{b};
    other.exec("begin; insert into job_idempotency values ('" + std::string{key}
               + "', 'f', '{4711}', '{true}', timezone('utc', now()) + interval '1 hour')");
    auto answer = std::async(std::launch::async, [&] { return s->submit(jobs_of({1}, key)); });
    await_blocked(b);
    other.exec(committed ? "commit" : "rollback");
    const auto made = must(answer.get());
    BOOST_TEST((made.at(0).id == 4711) == committed);
    BOOST_TEST(made.at(0).duplicate == committed);
  }
}

BOOST_AUTO_TEST_CASE(lost_answer_is_resolved_by_the_key_or_uncertain) {
  const auto b = postgres_backend{};
  const auto broken = [&](const storage::submission& asked) {
    const auto s = b.open({});
    // The commit waits, since a deferred trigger does.
    auto other = other_session{b};
    other.exec("begin; lock table gate in exclusive mode");
    auto answer = std::async(std::launch::async, [&] { return s->submit(asked); });
    await_blocked(b);
    b.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
    if (asked.key)
      await_blocked(b);
    other.exec("commit");
    return answer.get();
  };
  b.sql("create table gate (n integer);"
        "create function wait_at_gate() returns trigger language plpgsql as $$ begin"
        "  insert into gate values (1); return null; end $$;"
        "create constraint trigger gate after insert on jobs deferrable initially deferred"
        "  for each row execute function wait_at_gate()");
  const auto made = must(broken(jobs_of({1}, "key")));
  BOOST_TEST(made.size() == 1u);
  BOOST_TEST(b.count("jobs") == 1);
  BOOST_CHECK(code(broken(jobs_of({2}))) == ec::store_uncertain);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(trace_is_kept_and_given_to_who_claims, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  auto traced = spec_of(1);
  traced.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto first = create(*s, traced).id;
  const auto second = create(*s, spec_of(2)).id;
  BOOST_TEST(read(*s, first).traceparent.value() == traced.traceparent);
  BOOST_TEST(!read(*s, second).traceparent.has_value());
  const auto jobs = claim(*s, hinted(node, {first, second}));
  BOOST_REQUIRE(jobs.size() == 2U);
  BOOST_TEST(jobs[0].traceparent == traced.traceparent);
  BOOST_TEST(jobs[1].traceparent.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
