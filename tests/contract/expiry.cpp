#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(expiry)

namespace {

job_spec expiring(std::int64_t object_id, seconds in = 100s) {
  auto spec = spec_of(object_id);
  spec.expires_in = in;
  return spec;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(expiry_counts_from_acceptance, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = expiring(1, 100.5s);
  spec.delay = 1000s;
  const auto j = read(*s, create(*s, spec).id);
  BOOST_TEST((j.expires_at.value() - j.created_at == 100'500ms));
  BOOST_TEST(!read(*s, create(*s, spec_of(2)).id).expires_at.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_skips_what_has_expired, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto late = create(*s, expiring(1)).id;
  const auto in_time = create(*s, expiring(2)).id;
  const auto other = create(*s, expiring(3)).id;
  b.age_job(late, 101s);
  BOOST_TEST(ids_of(claim(*s, hinted(node, {late, in_time}))) == (id_list{in_time}),
             boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{other}), boost::test_tools::per_element());
  BOOST_CHECK(read(*s, late).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_was_not_started_in_time_fails, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto scheduled = expiring(2);
  scheduled.delay = 500s;
  const auto ids = id_list{create(*s, expiring(1)).id, create(*s, scheduled).id};
  const auto later = create(*s, expiring(3)).id;
  const auto never = create(*s, spec_of(4)).id;
  const auto run = running_job(*s, node, expiring(5));
  for (const auto id : {ids[0], ids[1], run.id})
    b.age_job(id, 101s);

  const auto e = must(s->expire(10));
  auto expired = ids_of(e.expired);
  std::ranges::sort(expired);
  BOOST_TEST(expired == ids, boost::test_tools::per_element());
  for (const auto& c : e.expired) {
    BOOST_CHECK(c.status == job_status::failed);
    BOOST_TEST(c.type == "default");
    BOOST_TEST(c.queue == "default");
    BOOST_TEST(!c.node.has_value());
    const auto j = read(*s, c.id);
    BOOST_TEST(j.object_id == c.object_id);
    BOOST_CHECK(j.status == job_status::failed);
    BOOST_TEST(j.message.value() == "expired");
    BOOST_TEST(j.end_time.has_value());
    BOOST_TEST(j.failures == 0);
  }
  BOOST_REQUIRE(e.next_in.has_value());
  BOOST_TEST((*e.next_in > 80s && *e.next_in <= 100s));
  for (const auto id : {later, never})
    BOOST_CHECK(read(*s, id).status == job_status::created);
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(expiry_says_when_nothing_or_more_waits, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(!must(s->expire(10)).next_in.has_value());
  for (auto i = 0; i < 5; ++i)
    b.age_job(create(*s, expiring(i)).id, 101s);
  const auto first = must(s->expire(3));
  BOOST_TEST(first.expired.size() == 3u);
  BOOST_TEST(first.next_in.value().count() == 0);
  const auto rest = must(s->expire(2));
  BOOST_TEST(rest.expired.size() == 2u);
  BOOST_TEST(!rest.next_in.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(retry_that_comes_too_late_expires_with_its_history, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, expiring(1));
  finish(*s, ended(node, run, event::retry));
  b.age_job(run.id, 101s);
  BOOST_TEST(ids_of(must(s->expire(10)).expired) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_TEST(outcomes(*s, run.id) == std::vector<std::string>{"1 failed"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(locked_job_is_not_waited_for) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  const auto ids = id_list{create(*s, expiring(1)).id, create(*s, expiring(2)).id};
  for (const auto id : ids)
    b.age_job(id, 101s);
  auto other = other_session{b};
  other.exec("begin; select from jobs where id = " + std::to_string(ids[0]) + " for update");
  BOOST_TEST(ids_of(must(s->expire(10)).expired) == (id_list{ids[1]}), boost::test_tools::per_element());
  other.exec("rollback");
  BOOST_TEST(ids_of(must(s->expire(10)).expired) == (id_list{ids[0]}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
