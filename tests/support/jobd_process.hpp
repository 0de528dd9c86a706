#pragma once

#include "tests/support/server_process.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobd::test {

/// Environment variables.
using settings = std::map<std::string, std::string>;

/// A real `jobd` in a clean environment, with what it says in a file. It is killed with the test: start it
/// from the test's main thread.
class jobd_process {
public:
  struct options {
    std::filesystem::path program;
    /// The command and its flags: `{"api"}`.
    std::vector<std::string> arguments;
    /// PATH, HOME and LANG are there; of this process's own environment only what steers sanitizers.
    settings environment;
    std::filesystem::path log;
  };

  explicit jobd_process(const options& o);

  /// The command, for people.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] bool running() { return process_.running(); }

  /// Waits for the end: the exit code, or minus the signal that ended it; nothing if it still runs after the
  /// limit.
  std::optional<int> exit_code(std::chrono::milliseconds limit = 30s);
  /// SIGTERM to the process alone, as a supervisor does; then as `exit_code`.
  std::optional<int> terminate(std::chrono::milliseconds limit = 30s);
  /// To the process alone: SIGSTOP, SIGCONT, SIGTERM …
  void signal(int sig) { process_.signal(sig); }
  /// SIGKILL to the process alone: what becomes of its children is for others to see to.
  void kill9();

  /// Everything that it has written to stdout and stderr.
  [[nodiscard]] std::string log() const;
  /// Waits until the log holds `text`. False if it does not within the limit, or the process ends without it.
  [[nodiscard]] bool says(std::string_view text, std::chrono::milliseconds limit = 15s);

  /// Where an API listens; waits for it. Throws `std::runtime_error` if it does not come to that.
  [[nodiscard]] int port();
  /// `http://127.0.0.1:port` and `path`.
  [[nodiscard]] std::string url(const std::string& path = {});

  /// True while the process runs, and when its end was asked for or waited for.
  [[nodiscard]] bool is_as_expected() { return end_expected_ || running(); }

private:
  std::string name_;
  std::filesystem::path log_;
  int port_ = 0;
  bool end_expected_ = false;
  server_process process_;
};

} // namespace jobd::test
