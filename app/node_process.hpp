#pragma once

#include "actors/interfaces.hpp"
#include "actors/system.hpp"
#include "app/backends.hpp"
#include "app/termination.hpp"
#include "execution/executor.hpp"
#include "execution/registry.hpp"
#include "http/server.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace jobd::app {

/// Everything that runs in one process, and the order of its end: the upkeep that each node does, and HTTP,
/// or a worker pool, or both.
class node_process {
public:
  node_process(const config& settings, backends outside, termination& end);
  ~node_process();
  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  /// Listens. False, and the end is requested, if it cannot.
  [[nodiscard]] bool serve();
  /// Listens for those who look after this process, if there is a port for it. False as above.
  [[nodiscard]] bool serve_metrics();
  /// Runs jobs by these handlers.
  void work(const std::shared_ptr<execution::registry>& handlers);
  /// Joins the other nodes, stays until the end is asked for, and leaves in order.
  void stay();

private:
  struct system_config : actors::system_config {
    system_config() { http::add_message_types(*this); }
  };

  /// Spawned parts end in the reverse order, before the actor system does.
  template <class Actor>
  const Actor& keep(const Actor& part) {
    parts_.push_back(caf::actor_cast<caf::actor>(part));
    return part;
  }
  [[nodiscard]] bool listen(std::unique_ptr<http::http_server>& by, http::bridge_parts parts,
                            const http::server_options& options);
  [[nodiscard]] http::tokens_ptr load_tokens() const;
  [[nodiscard]] http::tls_ptr load_tls() const;
  void stop();

  const config& settings_;
  const backends outside_;
  termination& end_;
  std::shared_ptr<execution::executor> executor_;
  system_config messages_;
  caf::actor_system system_{messages_};
  caf::scoped_actor self_{system_};
  std::vector<caf::actor> parts_;

  actors::storage_actor storage_;
  actors::queue_actor queue_;
  actors::promoter_actor promoter_;
  actors::expirer_actor expirer_;
  actors::rescuer_actor rescuer_;
  actors::inspector_actor inspector_;
  /// What the worker pool has handlers for.
  std::vector<std::string> types_;
  std::optional<actors::worker_pool_actor> pool_;
  std::unique_ptr<http::http_server> server_;
  /// Of a worker. It serves until the process ends, for that is when one looks.
  std::unique_ptr<http::http_server> metrics_server_;
};

} // namespace jobd::app
