#include "actors/job_manager.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct manager_fixture : actor_fixture {
  neighbours around;
  job_manager_actor manager =
      keep(sys.spawn(job_manager, job_manager_parts{keep(sys.spawn(neighbour_storage, &around)),
                                                    keep(sys.spawn(neighbour_queue, &around)),
                                                    keep(sys.spawn(neighbour_promoter, &around)),
                                                    keep(sys.spawn(neighbour_expirer, &around)),
                                                    keep(sys.spawn(neighbour_watch))}));

  ~manager_fixture() {
    manager = nullptr;
    end_actors();
  }
  static job_spec spec() {
    auto s = job_spec{};
    s.object_id = 1;
    s.queue = "mail";
    s.priority = 2;
    return s;
  }

  expected<created_job> create(const job_spec& s) {
    return ask<created_jobs>(manager, atom::create_v, job_specs{s})->value().at(0);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(job_manager_suite, manager_fixture)

BOOST_AUTO_TEST_CASE(a_new_job_is_stored_and_hinted) {
  around.create_gives = {42, false, {}};
  BOOST_TEST(create(spec()).value().id == 42);
  BOOST_REQUIRE(around.pushed.size() == 1u);
  BOOST_TEST((around.pushed[0] == hint{42, "mail", 2}));
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_not_hinted) {
  around.create_gives = {42, true, {}};
  BOOST_TEST(create(spec()).value().duplicate);
  BOOST_TEST(around.pushed.empty());
}

BOOST_AUTO_TEST_CASE(a_scheduled_job_goes_to_the_promoter_instead) {
  const auto later = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + 60s;
  around.create_gives = {42, false, later};
  BOOST_TEST(create(spec()).has_value());
  BOOST_TEST(around.pushed.empty());
  BOOST_REQUIRE(around.due.size() == 1u);
  BOOST_TEST(around.due[0].count() > 50'000);
  BOOST_TEST(around.due[0].count() <= 60'000);
}

BOOST_AUTO_TEST_CASE(an_invalid_job_never_reaches_storage) {
  auto bad = spec();
  bad.priority = 10;
  const auto answer = create(bad);
  BOOST_TEST((answer.error().code == ec::invalid));
  BOOST_TEST(answer.error().context.find("priority") == 0u);
  BOOST_TEST(around.created.empty());
}

BOOST_AUTO_TEST_CASE(jobs_of_one_message_are_stored_by_one_request_and_each_has_its_answer) {
  around.create_gives = {42, false, {}};
  auto bad = spec();
  bad.priority = 10;
  const auto answers =
      ask<created_jobs>(manager, atom::create_v, job_specs{bad, spec(), bad, spec()})->value();
  BOOST_TEST(around.create_requests == 1);
  BOOST_TEST(around.created.size() == 2u);
  BOOST_REQUIRE(answers.size() == 4u);
  BOOST_TEST((answers[0].error().code == ec::invalid));
  BOOST_TEST(answers[1]->id == 42);
  BOOST_TEST((answers[2].error().code == ec::invalid));
  BOOST_TEST(answers[3]->id == 42);
  BOOST_TEST(around.pushed.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_told_to_the_client_and_nothing_is_hinted) {
  around.store_away = true;
  BOOST_TEST((ask<created_jobs>(manager, atom::create_v, job_specs{spec()})->error().code == ec::store_away));
  BOOST_TEST(around.pushed.empty());
}

BOOST_AUTO_TEST_CASE(those_who_watch_are_told_of_a_new_job) {
  around.create_gives = {42, false, {}};
  BOOST_TEST(create(spec()).has_value());
  BOOST_REQUIRE(around.published.size() == 1U);
  BOOST_TEST((around.published[0] == job_event{42, 1, "default", "mail", job_status::created, 0, {}}));
}

BOOST_AUTO_TEST_CASE(a_job_that_expires_goes_to_the_expirer_too) {
  auto s = spec();
  s.expires_in = seconds{2};
  BOOST_TEST(create(s).has_value());
  BOOST_TEST(around.pushed.size() == 1U);
  BOOST_REQUIRE(around.expire_due.size() == 1U);
  BOOST_TEST(around.expire_due[0].count() == 2'000);
}

BOOST_AUTO_TEST_CASE(jobs_that_are_submitted_together_are_hinted_but_for_duplicates) {
  around.submit_gives = {{1, false, {}}, {2, true, {}}, {3, false, {}}};
  const auto answer =
      ask<submitted>(manager, atom::submit_v, storage::submission{{spec(), spec(), spec()}, {}, {}});
  BOOST_TEST(answer->value().size() == 3U);
  BOOST_REQUIRE(around.pushed.size() == 2U);
  BOOST_TEST(around.pushed[0].id == 1);
  BOOST_TEST(around.pushed[1].id == 3);
}

BOOST_AUTO_TEST_CASE(an_invalid_job_among_others_is_named_and_none_is_stored) {
  auto bad = spec();
  bad.priority = 10;
  const auto answer = ask<submitted>(manager, atom::submit_v, storage::submission{{spec(), bad}, {}, {}});
  BOOST_TEST((answer->error().code == ec::invalid));
  BOOST_TEST(answer->error().context.find("jobs[1].priority") == 0U, answer->error().context);
  BOOST_TEST(around.submissions.empty());
}

BOOST_AUTO_TEST_CASE(a_created_job_is_cancelled_and_watchers_are_told) {
  around.change_gives = {
      {.id = 7, .object_id = 1, .type = "mail", .queue = "q", .status = job_status::cancelled}};
  around.jobs[7].id = 7;
  around.jobs[7].status = job_status::cancelled;
  BOOST_TEST((ask<job>(manager, atom::cancel_v, job_id{7})->value().status == job_status::cancelled));
  BOOST_TEST(around.cancelled == job_ids{7}, boost::test_tools::per_element());
  BOOST_TEST(around.to_end.empty());
  BOOST_REQUIRE(around.published.size() == 1U);
  BOOST_TEST((around.published[0].status == job_status::cancelled));
  BOOST_TEST(around.pushed.empty());
}

BOOST_AUTO_TEST_CASE(a_running_job_is_asked_to_end_on_its_node) {
  around.change_gives = {
      {.id = 7, .type = "mail", .queue = "q", .status = job_status::running, .attempt = 3}};
  around.jobs[7].id = 7;
  around.jobs[7].status = job_status::running;
  BOOST_TEST(ask<job>(manager, atom::cancel_v, job_id{7})->has_value());
  BOOST_TEST((around.to_end == run_keys{{7, 3}}));
  BOOST_TEST(around.published.empty());
}

BOOST_AUTO_TEST_CASE(a_job_that_is_over_cannot_be_cancelled) {
  around.jobs[7].id = 7;
  around.jobs[7].status = job_status::success;
  const auto answer = ask<job>(manager, atom::cancel_v, job_id{7});
  BOOST_TEST((answer->error().code == ec::conflict));
  BOOST_TEST(answer->error().context.find("success") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_retried_job_is_hinted) {
  around.change_gives = {
      {.id = 7, .type = "mail", .queue = "q", .priority = 2, .status = job_status::created}};
  around.jobs[7].id = 7;
  BOOST_TEST(ask<job>(manager, atom::retry_v, job_id{7})->has_value());
  BOOST_TEST(around.retried == job_ids{7}, boost::test_tools::per_element());
  BOOST_TEST((around.pushed == hints{{7, "q", 2}}));
}

BOOST_AUTO_TEST_CASE(a_page_is_cancelled_by_what_is_found_and_counted_by_what_is_changed) {
  around.list_gives.jobs.resize(3);
  for (auto i = 0; i < 3; ++i)
    around.list_gives.jobs[i].id = 10 - i;
  around.list_gives.next = 8;
  around.change_gives = {{.id = 9, .type = "t", .queue = "q", .status = job_status::running},
                         {.id = 10, .type = "t", .queue = "q", .status = job_status::cancelled}};
  const auto report = ask<bulk_report>(manager, atom::cancel_v, storage::page_request{})->value();
  BOOST_TEST(around.cancelled == (job_ids{10, 9, 8}), boost::test_tools::per_element());
  BOOST_TEST(report.changed == 1);
  BOOST_TEST(report.asked == 1);
  BOOST_TEST(report.next.value_or(0) == 8);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors
