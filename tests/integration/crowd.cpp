#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <fstream>
#include <memory>

/// Many connections that want nothing good.

using namespace jobd::test;

namespace {

/// In a sanitized process what is freed is kept for a while.
const auto memory_counts = std::getenv("JOBD_SANITIZED") == nullptr;

constexpr auto mib = std::size_t{1} << 20;

/// As many file descriptors as this process may have.
std::size_t raise_limit() {
  auto limit = rlimit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

struct crowd_cluster : cluster {
  using connections = std::vector<std::unique_ptr<raw_connection>>;

  /// The API may have as many descriptors as this process, and keeps some for itself.
  crowd_cluster() : most(std::min<std::size_t>(10'000, raise_limit() / 2)) { (void)api(); }

  [[nodiscard]] std::size_t memory() { return memory(api()); }
  [[nodiscard]] static std::size_t memory(const jobd_process& of) {
    auto file = std::ifstream{"/proc/" + std::to_string(of.pid()) + "/statm"};
    auto pages = std::size_t{};
    file >> pages >> pages;
    return pages * 4096;
  }

  /// Each sends `text`.
  void come(std::size_t count, const std::string& text) { come(api(), count, text); }
  void come(jobd_process& to, std::size_t count, const std::string& text) {
    for (auto i = std::size_t{0}; i < count; ++i) {
      crowd.push_back(std::make_unique<raw_connection>(to.port()));
      crowd.back()->send(text);
    }
  }

  /// Others are served as ever.
  void check_service() {
    auto other = http_client{};
    for (auto i = 0; i < 20; ++i) {
      const auto start = steady::now();
      const auto got =
          other.post(api().url("/v1/jobs"), "{\"object_id\": " + std::to_string(++objects) + "}");
      BOOST_TEST(got.status == 201, got.error << got.body);
      BOOST_TEST((steady::now() - start < 2s));
    }
  }

  const std::size_t most;
  connections crowd;
  int objects = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(crowd, crowd_cluster)

BOOST_AUTO_TEST_CASE(ten_thousand_idle_connections_do_not_stop_others) {
  const auto before = memory();
  come(most, "");
  check_service();
  BOOST_TEST_MESSAGE(most << " connections take " << (memory() - before) / most << " bytes each");
  BOOST_TEST((!memory_counts || memory() - before < most * 32'768));
}

BOOST_AUTO_TEST_CASE(half_sent_heads_do_not_stop_others) {
  come(most / 2, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX: ");
  check_service();
}

BOOST_AUTO_TEST_CASE(half_sent_bodies_do_not_stop_others_and_take_bounded_memory) {
  const auto head =
      std::string{"POST /v1/jobs/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: 33554432\r\n\r\n"};
  const auto before = memory();
  // 600 MiB, of which there is room for 256.
  for (auto i = 0; i < 6; ++i) {
    come(100, head + std::string(mib, ' '));
    check_service();
  }
  BOOST_TEST_MESSAGE("the bodies take " << (memory() - before) / mib << " MiB");
  BOOST_TEST((!memory_counts || memory() - before < 400 * mib));
  auto refused = 0;
  for (auto& raw : crowd)
    refused += raw->read_until("}", 5ms).starts_with("HTTP/1.1 503 ") ? 1 : 0;
  BOOST_TEST(refused > 300);
}

BOOST_AUTO_TEST_CASE(connections_that_come_and_go_leave_no_memory_behind) {
  const auto round = [&] {
    come(1'000, "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n");
    come(1'000, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto& raw : crowd)
      raw->read_until("}");
    crowd.clear();
  };
  round();
  round();
  const auto before = memory();
  for (auto i = 0; i < 5; ++i)
    round();
  check_service();
  BOOST_TEST((!memory_counts || memory() < before + 16 * mib));
}

BOOST_AUTO_TEST_CASE(memory_is_flat_under_ten_times_the_requests_that_may_wait) {
  auto& small = start_api({{"HTTP_PENDING", "100"}});
  const auto body = R"({"object_id": 1, "payload": ")" + std::string(10'000, 'x') + "\"}";
  const auto request =
      "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      + std::to_string(body.size()) + "\r\n\r\n" + body;
  // Whether all but those that may wait are refused, while nobody gets at the jobs.
  const auto locked = lock_jobs_for(3s);
  const auto is_locked = [&] { return locked.wait_for(0s) != std::future_status::ready; };
  const auto are_refused = [&] {
    come(small, 1'000, request);
    return eventually([&] {
      std::erase_if(crowd, [](const auto& raw) {
        const auto text = raw->read_until("}", 2ms);
        return text.starts_with("HTTP/1.1 503 ") && text.find("Retry-After: ") != std::string::npos;
      });
      return crowd.size() <= 100 || !is_locked();
    });
  };
  BOOST_TEST(are_refused());
  BOOST_TEST_REQUIRE(is_locked());
  const auto before = memory(small);
  for (auto round = 0; round < 9 && is_locked(); ++round)
    BOOST_TEST(are_refused());
  BOOST_TEST((!memory_counts || memory(small) < before + 8 * mib));
  locked.wait();
  BOOST_TEST(eventually([&] { return post_job(small, R"({"object_id": 2})").status == 201; }));
}

BOOST_AUTO_TEST_SUITE_END()
