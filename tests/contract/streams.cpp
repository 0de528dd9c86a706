#include "queue/keys.hpp"
#include "queue/memory_queue.hpp"
#include "queue/redis_queue.hpp"
#include "tests/support/redis_server.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <future>
#include <tuple>

/// The streams of every queue: messages from any node to all that read them.

namespace {

using namespace std::chrono_literals;
using jobd::ec;
using jobd::queue::job_queue;
using jobd::queue::message;
using jobd::queue::read_place;
using jobd::queue::stream;
using jobd::test::redis_server;

struct redis_backend {
  redis_backend() { std::signal(SIGPIPE, SIG_IGN); }
  std::unique_ptr<job_queue> open() const { return jobd::queue::make_redis_queue({server.url(), 5s}); }
  redis_server server;
};

struct memory_backend {
  std::unique_ptr<job_queue> open() const { return jobd::queue::make_memory_queue(hints); }
  std::shared_ptr<jobd::queue::memory_hints> hints = jobd::queue::make_memory_hints();
};

using backends = std::tuple<redis_backend, memory_backend>;

template <class T>
T must(jobd::expected<T> answer) {
  BOOST_REQUIRE_MESSAGE(answer.has_value(), answer.error().context);
  return std::move(*answer);
}
void must(const jobd::expected<void>& answer) {
  BOOST_REQUIRE_MESSAGE(answer.has_value(), answer.error().context);
}

std::vector<std::string> texts(const std::vector<message>& messages) {
  auto out = std::vector<std::string>{};
  for (const auto& m : messages)
    out.push_back(m.text);
  return out;
}

using list = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_are_read_in_their_order_by_everyone, B, backends) {
  const auto b = B{};
  const auto writer = b.open(), one = b.open(), two = b.open();
  const auto start = must(one->newest(stream::cancels));
  must(writer->publish(stream::cancels, list{"a", "b"}));
  must(writer->publish(stream::cancels, list{"c"}));
  for (const auto* reader : {&one, &two})
    BOOST_TEST(texts(must((*reader)->read(stream::cancels, start, 0ms))) == (list{"a", "b", "c"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reader_goes_on_from_any_message, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  must(q->publish(stream::cancels, list{"a", "b", "c"}));
  const auto all = must(q->read(stream::cancels, "0-0", 0ms));
  BOOST_REQUIRE(all.size() == 3U);
  BOOST_TEST(texts(must(q->read(stream::cancels, all[0].id, 0ms))) == (list{"b", "c"}),
             boost::test_tools::per_element());
  BOOST_TEST(must(q->read(stream::cancels, all[2].id, 0ms)).empty());
  BOOST_TEST(must(q->newest(stream::cancels)) == all[2].id);
  BOOST_TEST((read_place(all[0].id) < read_place(all[1].id)));
  BOOST_TEST((read_place(all[1].id) < read_place(all[2].id)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reader_waits_for_a_message, B, backends) {
  const auto b = B{};
  const auto reader = b.open(), writer = b.open();
  const auto start = must(reader->newest(stream::cancels));
  auto read = std::async(std::launch::async, [&] { return reader->read(stream::cancels, start, 20s); });
  must(writer->publish(stream::cancels, list{"now"}));
  BOOST_REQUIRE((read.wait_for(10s) == std::future_status::ready));
  BOOST_TEST(texts(must(read.get())) == (list{"now"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_within_the_wait_is_an_empty_list, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  BOOST_TEST(must(q->read(stream::cancels, "0-0", 20ms)).empty());
  BOOST_TEST(must(q->newest(stream::cancels)) == "0-0");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(streams_do_not_mix, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  must(q->attend(10s));
  must(q->publish(stream::cancels, list{"cancel"}));
  must(q->publish(stream::events, list{"event"}));
  BOOST_TEST(texts(must(q->read(stream::cancels, "0-0", 0ms))) == (list{"cancel"}),
             boost::test_tools::per_element());
  BOOST_TEST(texts(must(q->read(stream::events, "0-0", 0ms))) == (list{"event"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_pushes_hears_whether_someone_attends, B, backends) {
  const auto b = B{};
  const auto writer = b.open(), reader = b.open();
  BOOST_TEST(!must(writer->push({})));
  must(reader->attend(60s));
  BOOST_TEST(must(writer->push({})));
  BOOST_TEST(must(writer->push(std::vector<jobd::hint>{{1, "default", 5}})));
  must(writer->publish(stream::events, list{"one"}));
  must(writer->publish(stream::events, list{"two"}));
  BOOST_TEST(texts(must(reader->read(stream::events, "0-0", 0ms))) == (list{"one", "two"}),
             boost::test_tools::per_element());
  must(reader->attend(1ms));
  BOOST_TEST(jobd::test::eventually([&] { return !must(writer->push({})); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(old_messages_make_room_for_new_ones, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  for (auto n = 0; n < 30; ++n)
    must(q->publish(stream::cancels, list(1'000, std::to_string(n))));
  auto kept = std::size_t{0};
  auto after = std::string{"0-0"};
  for (auto some = must(q->read(stream::cancels, after, 0ms)); !some.empty();
       some = must(q->read(stream::cancels, after, 0ms))) {
    kept += some.size();
    after = some.back().id;
    BOOST_TEST_REQUIRE(some.size() <= 1'000U);
  }
  BOOST_TEST(kept >= 10'000U);
  BOOST_TEST(kept < 12'000U);
  BOOST_TEST(after == must(q->newest(stream::cancels)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(text_may_hold_any_byte, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  const auto text = std::string{"a\0\r\n$1\xFF", 7};
  must(q->publish(stream::cancels, list{text, ""}));
  BOOST_TEST((texts(must(q->read(stream::cancels, "0-0", 0ms))) == list{text, ""}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(id_that_no_message_can_have_is_refused, B, backends) {
  const auto b = B{};
  const auto q = b.open();
  for (const auto* id : {"", "x", "1", "-", "1-", "-1", "1-x", "1-1-1", "$", "18446744073709551616-1"}) {
    const auto read = q->read(stream::events, id, 0ms);
    BOOST_REQUIRE_MESSAGE(!read.has_value(), id);
    BOOST_TEST((read.error().code == ec::invalid));
  }
  BOOST_TEST(must(q->read(stream::events, "18446744073709551615-18446744073709551615", 0ms)).empty());
}

BOOST_AUTO_TEST_CASE(reader_outlives_a_restart_of_redis) {
  auto server = redis_server{};
  std::signal(SIGPIPE, SIG_IGN);
  const auto q = jobd::queue::make_redis_queue({server.url(), 5s});
  must(q->publish(stream::cancels, list{"before"}));
  const auto start = must(q->newest(stream::cancels));
  server.kill9();
  BOOST_TEST((q->read(stream::cancels, start, 10ms).error().code == ec::queue_away));
  server.start();
  must(q->publish(stream::cancels, list{"after"}));
  BOOST_TEST(texts(must(q->read(stream::cancels, start, 0ms))) == (list{"after"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
