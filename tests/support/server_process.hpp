#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Private servers for tests: started on a port and in a folder of their own, gone with the test, however it
/// ends.
namespace jobd::test {

using namespace std::chrono_literals;

/// Polls until `fact` holds. False if it does not within the limit.
[[nodiscard]] bool eventually(const std::function<bool()>& fact, std::chrono::milliseconds limit = 10s,
                              std::chrono::milliseconds pause = 5ms);

/// A TCP port of 127.0.0.1 that nothing listens on, below the range that outgoing connections take theirs
/// from.
[[nodiscard]] int free_tcp_port();

/// A new folder under the system's temporary folder that any user may enter. It is removed at the end, and
/// also if the test is killed: a child waits for this process to die and cleans up after it.
class temp_folder {
public:
  explicit temp_folder(const std::string& name);
  ~temp_folder();
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
  int lifeline_ = -1;
  pid_t cleaner_ = -1;
};

/// A child process that dies with the thread that started it: start it from the test's main thread.
/// Throws `std::runtime_error` if it cannot be started.
class server_process {
public:
  struct options {
    /// The program is looked up in PATH.
    std::vector<std::string> argv;
    /// Added to this process's own environment.
    std::map<std::string, std::string> env;
    /// Where stdout and stderr are appended to.
    std::filesystem::path log = "/dev/null";
    /// What the child gets when this thread dies.
    int death_signal = SIGKILL;
  };

  explicit server_process(const options& o);
  /// Kills the process and its descendants, if it still runs.
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  /// The status as `waitpid` gives it; nothing if the process still runs after the limit.
  std::optional<int> wait(std::chrono::milliseconds limit = 10s);

  /// To the process alone.
  void signal(int sig);
  /// To the process first and then to all its descendants, whatever process groups they made.
  void signal_all(int sig);
  /// All processes stop where they are, as on a machine that hangs: connections stay open and nothing
  /// answers.
  void pause() { signal_all(SIGSTOP); }
  void resume() { signal_all(SIGCONT); }
  /// Kills the process and its descendants, and waits for the process.
  void kill9();

private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

/// The processes that descend from `root`, without itself.
[[nodiscard]] std::vector<pid_t> descendants(pid_t root);

/// Runs a program to its end; its output, stderr too. Throws `std::runtime_error` with it on any exit code
/// but 0.
std::string run(const std::vector<std::string>& argv);

} // namespace jobd::test
