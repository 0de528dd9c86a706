#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(idempotency)

TEST_ON_EACH_GROUND(the_first_answer_is_given_again) {
  const auto key = std::vector<std::string>{"Idempotency-Key: order-1"};
  const auto job = json{{"object_id", 1}, {"type", "nobody"}};
  const auto first = s.post("/v1/jobs", job, key);
  BOOST_TEST(first.status == 201, first.raw.body);
  // Cancelled in between: the dedupe row alone would not tell the difference.
  const auto again = s.post("/v1/jobs", job, key);
  BOOST_TEST(again.status == 201, again.raw.body);
  BOOST_TEST(again.raw.body == first.raw.body);
  BOOST_TEST(s.get("/v1/jobs").body.at("jobs").get_array().size() == 1U);
}

TEST_ON_EACH_GROUND(another_request_under_the_same_key_is_refused) {
  const auto key = std::vector<std::string>{"Idempotency-Key: order-1"};
  BOOST_TEST(s.post("/v1/jobs", {{"object_id", 1}, {"type", "nobody"}}, key).status == 201);
  const auto other = s.post("/v1/jobs", {{"object_id", 2}, {"type", "nobody"}}, key);
  BOOST_TEST(other.status == 422, other.raw.body);
  BOOST_TEST(s.get("/v1/jobs").body.at("jobs").get_array().size() == 1U);
}

TEST_ON_EACH_GROUND(a_batch_is_repeated_as_a_whole) {
  const auto send = [&] {
    return s.post_text("/v1/jobs/batch",
                       R"([{"object_id":1,"type":"nobody"},{"object_id":1,"type":"nobody"}])",
                       {"Content-Type: application/json", "Idempotency-Key: batch-1"});
  };
  const auto first = send();
  BOOST_TEST(first.status == 201, first.raw.body);
  BOOST_TEST(send().raw.body == first.raw.body);
}

TEST_ON_EACH_GROUND(many_at_once_get_one_answer) {
  const auto urls = std::vector<std::string>{s.node(0).url("/v1/jobs"), s.node(1).url("/v1/jobs")};
  auto answers = std::vector<std::string>(40);
  in_parallel(20, 40, [&](http_client& c, int n) {
    answers[n] = c.call({.method = "POST",
                         .url = urls[n % 2],
                         .body = R"({"object_id":1,"type":"nobody"})",
                         .headers = {"Content-Type: application/json", "Idempotency-Key: k"}})
                     .body;
  });
  for (const auto& a : answers)
    BOOST_TEST(a == answers[0]);
}

TEST_ON_EACH_GROUND(keys_that_are_none_are_refused) {
  for (const auto& key : {std::string(256, 'x'), std::string{"a b"}, std::string{"\xC3\xA4"}})
    BOOST_TEST(s.post("/v1/jobs", {{"object_id", 1}}, {"Idempotency-Key: " + key}).status == 400, key);
}

BOOST_AUTO_TEST_SUITE_END()
