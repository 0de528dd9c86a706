#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace jobd::test;

namespace {

/// What many concurrent submissions were answered with.
struct answers {
  std::vector<submission> all;

  [[nodiscard]] std::set<std::int64_t> ids() const {
    auto found = std::set<std::int64_t>{};
    for (const auto& a : all)
      found.insert(a.id);
    return found;
  }
  [[nodiscard]] std::ptrdiff_t with(int status) const {
    return std::ranges::count(all, status, &submission::status);
  }
};

/// Submits n = 0 … times − 1, in turns to each API, from 20 clients at once.
answers submit_at_once(const std::vector<std::string>& urls, int times,
                       const std::function<std::string(int)>& body) {
  auto result = answers{};
  result.all.resize(static_cast<std::size_t>(times));
  in_parallel(20, times, [&](http_client& client, int n) {
    const auto i = static_cast<std::size_t>(n);
    result.all[i] = understood(client.post(urls[i % urls.size()], body(n)));
  });
  return result;
}

std::string object(int id) {
  return R"({"object_id": )" + std::to_string(id) + "}";
}

/// Two API processes with the same settings.
std::vector<std::string> two_apis(cluster& c, const settings& extra = {}) {
  return {c.start_api(extra).url("/v1/jobs"), c.start_api(extra).url("/v1/jobs")};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(dedupe, cluster)

BOOST_AUTO_TEST_CASE(same_object_gets_200_and_the_same_id) {
  const auto first = post_job(object(1));
  const auto second = post_job(object(1));
  BOOST_TEST(first.status == 201);
  BOOST_TEST(second.status == 200);
  BOOST_TEST(second.id == first.id);
  BOOST_TEST(second.answer.body == first.answer.body);
  BOOST_TEST(count("jobs") == 1);
}

BOOST_AUTO_TEST_CASE(two_hundred_at_once_through_two_apis_get_one_job) {
  const auto got = submit_at_once(two_apis(*this), 200, [](int) { return object(1); });
  BOOST_TEST(got.ids().size() == 1);
  BOOST_TEST(got.with(201) == 1);
  BOOST_TEST(got.with(200) == 199);
  BOOST_TEST(count("jobs") == 1);
}

BOOST_AUTO_TEST_CASE(many_keys_at_once_through_two_apis_get_one_job_each) {
  // Both ends first, so that batches of two processes meet the keys in opposite order.
  const auto key = [](int n) { return n % 2 == 0 ? n / 2 % 20 : 19 - n / 2 % 20; };
  const auto got = submit_at_once(two_apis(*this), 800, [&](int n) { return object(key(n)); });
  BOOST_TEST(got.with(201) == 20);
  BOOST_TEST(got.with(200) == 780);
  BOOST_TEST(got.ids().size() == 20);
  BOOST_TEST(count("jobs") == 20);
  BOOST_TEST(count("(select object_id from jobs group by 1) as o") == 20);
}

BOOST_AUTO_TEST_CASE(object_gets_a_new_job_after_the_window) {
  start_api({{"JOB_DEDUPE_WINDOW", "1"}});
  const auto first = new_job(object(1));
  // Each of these would keep the window open, if a duplicate counted.
  auto next = submission{};
  BOOST_TEST(eventually([&] { return (next = post_job(object(1))).status != 200; }));
  BOOST_TEST(next.status == 201);
  BOOST_TEST(next.id != first);
  BOOST_TEST(value("select max(created_at) - min(created_at) >= interval '1 s' from jobs") == "t");
  BOOST_TEST(count("jobs") == 2);
}

BOOST_AUTO_TEST_CASE(two_hundred_at_once_after_the_window_get_one_new_job) {
  const auto urls = two_apis(*this, {{"JOB_DEDUPE_WINDOW", "120"}});
  const auto first = new_job(object(1));
  sql("update job_dedupe set expires_at = timezone('utc', now())");
  const auto got = submit_at_once(urls, 200, [](int) { return object(1); });
  BOOST_TEST(got.with(201) == 1);
  BOOST_TEST(got.with(200) == 199);
  BOOST_TEST(got.ids().size() == 1);
  BOOST_TEST(!got.ids().contains(first));
  BOOST_TEST(count("jobs") == 2);
}

BOOST_AUTO_TEST_CASE(window_of_0_turns_it_off) {
  const auto got =
      submit_at_once(two_apis(*this, {{"JOB_DEDUPE_WINDOW", "0"}}), 60, [](int) { return object(1); });
  BOOST_TEST(got.with(201) == 60);
  BOOST_TEST(got.ids().size() == 60);
  BOOST_TEST(count("jobs") == 60);
}

BOOST_AUTO_TEST_CASE(another_type_is_another_key) {
  const auto first = new_job(object(1));
  const auto typed = post_job(R"({"object_id": 1, "type": "mail"})");
  BOOST_TEST(typed.status == 201);
  BOOST_TEST(typed.id != first);
  BOOST_TEST(post_job(R"({"object_id": 1, "type": "default"})").id == first);
}

BOOST_AUTO_TEST_CASE(nothing_but_type_and_object_makes_the_key) {
  const auto first = new_job(object(1));
  const auto other =
      post_job(R"({"object_id": 1, "queue": "mail", "priority": 0, "payload": 5, "delay": 9})");
  BOOST_TEST(other.status == 200);
  BOOST_TEST(other.id == first);
  BOOST_TEST(value("select queue from jobs") == "default");
}

BOOST_AUTO_TEST_CASE(finished_job_still_stands_for_its_object) {
  start_worker();
  const auto first = new_job(object(1));
  BOOST_TEST(reaches(first, "success"));
  const auto second = post_job(object(1));
  BOOST_TEST(second.status == 200);
  BOOST_TEST(second.id == first);
}

BOOST_AUTO_TEST_CASE(another_process_knows_the_object_after_a_crash) {
  const auto first = new_job(object(1));
  api().kill9();
  auto& other = start_api();
  const auto second = post_job(other, object(1));
  BOOST_TEST(second.status == 200);
  BOOST_TEST(second.id == first);
}

BOOST_AUTO_TEST_SUITE_END()
