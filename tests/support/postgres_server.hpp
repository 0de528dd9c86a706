#pragma once

#include "tests/support/server_process.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobd::test {

/// A private PostgreSQL cluster on a port of 127.0.0.1 and a unix socket of its own. As root it runs as the
/// user `postgres`. It does not sync to disk, so it survives `kill9` but no power cut. Throws
/// `std::runtime_error` if it cannot be started. Start it from the test's main thread.
class postgres_server {
public:
  postgres_server();

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  /// The same by the unix socket.
  [[nodiscard]] std::string socket_url(const std::string& database = "postgres") const;

  /// A new database, a copy of `from`, which nobody may be connected to; its name.
  std::string create_database(const std::string& from = "template1");
  /// The rows of the last statement; null is an empty text. Throws `std::runtime_error` with the server's
  /// message.
  std::vector<std::vector<std::string>> query(const std::string& database, const std::string& sql) const;
  /// The first field of the first row.
  std::string value(const std::string& database, const std::string& sql) const;

  enum class how {
    /// Rolls back what is open and ends in good order.
    fast,
    /// As after a crash, but the postmaster ends its children.
    immediate,
  };
  void stop(how h = how::fast);
  void kill9();
  /// Again on the same port, with the same data.
  void start();
  /// It hangs, and its connections stay open.
  void pause() { process_->pause(); }
  void resume() { process_->resume(); }

private:
  [[nodiscard]] bool try_start();
  [[nodiscard]] bool accepts_connections() const;
  [[nodiscard]] std::string log_text() const;

  temp_folder folder_{"jobd-postgres"};
  int port_ = 0;
  int databases_ = 0;
  std::optional<server_process> process_;
};

} // namespace jobd::test
