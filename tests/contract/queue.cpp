#include "queue/job_queue.hpp"

#include "queue/keys.hpp"
#include "queue/memory_queue.hpp"
#include "queue/redis_queue.hpp"
#include "tests/support/redis_server.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <memory>
#include <thread>
#include <tuple>

namespace {

using namespace std::chrono_literals;
using jobd::ec;
using jobd::hint;
using jobd::queue::job_queue;
using jobd::test::eventually;
using jobd::test::redis_server;

using clock_type = std::chrono::steady_clock;

/// Whatever else runs on the machine: so much may a deadline be missed by.
constexpr auto slack = 1'500ms;
const auto default_queue = std::vector<std::string>{"default"};

/// A queue under test: every `open` is another connection to the same hints.
struct redis_backend {
  redis_backend() { std::signal(SIGPIPE, SIG_IGN); }
  std::unique_ptr<job_queue> open(std::chrono::milliseconds deadline = 5s) const {
    return jobd::queue::make_redis_queue({server.url(), deadline});
  }
  redis_server server;
};

struct memory_backend {
  std::unique_ptr<job_queue> open() const { return jobd::queue::make_memory_queue(hints); }
  std::shared_ptr<jobd::queue::memory_hints> hints = jobd::queue::make_memory_hints();
};

using backends = std::tuple<redis_backend, memory_backend>;

std::vector<jobd::job_id> ids(const jobd::expected<std::vector<hint>>& popped) {
  BOOST_REQUIRE_MESSAGE(popped.has_value(), popped.error().context);
  auto out = std::vector<jobd::job_id>{};
  for (const auto& h : *popped)
    out.push_back(h.id);
  return out;
}

std::vector<jobd::job_id> pop_ids(job_queue& q, int most = 100) {
  return ids(q.pop(default_queue, most, 0ms));
}

void push(job_queue& q, const std::vector<hint>& hints) {
  const auto done = q.push(hints);
  BOOST_REQUIRE_MESSAGE(done.has_value(), done.error().context);
}

template <class T>
void check_away(const jobd::expected<T>& answer, const std::string& context = {}) {
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST((answer.error().code == ec::queue_away));
  BOOST_TEST(answer.error().context.find(context) != std::string::npos,
             "\"" << answer.error().context << "\" does not hold \"" << context << "\"");
}

/// How long `call` took.
template <class Call>
std::chrono::milliseconds time_of(Call call) {
  const auto start = clock_type::now();
  call();
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_type::now() - start);
}

/// A port of 127.0.0.1 that says the same to everyone who comes.
class fixed_answer {
public:
  explicit fixed_answer(std::string text, int backlog = 8) : text_(std::move(text)) {
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
    listen(fd_, backlog);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~fixed_answer() {
    shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable())
      thread_.join();
    close(fd_);
  }
  void serve() {
    thread_ = std::thread{[this] {
      for (int client; (client = accept(fd_, nullptr, nullptr)) >= 0; close(client)) {
        char request[4096];
        if (read(client, request, sizeof request) > 0)
          (void)!write(client, text_.data(), text_.size());
      }
    }};
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

private:
  std::string text_;
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
  std::thread thread_;
};

/// What a Redis with one text as its answer makes of a pop.
jobd::expected<std::vector<hint>> pop_answered_with(const std::string& text) {
  auto server = fixed_answer{text};
  server.serve();
  return jobd::queue::make_redis_queue({server.url(), 2s})->pop(default_queue, 10, 0ms);
}

} // namespace

BOOST_AUTO_TEST_SUITE(queue)

// What every queue does.

BOOST_AUTO_TEST_CASE_TEMPLATE(hints_come_back_by_priority_then_first_in_first_out, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  push(*q, {{7, "default", 5}, {3, "default", 5}, {9, "default", 0}, {1, "default", 9}, {20, "default", 5}});
  BOOST_TEST(pop_ids(*q) == (std::vector<jobd::job_id>{9, 3, 7, 20, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hint_comes_back_as_it_was_written, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  for (auto priority = 0; priority <= 9; ++priority) {
    const auto written = hint{(jobd::job_id{1} << 47) - priority, "mail", priority};
    push(*q, {written});
    const auto popped = q->pop(std::vector<std::string>{"mail"}, 1, 0ms);
    BOOST_REQUIRE(popped.has_value());
    BOOST_REQUIRE(popped->size() == 1);
    BOOST_TEST((popped->front() == written));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(order_is_exact_up_to_two_to_the_47, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  constexpr auto top = jobd::job_id{1} << 47;
  push(*q, {{top, "default", 8},
            {top - 1, "default", 8},
            {top - 2, "default", 8},
            {1, "default", 9},
            {2, "default", 8},
            {top - 1, "default", 9},
            {top - 3, "default", 0}});
  // The id that is pushed twice keeps what was pushed last.
  BOOST_TEST(pop_ids(*q) == (std::vector<jobd::job_id>{top - 3, 2, top - 2, top, 1, top - 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hint_written_twice_comes_back_once, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  push(*q, {{4, "default", 5}, {4, "default", 5}});
  push(*q, {{4, "default", 5}});
  BOOST_TEST(q->size("default").value() == 1);
  BOOST_TEST(pop_ids(*q).size() == 1U);
  BOOST_TEST(pop_ids(*q).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pop_takes_at_most_what_it_asked_for, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  push(*q, {{1, "default", 5}, {2, "default", 5}, {3, "default", 5}});
  BOOST_TEST(pop_ids(*q, 2) == (std::vector<jobd::job_id>{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(q->size("default").value() == 1);
  BOOST_TEST(ids(q->pop(default_queue, 0, 0ms)).empty());
  BOOST_TEST(pop_ids(*q, 2) == std::vector<jobd::job_id>{3}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_queue_that_has_any_is_served, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  push(*q, {{1, "low", 0}, {2, "high", 9}, {3, "unserved", 0}});
  const auto order = std::vector<std::string>{"empty", "high", "low"};
  BOOST_TEST(ids(q->pop(order, 10, 0ms)) == std::vector<jobd::job_id>{2}, boost::test_tools::per_element());
  BOOST_TEST(ids(q->pop(order, 10, 100ms)) == std::vector<jobd::job_id>{1}, boost::test_tools::per_element());
  BOOST_TEST(ids(q->pop(order, 10, 0ms)).empty());
  BOOST_TEST(q->size("unserved").value() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ten_thousand_hints_of_many_queues_are_pushed_at_once, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  auto hints = std::vector<hint>{};
  for (auto id = jobd::job_id{1}; id <= 10'000; ++id)
    hints.push_back({id, id % 4 == 0 ? "mail" : "default", static_cast<int>(id % 10)});
  push(*q, hints);
  BOOST_TEST(q->size("default").value() == 7'500);
  BOOST_TEST(q->size("mail").value() == 2'500);
  BOOST_TEST(ids(q->pop(default_queue, 10'000, 0ms)).size() == 7'500U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pushing_nothing_changes_nothing, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  push(*q, {});
  BOOST_TEST(q->size("default").value() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_for_nothing_ends_in_time_with_an_empty_list, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  const auto took = time_of([&] { BOOST_TEST(ids(q->pop(default_queue, 1, 300ms)).empty()); });
  BOOST_TEST((took >= 290ms && took < 300ms + slack), "it took " << took.count() << " ms");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_wait_for_nothing_returns_at_once, Backend, backends) {
  const auto backend = Backend{};
  const auto q = backend.open();
  const auto took = time_of([&] { BOOST_TEST(pop_ids(*q).empty()); });
  BOOST_TEST((took < slack), "it took " << took.count() << " ms");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_push_of_another_connection_wakes_a_waiting_pop, Backend, backends) {
  const auto backend = Backend{};
  const auto waiting = backend.open();
  const auto pushing = backend.open();
  for (auto id = jobd::job_id{1}; id <= 20; ++id) {
    auto popped = std::async(std::launch::async, [&] { return waiting->pop(default_queue, 10, 60s); });
    push(*pushing, {{id, "default", 5}});
    BOOST_REQUIRE((popped.wait_for(10s) == std::future_status::ready));
    BOOST_TEST(ids(popped.get()) == std::vector<jobd::job_id>{id}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hint_goes_to_one_of_several_that_wait, Backend, backends) {
  const auto backend = Backend{};
  const auto first = backend.open();
  const auto second = backend.open();
  auto one = std::async(std::launch::async, [&] { return first->pop(default_queue, 10, 500ms); });
  auto other = std::async(std::launch::async, [&] { return second->pop(default_queue, 10, 500ms); });
  push(*backend.open(), {{1, "default", 5}});
  BOOST_TEST(ids(one.get()).size() + ids(other.get()).size() == 1U);
}

// What the queue in memory adds: it is bounded, since nobody else's memory is at stake.

BOOST_FIXTURE_TEST_CASE(memory_keeps_the_first_hundred_thousand_hints, memory_backend) {
  const auto q = open();
  auto many = std::vector<hint>{};
  for (auto id = jobd::job_id{1}; id <= 100'001; ++id)
    many.push_back({id, "default", 5});
  push(*q, many);
  push(*q, {{200'000, "default", 0}, {200'001, "default", 9}});
  BOOST_TEST(q->size("default").value() == 100'000);
  const auto popped = pop_ids(*q, 1'000'000);
  BOOST_REQUIRE(popped.size() == 100'000U);
  BOOST_TEST(popped.front() == 200'000);
  BOOST_TEST(popped.back() == 99'999);
}

// What Redis adds: it can be away, half there, or unwilling.

BOOST_FIXTURE_TEST_CASE(redis_wakes_a_pop_that_is_known_to_wait, redis_backend) {
  const auto waiting = open();
  const auto pushing = open();
  push(*pushing, {});
  auto popped = std::async(std::launch::async, [&] {
    auto answer = waiting->pop(default_queue, 10, 60s);
    return std::pair{ids(answer), clock_type::now()};
  });
  BOOST_REQUIRE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  const auto pushed_at = clock_type::now();
  push(*pushing, {{1, "default", 5}});
  BOOST_REQUIRE((popped.wait_for(10s) == std::future_status::ready));
  const auto [found, popped_at] = popped.get();
  BOOST_TEST(found.size() == 1U);
  BOOST_TEST((popped_at - pushed_at < slack));
}

BOOST_FIXTURE_TEST_CASE(redis_holds_an_exact_integer_score_under_the_key_of_keys_hpp, redis_backend) {
  const auto q = open();
  push(*q, {{(jobd::job_id{1} << 47) + 1, "mail", 9}});
  BOOST_TEST(server.command({"ZRANGE", "jobd:{mail}:ready", "0", "-1", "WITHSCORES"})
             == "140737488355329\n2674012278751233");
}

BOOST_FIXTURE_TEST_CASE(redis_killed_is_away_and_the_same_queue_works_when_it_is_back, redis_backend) {
  const auto q = open();
  push(*q, {{1, "default", 5}});
  server.kill9();
  check_away(q->push(std::vector<hint>{{2, "default", 5}}));
  check_away(q->push(std::vector<hint>{{2, "default", 5}}), "Connection refused");
  check_away(q->pop(default_queue, 1, 0ms));
  check_away(q->size("default"));
  server.start();
  push(*q, {{3, "default", 5}});
  BOOST_TEST(pop_ids(*q) == std::vector<jobd::job_id>{3}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(redis_restarted_between_two_calls_costs_one_error_at_most, redis_backend) {
  const auto q = open();
  push(*q, {{1, "default", 5}});
  server.stop();
  server.start();
  check_away(q->size("default"));
  BOOST_TEST(q->size("default").value() == 0);
}

BOOST_FIXTURE_TEST_CASE(redis_killed_ends_a_waiting_pop_at_once, redis_backend) {
  const auto q = open();
  auto popped = std::async(std::launch::async, [&] { return q->pop(default_queue, 1, 60s); });
  BOOST_REQUIRE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  server.kill9();
  BOOST_REQUIRE((popped.wait_for(10s) == std::future_status::ready));
  check_away(popped.get());
}

BOOST_FIXTURE_TEST_CASE(redis_hanging_is_away_within_the_deadline, redis_backend) {
  const auto q = open(300ms);
  push(*q, {{1, "default", 5}});
  server.pause();
  auto took = time_of([&] {
    check_away(q->push(std::vector<hint>{{2, "default", 5}}), "within the deadline");
  });
  BOOST_TEST((took >= 290ms && took < 300ms + slack), "the push took " << took.count() << " ms");
  // The next call has to connect: the kernel accepts for a process that hangs.
  took = time_of([&] { check_away(q->pop(default_queue, 1, 200ms), "within the deadline"); });
  BOOST_TEST((took >= 490ms && took < 500ms + slack), "the pop took " << took.count() << " ms");
  server.resume();
  BOOST_TEST(eventually([&] { return q->size("default").has_value(); }));
}

BOOST_FIXTURE_TEST_CASE(redis_hanging_in_the_middle_of_a_large_push_is_away_within_the_deadline,
                        redis_backend) {
  const auto q = open(300ms);
  push(*q, {{1, "default", 5}});
  server.pause();
  auto hints = std::vector<hint>{};
  for (auto id = jobd::job_id{1}; id <= 300'000; ++id)
    hints.push_back({id, "default", 5});
  auto took = time_of([&] { check_away(q->push(hints), "within the deadline"); });
  BOOST_TEST((took < 300ms + 2 * slack), "the push took " << took.count() << " ms");
  server.resume();
}

BOOST_AUTO_TEST_CASE(redis_that_accepts_no_connection_is_away_within_the_deadline) {
  std::signal(SIGPIPE, SIG_IGN);
  auto server = fixed_answer{"", 0};
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
  // They fill its backlog: whoever comes next gets no answer to its SYN.
  auto clients = std::vector<int>{};
  for (auto i = 0; i < 4; ++i) {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)!connect(clients.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const auto q = jobd::queue::make_redis_queue({server.url(), 300ms});
  const auto took = time_of([&] { check_away(q->pop(default_queue, 1, 10s), "within the deadline"); });
  BOOST_TEST((took >= 290ms && took < 300ms + slack), "the pop took " << took.count() << " ms");
  for (const auto client : clients)
    close(client);
}

BOOST_FIXTURE_TEST_CASE(redis_wiped_is_an_empty_queue_and_takes_hints_again, redis_backend) {
  const auto q = open();
  push(*q, {{1, "default", 5}});
  server.flushall();
  BOOST_TEST(pop_ids(*q).empty());
  push(*q, {{1, "default", 5}});
  BOOST_TEST(server.zcard(jobd::queue::keys::ready("default")) == 1);
}

BOOST_FIXTURE_TEST_CASE(redis_as_a_read_only_replica_is_away, redis_backend) {
  const auto q = open();
  server.command({"REPLICAOF", "127.0.0.1", "1"});
  check_away(q->push(std::vector<hint>{{1, "default", 5}}), "READONLY");
  check_away(q->pop(default_queue, 1, 0ms), "READONLY");
  check_away(q->pop(default_queue, 1, 100ms), "READONLY");
  server.command({"REPLICAOF", "NO", "ONE"});
  push(*q, {{1, "default", 5}});
}

BOOST_FIXTURE_TEST_CASE(redis_turned_replica_ends_a_waiting_pop, redis_backend) {
  const auto q = open();
  auto popped = std::async(std::launch::async, [&] { return q->pop(default_queue, 1, 60s); });
  BOOST_REQUIRE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  server.command({"REPLICAOF", "127.0.0.1", "1"});
  BOOST_REQUIRE((popped.wait_for(10s) == std::future_status::ready));
  check_away(popped.get(), "UNBLOCKED");
}

BOOST_FIXTURE_TEST_CASE(redis_out_of_memory_is_away, redis_backend) {
  const auto q = open();
  server.command({"CONFIG", "SET", "maxmemory", "1"});
  check_away(q->push(std::vector<hint>{{1, "default", 5}}), "OOM");
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  push(*q, {{1, "default", 5}});
}

BOOST_FIXTURE_TEST_CASE(redis_with_another_type_under_the_key_is_away, redis_backend) {
  const auto q = open();
  server.command({"SET", jobd::queue::keys::ready("default"), "text"});
  check_away(q->push(std::vector<hint>{{1, "default", 5}}), "WRONGTYPE");
  check_away(q->pop(default_queue, 1, 0ms), "WRONGTYPE");
  check_away(q->size("default"), "WRONGTYPE");
  server.command({"DEL", jobd::queue::keys::ready("default")});
  push(*q, {{1, "default", 5}});
}

BOOST_FIXTURE_TEST_CASE(redis_entries_that_are_no_jobs_are_skipped, redis_backend) {
  const auto q = open();
  push(*q, {{1, "default", 5}, {2, "default", 5}});
  server.command({"ZADD",  jobd::queue::keys::ready("default"),
                  "0",     "text",
                  "1",     "0",
                  "2",     "-7",
                  "3",     "12x",
                  "4",     "99999999999999999999",
                  "5",     "",
                  "-1",    "100",
                  "1e300", "101",
                  "inf",   "102",
                  "-inf",  "103"});
  BOOST_TEST(pop_ids(*q) == (std::vector<jobd::job_id>{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(q->size("default").value() == 0);
}

BOOST_FIXTURE_TEST_CASE(redis_is_entered_with_a_password, redis_backend) {
  server.command({"CONFIG", "SET", "requirepass", "s3cret/@:"});
  const auto at = "@127.0.0.1:" + std::to_string(server.port());
  check_away(open()->size("default"), "NOAUTH");
  const auto wrong = jobd::queue::make_redis_queue({"redis://:wr0ng" + at})->size("default");
  check_away(wrong, "WRONGPASS");
  BOOST_TEST(wrong.error().context.find("wr0ng") == std::string::npos);
  BOOST_TEST(jobd::queue::make_redis_queue({"redis://:s3cret%2F%40%3a" + at})->size("default").has_value());
  BOOST_TEST(
      jobd::queue::make_redis_queue({"redis://default:s3cret%2F%40:" + at})->size("default").has_value());
}

BOOST_FIXTURE_TEST_CASE(redis_is_entered_as_a_user, redis_backend) {
  server.command({"ACL", "SETUSER", "work@er", "on", ">pass", "~jobd:*", "+@all"});
  const auto at = "@127.0.0.1:" + std::to_string(server.port());
  const auto q = jobd::queue::make_redis_queue({"redis://work%40er:pass" + at});
  push(*q, {{1, "default", 5}});
  check_away(jobd::queue::make_redis_queue({"redis://other:pass" + at})->size("default"), "WRONGPASS");
}

BOOST_FIXTURE_TEST_CASE(redis_database_of_the_url_is_used_again_after_a_reconnect, redis_backend) {
  const auto q = jobd::queue::make_redis_queue({server.url() + "/3"});
  push(*q, {{1, "default", 5}});
  BOOST_TEST(server.command({"-n", "3", "ZCARD", jobd::queue::keys::ready("default")}) == "1");
  BOOST_TEST(server.zcard(jobd::queue::keys::ready("default")) == 0);
  server.command({"CLIENT", "KILL", "TYPE", "normal"});
  check_away(q->size("default"));
  BOOST_TEST(q->size("default").value() == 1);
  check_away(jobd::queue::make_redis_queue({server.url() + "/99"})->size("default"), "DB index");
}

BOOST_FIXTURE_TEST_CASE(redis_is_reached_over_a_unix_socket, redis_backend) {
  const auto q = jobd::queue::make_redis_queue({"unix://" + server.socket() + "?db=2"});
  push(*q, {{1, "default", 5}});
  BOOST_TEST(server.command({"-n", "2", "ZCARD", jobd::queue::keys::ready("default")}) == "1");
  server.kill9();
  check_away(q->size("default"));
  check_away(jobd::queue::make_redis_queue({"unix:///nowhere/redis.sock"})->size("default"), "No such file");
}

BOOST_FIXTURE_TEST_CASE(redis_by_name_is_found, redis_backend) {
  const auto q = jobd::queue::make_redis_queue({"redis://localhost:" + std::to_string(server.port())});
  BOOST_TEST(q->size("default").has_value());
  check_away(jobd::queue::make_redis_queue({"redis://no-such-host.invalid"})->size("default"));
}

BOOST_AUTO_TEST_CASE(answers_that_make_no_sense_are_away) {
  std::signal(SIGPIPE, SIG_IGN);
  check_away(pop_answered_with("HTTP/1.1 400 Bad Request\r\n\r\n"), "Protocol error");
  check_away(pop_answered_with("-LOADING Redis is loading the dataset in memory\r\n"), "LOADING");
  check_away(pop_answered_with("-MASTERDOWN Link with MASTER is down\r\n"), "MASTERDOWN");
  check_away(pop_answered_with(""));
  check_away(pop_answered_with("*2\r\n$3\r\nab"));
  check_away(pop_answered_with("+OK\r\n"), "another form");
  check_away(pop_answered_with("*2\r\n$20\r\njobd:{default}:ready\r\n$1\r\n1\r\n"), "another form");
  check_away(pop_answered_with("*2\r\n$20\r\njobd:{default}:ready\r\n*1\r\n*1\r\n$1\r\n1\r\n"),
             "another form");
  check_away(pop_answered_with("*2\r\n$20\r\njobd:{default}:ready\r\n*1\r\n*2\r\n$1\r\n1\r\n:1\r\n"),
             "another form");
  check_away(pop_answered_with("*2\r\n$1\r\nx\r\n*0\r\n"), "not asked for");
  BOOST_TEST(ids(pop_answered_with("*-1\r\n")).empty());
  BOOST_TEST(
      ids(pop_answered_with("*2\r\n$20\r\njobd:{default}:ready\r\n*1\r\n*2\r\n$1\r\n8\r\n$1\r\n8\r\n")).size()
      == 1U);
}

BOOST_AUTO_TEST_CASE(urls_that_redis_can_be_reached_by_are_accepted) {
  for (const auto* url :
       {"redis://localhost", "redis://127.0.0.1:6379", "redis://h:1/", "redis://h/15", "redis://:p@h",
        "redis://u:p@h:6379/0", "redis://u:p%40%2f@[::1]:6379/1", "redis://[::1]", "unix:///run/redis.sock",
        "unix:///run/redis.sock?db=3", "unix://u:p@/run/r%20s?db=0"}) {
    const auto done = jobd::queue::check_redis_url(url);
    BOOST_TEST(done.has_value(), url << ": " << (done ? "" : done.error().context));
  }
}

BOOST_AUTO_TEST_CASE(other_urls_are_refused_without_repeating_them) {
  for (const auto* url : {"",
                          "localhost",
                          "localhost:6379",
                          "http://h",
                          "rediss://h",
                          "redis://",
                          "redis://:6379",
                          "redis://h:0",
                          "redis://h:65536",
                          "redis://h:x",
                          "redis://h:6379x",
                          "redis://h/x",
                          "redis://h/-1",
                          "redis://h/1/2",
                          "redis://secret@h",
                          "redis://secret:@h",
                          "redis://:sec%ret@h",
                          "redis://:secret%0@h",
                          "redis://:secret%00@h",
                          "redis://[::1]6379",
                          "redis://h?db=1",
                          "unix://",
                          "unix:///",
                          "unix://host/path",
                          "unix:///p?db=x",
                          "unix:///p?x=1",
                          "unix:///p%zz"}) {
    const auto done = jobd::queue::check_redis_url(url);
    BOOST_REQUIRE_MESSAGE(!done.has_value(), url << " was accepted");
    BOOST_TEST((done.error().code == ec::invalid));
    BOOST_TEST(done.error().context.find("secret") == std::string::npos);
    check_away(jobd::queue::make_redis_queue({url})->size("default"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
