#pragma once

#include "core/error.hpp"
#include "http/bridge.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace jobd::http {

struct server_options {
  /// A name or address, IPv4 or IPv6.
  std::string host = "127.0.0.1";
  /// 0: the system chooses one, see `http_server::port`.
  int port = 3000;
  /// Who chose it, for errors.
  std::string port_setting = "HTTP_PORT";
  int threads = 1;
  /// How often a stream of events shows that it is alive.
  std::chrono::milliseconds beat_every{15'000};
  bridge_options bridge;
};

/// Serves HTTP on its own threads.
///
/// - Reads requests, hands them to the bridge, and writes the answers in the order of the requests.
/// - A body or a path over its limit is read off, not kept, and refused; anything that is no HTTP is closed.
/// - Accepts no more connections than it has file descriptors for.
class http_server {
public:
  /// Listens. `ec::invalid` names host and port if it cannot.
  [[nodiscard]] static expected<std::unique_ptr<http_server>>
  start(caf::actor_system& system, bridge_parts parts, const server_options& options);

  ~http_server();

  /// Where it really listens.
  [[nodiscard]] int port() const;

  /// Accepts no more connections and refuses new requests, ends waits and streams, lets other pending
  /// requests be answered for `grace`, answers what is left with 503, and closes all connections. Takes at
  /// most a second more than `grace`. The actor system must still run. Called once, or by the destructor
  /// without grace.
  void stop(std::chrono::milliseconds grace);

private:
  class impl;
  explicit http_server(std::unique_ptr<impl> i);

  std::unique_ptr<impl> impl_;
};

} // namespace jobd::http
