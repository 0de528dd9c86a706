#include "storage/sqlite_store.hpp"
#include "tests/support/server_process.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

namespace {

namespace storage = jobd::storage;
using namespace std::chrono_literals;
using jobd::ec;
using jobd::job_id;
using jobd::job_spec;
using jobd::job_status;
using jobd::node_id;
using jobd::run_key;
using jobd::seconds;
using jobd::lifecycle::event;
using storage::finish_answer;
using ids_type = std::vector<job_id>;

template <class T>
T must(jobd::expected<T> e) {
  BOOST_REQUIRE_MESSAGE(e.has_value(), (e ? "" : to_string(e.error())));
  return std::move(*e);
}

template <class T>
ec code(const jobd::expected<T>& e) {
  return e ? ec::none : e.error().code;
}

template <class List>
ids_type ids_of(const List& of) {
  auto ids = ids_type{};
  for (const auto& x : of)
    ids.push_back(x.id);
  return ids;
}

job_spec spec_of(std::int64_t object_id, int limit = 0) {
  auto s = job_spec{};
  s.object_id = object_id;
  s.object_limit = limit;
  return s;
}

template <class Field, class Value>
storage::job_filter filter_by(Field field, Value value) {
  auto f = storage::job_filter{};
  f.*field = value;
  return f;
}

/// A file with one store and one node.
struct fixture {
  fixture() {
    store = storage::make_sqlite_store({path, std::nullopt, 5s});
    BOOST_REQUIRE(store->connect());
    node = add_node("here");
  }
  node_id add_node(const std::string& host) {
    return must(store->register_node({host, 42, "1.0", 8, {"default", "slow"}, {"default", "mail"}}));
  }
  std::string sql(const std::string& text) const {
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    auto out = std::string{};
    const auto collect = [](void* to, int n, char** fields, char**) {
      for (auto i = 0; i < n; ++i)
        *static_cast<std::string*>(to) += std::string{fields[i] ? fields[i] : "null"} + '|';
      return 0;
    };
    const auto done = sqlite3_exec(db, text.c_str(), collect, &out, nullptr);
    BOOST_REQUIRE_MESSAGE(done == SQLITE_OK, text << ": " << sqlite3_errmsg(db));
    sqlite3_close(db);
    return out;
  }
  job_id create(const job_spec& spec) { return must(must(store->flush({{}, {}, {spec}})).creates.at(0)).id; }
  ids_type create_many(int n, std::int64_t object_id = 1, int limit = 0) {
    auto specs = std::vector<job_spec>(static_cast<std::size_t>(n), spec_of(object_id, limit));
    auto ids = ids_type{};
    for (const auto& made : must(store->flush({{}, {}, std::move(specs)})).creates)
      ids.push_back(must(made).id);
    return ids;
  }
  std::vector<jobd::claimed_job> claim(ids_type ids, int limit = 100) {
    return must(store->flush({{}, {{node, std::move(ids), {}, {"default"}, limit}}, {}})).claims.at(0);
  }
  std::vector<jobd::claimed_job> heads(int limit) {
    return must(store->flush({{}, {{node, {}, {"default"}, {"default"}, limit}}, {}})).claims.at(0);
  }
  run_key run(job_id id) {
    const auto jobs = claim({id});
    BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
    return {id, jobs[0].attempt};
  }
  storage::batch_result finish(run_key k, event what, std::string message = {}, node_id by = 0) {
    auto retry_in = what == event::retry ? std::optional<seconds>{60s} : std::nullopt;
    return must(store->flush({{{by ? by : node, k, {what, retry_in}, {}, std::move(message)}}, {}, {}}));
  }
  jobd::job read(job_id id) { return must(store->find(std::vector{id})).at(0).value(); }
  jobd::lease::suspect kill(node_id dead) {
    sql("update nodes set heartbeat_at = heartbeat_at - 60000000 where id = " + std::to_string(dead));
    for (const auto& s : must(store->beat(node)).overdue)
      if (s.node == dead)
        return s;
    BOOST_FAIL("not overdue");
    return {};
  }
  std::string outcomes(job_id id) {
    auto text = std::string{};
    for (const auto& a : must(store->history(id)))
      text += std::to_string(a.attempt) + ' ' + a.outcome + (a.message ? ": " + *a.message : "") + '|';
    return text;
  }

  jobd::test::temp_folder folder{"sqlite"};
  std::string path = (folder.path() / "jobs.db").string();
  std::unique_ptr<storage::store> store;
  node_id node = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_api, fixture)

BOOST_AUTO_TEST_CASE(one_job_of_an_object_runs_and_its_end_frees_the_next) {
  const auto ids = create_many(4, 7, 1);
  const auto other = create(spec_of(8, 1));
  BOOST_TEST(ids_of(claim({ids[0], ids[1], ids[2], other})) == (ids_type{ids[0], other}),
             boost::test_tools::per_element());
  BOOST_TEST(!read(ids[1]).ready);
  BOOST_TEST(read(ids[1]).run_at.has_value());
  BOOST_TEST(read(ids[3]).ready);
  BOOST_TEST(claim({ids[3]}).empty());
  BOOST_TEST(must(store->explain(ids[1])).blocked_by.value() == ids[0]);

  auto at = std::size_t{0};
  for (const auto what : {event::succeed, event::retry, event::release}) {
    const auto done = finish({ids[at], 1}, what);
    BOOST_CHECK(done.finishes.at(0) == finish_answer::accepted);
    BOOST_TEST(ids_of(done.unblocked) == ids_type{ids[at + 1]}, boost::test_tools::per_element());
    BOOST_TEST(read(ids[at + 1]).ready);
    BOOST_TEST(!read(ids[at + 1]).run_at.has_value());
    ++at;
    BOOST_TEST(ids_of(claim({ids[at]})) == ids_type{ids[at]}, boost::test_tools::per_element());
  }
  BOOST_TEST(claim({ids[2]}).empty());
  BOOST_TEST(ids_of(finish({ids[3], 1}, event::cancel).unblocked) == ids_type{ids[2]},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(claim_goes_past_jobs_that_are_set_aside) {
  const auto ids = create_many(5, 7, 1);
  const auto free = create(spec_of(8));
  BOOST_TEST(ids_of(heads(2)) == (ids_type{ids[0], free}), boost::test_tools::per_element());
  sql("update jobs set run_at = 1 where blocked");
  BOOST_TEST(must(store->promote(100)).hints.size() == 4u);
  BOOST_TEST(sql("select count(*) from jobs where blocked or not ready") == "0|");
}

BOOST_AUTO_TEST_CASE(rescue_frees_the_object_and_records_what_was_lost) {
  const auto ids = create_many(2, 7, 1);
  auto dead = add_node("faulty");
  const auto asked = create(spec_of(1));
  std::swap(node, dead);
  (void)run(ids[0]);
  (void)run(asked);
  BOOST_TEST(claim({ids[1]}).empty());
  std::swap(node, dead);
  (void)must(store->cancel(std::vector{asked}));
  const auto changes = must(store->rescue(kill(dead)));
  BOOST_REQUIRE_EQUAL(changes.size(), 2u);
  BOOST_CHECK(changes[0].status == job_status::created);
  BOOST_CHECK(changes[1].status == job_status::cancelled);
  BOOST_TEST(changes[0].object_id == 7);
  BOOST_TEST(changes[0].type == "default");
  BOOST_TEST(changes[0].attempt == 1);
  BOOST_TEST(read(ids[1]).ready);
  BOOST_TEST(outcomes(ids[0]) == "1 lost|");
  BOOST_TEST(outcomes(asked) == "1 lost|");
  BOOST_TEST(!read(asked).cancel_requested);
  BOOST_CHECK(finish({asked, 1}, event::succeed, {}, dead).finishes[0] == finish_answer::stale);
}

BOOST_AUTO_TEST_CASE(cancel_ends_what_waits_and_asks_what_runs) {
  const auto ids = create_many(4);
  (void)run(ids[1]);
  (void)run(ids[2]);
  (void)finish({ids[2], 1}, event::succeed);
  const auto changes = must(store->cancel(std::vector<job_id>{ids[3], ids[2], ids[1], 999}));
  BOOST_TEST(ids_of(changes) == (ids_type{ids[1], ids[3]}), boost::test_tools::per_element());
  BOOST_CHECK(changes[0].status == job_status::running);
  BOOST_TEST(changes[0].node.value() == node);
  BOOST_CHECK(changes[1].status == job_status::cancelled);
  BOOST_TEST(read(ids[3]).end_time.has_value());
  BOOST_TEST(read(ids[1]).cancel_requested);
  BOOST_CHECK(must(store->beat(node)).cancelled == (std::vector{run_key{ids[1], 1}}));
  BOOST_TEST(must(store->cancel(std::vector{ids[1]})).size() == 1u);
  // What would go back is cancelled, and the same again is known.
  for (auto i = 0; i < 2; ++i)
    BOOST_CHECK(finish({ids[1], 1}, event::retry, "why").finishes[0] == finish_answer::accepted);
  BOOST_CHECK(read(ids[1]).status == job_status::cancelled);
  BOOST_TEST(read(ids[1]).failures == 0);
  BOOST_TEST(outcomes(ids[1]) == "1 cancelled: why|");
  BOOST_TEST(must(store->beat(node)).cancelled.empty());
}

BOOST_AUTO_TEST_CASE(history_has_each_attempt_once) {
  const auto id = create(spec_of(1));
  BOOST_TEST(outcomes(id).empty());
  (void)run(id);
  BOOST_TEST(outcomes(id) == "1 running|");
  (void)finish({id, 1}, event::retry, "broken");
  BOOST_TEST(outcomes(id) == "1 failed: broken|");
  sql("update jobs set ready = 1");
  (void)run(id);
  BOOST_TEST(outcomes(id) == "1 failed: broken|2 running|");
  BOOST_CHECK(finish({id, 1}, event::succeed, "late").finishes[0] == finish_answer::stale);
  (void)finish({id, 2}, event::release);
  (void)run(id);
  (void)finish({id, 3}, event::fail, "no");
  BOOST_TEST(outcomes(id) == "1 failed: broken|1 refused: late|2 released|3 failed: no|");
  BOOST_TEST(ids_of(must(store->rerun(std::vector{id, job_id{999}}))) == ids_type{id},
             boost::test_tools::per_element());
  const auto j = read(id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.attempt == 3);
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(!j.message.has_value());
  BOOST_TEST(!j.node.has_value());
  (void)must(store->cancel(std::vector{id}));
  BOOST_TEST(outcomes(id) == "1 failed: broken|1 refused: late|2 released|3 failed: no|");
  (void)must(store->rerun(std::vector{id}));
  (void)run(id);
  (void)finish({id, 4}, event::succeed);
  BOOST_TEST(outcomes(id) == "1 failed: broken|1 refused: late|2 released|3 failed: no|4 success|");
  BOOST_TEST(must(store->rerun(std::vector{id})).empty());
  BOOST_CHECK(code(store->history(999)) == ec::not_found);
  sql("update jobs set created_at = 1, end_time = 2");
  BOOST_TEST(must(store->prune({}, 1s)).jobs == 1);
  BOOST_TEST(sql("select count(*) from job_attempts") == "0|");
}

BOOST_AUTO_TEST_CASE(progress_is_written_while_the_run_has_the_job) {
  const auto id = create(spec_of(1));
  const auto tell = [&](jobd::attempt_no attempt, std::string text) {
    auto b = storage::batch{};
    b.progresses.push_back({node, {id, attempt}, std::move(text)});
    (void)must(store->flush(b));
    return read(id).progress.value_or("none");
  };
  BOOST_TEST(tell(1, R"({"a":1})") == "none");
  (void)run(id);
  BOOST_TEST(tell(2, R"({"a":1})") == "none");
  BOOST_TEST(tell(1, "{\"a\":\n1}") == R"({"a": 1})");
  BOOST_TEST(tell(1, "{") == R"({"a": 1})");
}

BOOST_AUTO_TEST_CASE(job_that_is_not_started_in_time_fails) {
  auto spec = spec_of(1);
  spec.expires_in = 60s;
  const auto id = create(spec);
  spec.delay = 3600s;
  const auto later = create(spec);
  BOOST_TEST(must(store->expire(10)).expired.empty());
  BOOST_TEST(must(store->expire(10)).next_in.value().count() > 50);
  sql("update jobs set expires_at = 1");
  BOOST_TEST(claim({id}).empty());
  BOOST_TEST(heads(5).empty());
  const auto first = must(store->expire(1));
  BOOST_TEST(first.expired.size() == 1u);
  BOOST_TEST(first.next_in.value().count() == 0);
  BOOST_TEST(must(store->expire(5)).expired.size() == 1u);
  BOOST_TEST(!must(store->expire(5)).next_in.has_value());
  BOOST_CHECK(read(later).status == job_status::failed);
  BOOST_TEST(read(later).message.value() == "expired");
  (void)must(store->rerun(std::vector{later}));
  BOOST_TEST(claim({later}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(submission_is_all_or_none_and_its_key_gets_the_first_answer) {
  auto s = storage::submission{{spec_of(1), spec_of(2)}, "key", "print"};
  s.jobs[1].delay = 60s;
  const auto first = must(store->submit(s));
  const auto again = must(store->submit(s));
  BOOST_TEST(ids_of(again) == ids_of(first), boost::test_tools::per_element());
  BOOST_TEST(!again[0].duplicate);
  BOOST_CHECK(again[1].run_at == first[1].run_at);
  BOOST_TEST(again[1].run_at.has_value());
  s.fingerprint = "other";
  BOOST_CHECK(code(store->submit(s)) == ec::key_reused);
  sql("update job_idempotency set expires_at = 1");
  s.jobs[1].payload = "{";
  const auto refused = store->submit(s);
  BOOST_CHECK(code(refused) == ec::invalid);
  BOOST_TEST(refused.error().context.starts_with("jobs[1]: payload"));
  BOOST_TEST(sql("select count(*) from jobs") == "2|");
  s.jobs[1].payload = "";
  BOOST_TEST(must(store->submit(s))[0].id > first[1].id);
  sql("update job_idempotency set expires_at = 1");
  (void)must(store->prune({}, 3600s));
  BOOST_TEST(sql("select count(*) from job_idempotency") == "0|");
}

BOOST_AUTO_TEST_CASE(pages_follow_each_other_and_are_bounded) {
  const auto ids = create_many(5);
  auto q = storage::page_request{{}, 2, {}};
  auto all = ids_type{};
  for (auto pages = 0;; ++pages) {
    const auto page = must(store->list(q));
    for (const auto& j : page.jobs)
      all.push_back(j.id);
    if (!page.next) {
      BOOST_TEST(pages == 2);
      break;
    }
    q.before = page.next;
  }
  BOOST_TEST(all == ids_type(ids.rbegin(), ids.rend()), boost::test_tools::per_element());

  // Far back: a page that finds nothing says where to go on.
  auto odd = spec_of(77);
  odd.type = "mail";
  const auto target = create(odd);
  (void)must(store->cancel(std::vector{ids[0]}));
  (void)create_many(10'000, 5);
  q = {filter_by(&storage::job_filter::type, "mail"), 2, {}};
  auto page = must(store->list(q));
  BOOST_TEST(page.jobs.empty());
  BOOST_TEST(page.next.value() == target + 1);
  q.before = page.next;
  page = must(store->list(q));
  BOOST_TEST(ids_of(page.jobs) == ids_type{target}, boost::test_tools::per_element());
  BOOST_TEST(!page.next);
  // By index: at once.
  BOOST_TEST(ids_of(must(store->list({filter_by(&storage::job_filter::object_id, 77), 2, {}})).jobs)
                 == ids_type{target},
             boost::test_tools::per_element());
  page = must(store->list({filter_by(&storage::job_filter::status, job_status::cancelled), 2, {}}));
  BOOST_TEST(ids_of(page.jobs) == ids_type{ids[0]}, boost::test_tools::per_element());
  BOOST_TEST(!page.next);
  BOOST_TEST(
      must(store->list({filter_by(&storage::job_filter::status, job_status::failed), 2, {}})).jobs.empty());
  // Older ones are not looked at.
  sql("update jobs set created_at = created_at - 300000000 where id < " + std::to_string(target + 9'998));
  const auto since = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) - 100s;
  page = must(store->list({filter_by(&storage::job_filter::created_after, since), 100, {}}));
  BOOST_TEST(page.jobs.size() == 3u);
  BOOST_TEST(!page.next);
}

BOOST_AUTO_TEST_CASE(explanation_counts_what_is_ahead_and_finds_workers) {
  const auto ids = create_many(1'500);
  BOOST_TEST(must(store->explain(ids[0])).ahead == 0);
  BOOST_TEST(must(store->explain(ids[7])).ahead == 7);
  BOOST_TEST(must(store->explain(ids[1'400])).ahead == storage::most_ahead);
  BOOST_TEST(must(store->explain(ids[0])).has_worker);
  auto spec = spec_of(1);
  spec.queue = "nobody";
  BOOST_TEST(!must(store->explain(create(spec))).has_worker);
  sql("update nodes set heartbeat_at = 1");
  BOOST_TEST(!must(store->explain(ids[0])).has_worker);
  BOOST_CHECK(code(store->explain(99'999)) == ec::not_found);
}

BOOST_AUTO_TEST_SUITE_END()
