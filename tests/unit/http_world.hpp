#pragma once

#include "actors/system.hpp"
#include "http/server.hpp"
#include "tests/support/http_client.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

/// An HTTP server with a fake job manager behind it.
namespace jobd::test {

/// What the fake has seen.
struct seen {
  std::atomic<int> creates{0};
  std::atomic<int> create_messages{0};
  /// Requests that it has not answered yet.
  std::atomic<int> holding{0};

  std::mutex mutex;
  storage::submission submission;
  storage::page_request page;
  std::chrono::milliseconds wait{-1};
  std::vector<actors::event_subscription> watching;

  template <class T>
  T read(T seen::*part) {
    const auto lock = std::lock_guard{mutex};
    return this->*part;
  }
};

/// A job manager that answers by the job's type and id, and holds some answers until it is told to let go:
/// those about jobs of the type `hold`, and about the job 8. The jobs 5 (success), 7 (created) and 9
/// (running) are there. A stream of the job 5, or of the type `none`, ends at once.
using fake_manager_actor = actors::job_manager_actor::extend<caf::reacts_to<caf::ok_atom>>;

struct http_config : actors::system_config {
  http_config() { http::add_message_types(*this); }
};

/// Listens on a free port.
http::server_options any_port(int threads = 1);

struct http_world {
  explicit http_world(const http::server_options& options = any_port());
  ~http_world();

  [[nodiscard]] std::string url(const std::string& path = "/v1/jobs") const {
    return "http://127.0.0.1:" + std::to_string(server->port()) + path;
  }
  void let_go();
  /// Sends requests that the manager does not answer yet, and waits until it has them.
  std::vector<std::future<http_answer>> hold(int count);
  /// Readers of events that the manager has; waits for so many.
  std::vector<actors::event_subscription> watching(std::size_t count);

  http_config cfg;
  caf::actor_system system{cfg};
  std::shared_ptr<seen> fake = std::make_shared<seen>();
  fake_manager_actor manager;
  http::bridge_parts parts;
  std::unique_ptr<http::http_server> server;
  http_client client;
};

bool contains(const std::string& text, std::string_view part);
/// Checks the form of a failure.
void is_problem(const http_answer& a, int status);
void is_503(const http_answer& a);

} // namespace jobd::test
