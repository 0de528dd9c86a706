#pragma once

#include "core/error.hpp"
#include "http/bridge.hpp"
#include "http/tls.hpp"

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
  /// 1: the thread of the actors, unless it serves another server.
  int threads = 1;
  /// How often a stream of events shows that it is alive.
  std::chrono::milliseconds beat_every{15'000};
  /// How long a client may take to send a head, and a whole request; it may keep a connection without one for
  /// as long.
  std::chrono::milliseconds head_within{10'000};
  std::chrono::milliseconds request_within{60'000};
  /// How long a client may take to receive an answer, or the next part of a stream.
  std::chrono::milliseconds answer_taken_within{30'000};
  /// Bytes of all bodies that are being received, but for the first 16 KiB of each. More of them get 503.
  std::size_t max_receiving_bytes = 256 << 20;
  tls_ptr tls;
  bridge_options bridge;
};

/// Serves HTTP, on the thread of the actors or on some of its own.
///
/// - Reads requests, hands them to the bridge, and writes the answers in the order of the requests.
/// - A body or a path over its limit is read off, not kept, and refused. What is no HTTP, or not clearly so,
///   is refused and its connection closed.
/// - Accepts no more connections than it has file descriptors for, and ends those of clients that are too
///   slow.
class http_server {
public:
  /// Listens. `ec::invalid` names host and port if it cannot.
  [[nodiscard]] static expected<std::unique_ptr<http_server>>
  start(caf::actor_system& system, bridge_parts parts, const server_options& options);

  ~http_server();

  /// Where it really listens.
  [[nodiscard]] int port() const;
  /// Whether only this machine can reach it.
  [[nodiscard]] bool on_loopback() const;

  /// From now on requests need one of these tokens. Thread-safe.
  void require(tokens_ptr tokens);
  /// Connections that begin from now on have this identity. Thread-safe.
  void secure(tls_ptr tls);

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
