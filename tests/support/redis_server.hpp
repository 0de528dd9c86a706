#pragma once

#include "tests/support/server_process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jobd::test {

/// A private redis-server that keeps nothing on disk, on a port of 127.0.0.1 and a unix socket of its own.
/// Throws `std::runtime_error` if it cannot be started.
class redis_server {
public:
  redis_server();

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string socket() const { return (folder_.path() / "redis.sock").string(); }
  /// `redis://127.0.0.1:port`
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  /// Ends it in good order; what it held is gone.
  void stop();
  void kill9();
  /// Again on the same port and socket.
  void start();
  /// It hangs, and its connections stay open.
  void pause() { process_->pause(); }
  void resume() { process_->resume(); }

  /// What redis-cli answers, errors too, without the end of the line.
  std::string command(const std::vector<std::string>& words) const;
  void flushall() const { command({"FLUSHALL"}); }
  [[nodiscard]] std::int64_t zcard(const std::string& key) const;
  /// A line of INFO.
  [[nodiscard]] std::string info(const std::string& name) const;

private:
  [[nodiscard]] bool try_start();

  temp_folder folder_{"jobd-redis"};
  int port_ = 0;
  std::optional<server_process> process_;
};

} // namespace jobd::test
