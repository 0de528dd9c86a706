// The limit of POST /v1/jobs: jobd's HTTP server in front of a job manager that stores nothing and says 1. It
// prints its port and serves until its standard input ends. ./dev bench builds and runs it; it is no part of
// the product.
#include "actors/errors.hpp"
#include "actors/interfaces.hpp"
#include "actors/system.hpp"
#include "http/gateway.hpp"
#include "http/server.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <iostream>
#include <limits>

namespace {

using namespace jobd;
using namespace jobd::actors;

caf::error none() {
  return to_caf({ec::not_found, ""});
}

job_manager_actor::behavior_type constant(job_manager_actor::pointer) {
  using storage::page_request;
  return {
      [](atom::create, const job_specs& specs) -> caf::result<created_jobs> {
        return created_jobs(specs.size(), created_job{1, false, {}});
      },
      [](atom::submit, const storage::submission& s) -> caf::result<submitted> {
        return submitted(s.jobs.size(), created_job{1, false, {}});
      },
      [](atom::find, job_id) -> caf::result<job> { return none(); },
      [](atom::await, job_id, std::chrono::milliseconds) -> caf::result<job> { return none(); },
      [](atom::list, const page_request&) -> caf::result<storage::job_page> { return none(); },
      [](atom::cancel, job_id) -> caf::result<job> { return none(); },
      [](atom::cancel, const page_request&) -> caf::result<bulk_report> { return none(); },
      [](atom::retry, job_id) -> caf::result<job> { return none(); },
      [](atom::retry, const page_request&) -> caf::result<bulk_report> { return none(); },
      [](atom::history, job_id) -> caf::result<attempt_records> { return none(); },
      [](atom::explain, job_id) -> caf::result<storage::explanation> { return none(); },
      [](atom::queues) -> caf::result<queue_infos> { return none(); },
      [](atom::pause, const std::string&, bool) -> caf::result<storage::queue_info> { return none(); },
      [](atom::workers) -> caf::result<worker_infos> { return none(); },
      [](atom::stats) -> caf::result<all_stats> { return none(); },
      [](atom::watch, const event_subscription&) {},
  };
}

struct config : system_config {
  config() { http::add_message_types(*this); }
};

} // namespace

int main() {
  config cfg;
  caf::actor_system system{cfg};
  const auto manager = system.spawn(constant);
  auto options = http::server_options{};
  options.port = 0;
  auto server = http::http_server::start(system, {manager, {}}, options);
  if (!server) {
    std::cerr << server.error().context << '\n';
    return 1;
  }
  std::cout << (*server)->port() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  server->reset();
  caf::anon_send_exit(manager, caf::exit_reason::user_shutdown);
}
