// Posts jobs to jobd at a rate, each at its time, whether or not the ones before have been answered, and
// prints how many microseconds each took from when it was due: what had to wait for a connection, or for this
// program, counts as slow. wrk knows no rate. ./dev bench builds and runs it; it is no part of the product.
//
// jobd_bench_paced PORT RATE SECONDS FIRST_OBJECT_ID
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

constexpr auto connections = 64;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

int connect_to(int port) {
  const auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto to = sockaddr_in{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    fail("nothing listens on port " + std::to_string(port));
  return fd;
}

void send_job(int fd, long object_id) {
  const auto body = "{\"object_id\":" + std::to_string(object_id) + "}";
  const auto request =
      "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      + std::to_string(body.size()) + "\r\n\r\n" + body;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    fail("a request could not be sent");
}

/// Whether the answer is whole. It is small, and ends with the bracket of its JSON.
bool receive(int fd, std::string& answer) {
  char part[4096];
  const auto size = recv(fd, part, sizeof part, 0);
  if (size <= 0)
    fail("a connection was closed");
  answer.append(part, static_cast<std::size_t>(size));
  const auto head = answer.find("\r\n\r\n");
  if (head == std::string::npos || answer.back() != '}')
    return false;
  if (answer.compare(9, 3, "201") != 0)
    fail(answer);
  answer.clear();
  return true;
}

struct client {
  std::vector<pollfd> sockets;
  std::vector<std::string> answers = std::vector<std::string>(connections);
  std::vector<clock::time_point> due = std::vector<clock::time_point>(connections);
  std::vector<std::size_t> idle;
};

/// Waits until `until`, or until something was answered.
void wait(client& c, clock::time_point until, std::vector<clock::duration>& times) {
  const auto left = std::max(until - clock::now(), clock::duration{0});
  const auto timeout = timespec{left / std::chrono::seconds{1}, (left % std::chrono::seconds{1}).count()};
  if (ppoll(c.sockets.data(), c.sockets.size(), &timeout, nullptr) <= 0)
    return;
  for (auto i = std::size_t{0}; i < c.sockets.size(); ++i)
    if (c.sockets[i].revents != 0 && receive(c.sockets[i].fd, c.answers[i])) {
      times.push_back(clock::now() - c.due[i]);
      c.idle.push_back(i);
    }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    fail("usage: jobd_bench_paced PORT RATE SECONDS FIRST_OBJECT_ID");
  const auto rate = std::atof(argv[2]);
  const auto total = static_cast<std::size_t>(rate * std::atof(argv[3]));
  const auto first = std::atol(argv[4]);
  auto c = client{};
  for (auto i = std::size_t{0}; i < connections; ++i) {
    c.sockets.push_back({connect_to(std::atoi(argv[1])), POLLIN, 0});
    c.idle.push_back(i);
  }
  auto times = std::vector<clock::duration>{};
  times.reserve(total);
  const auto start = clock::now();
  const auto due_of = [&](std::size_t n) {
    return start
           + std::chrono::duration_cast<clock::duration>(
               std::chrono::duration<double>{static_cast<double>(n) / rate});
  };
  auto sent = std::size_t{0};
  while (times.size() < total) {
    for (; sent < total && !c.idle.empty() && due_of(sent) <= clock::now(); ++sent) {
      const auto i = c.idle.back();
      c.idle.pop_back();
      c.due[i] = due_of(sent);
      send_job(c.sockets[i].fd, first + static_cast<long>(sent));
    }
    const auto none_due = sent == total || c.idle.empty();
    wait(c, none_due ? clock::now() + std::chrono::seconds{1} : due_of(sent), times);
  }
  for (const auto t : times)
    std::printf("%.0f\n", std::chrono::duration<double, std::micro>{t}.count());
}
