#pragma once

#include "tests/integration/cluster.hpp"

#include <map>
#include <string>
#include <vector>

namespace jobd::test {

/// What a script wrote down.
struct note {
  std::string what;
  std::int64_t job = 0;
  int attempt = 0;
  /// The name that the worker was started with.
  std::string worker;
  /// The main process of the run.
  pid_t pid = 0;
  /// Seconds, by the system's clock.
  double at = 0;
};

/// By type of job, the entries of a handler file.
using handler_entries = std::map<std::string, json>;

/// An entry that runs a shell script. In it, `note WORD` writes a note, and $FOLDER is the test's.
[[nodiscard]] json script(const std::string& text);

/// A cluster whose workers run scripts that write down what they do.
class script_cluster : public cluster {
public:
  /// `jobd worker` with these handlers, under a name that its notes bear; waits until it runs.
  jobd_process& start_worker(const std::string& name, handler_entries handlers, settings extra = {});

  /// Submits a job with an object of its own and these members: `"type":"work","delay":1`.
  std::int64_t submit(const std::string& members);
  std::vector<std::int64_t> submit(int times, const std::string& members);

  /// The notes of one word, in their order.
  [[nodiscard]] std::vector<note> notes(const std::string& what) const;
  [[nodiscard]] std::vector<note> notes(const std::string& what, std::int64_t job) const;
  /// All notes, in their order.
  [[nodiscard]] std::vector<note> all_notes() const;
  /// Waits for so many notes of a word.
  [[nodiscard]] bool noted(const std::string& what, std::size_t times, std::chrono::milliseconds limit = 15s);
  /// Waits until so many jobs have the status.
  [[nodiscard]] bool jobs_are(const std::string& status, int jobs, std::chrono::milliseconds limit = 15s);

  /// One column of the job's row, as text.
  [[nodiscard]] std::string column(std::int64_t job, const std::string& expression);
  /// The numbers in a file of the test's folder.
  [[nodiscard]] std::vector<pid_t> pids_in(const std::string& name) const;

private:
  int objects_ = 0;
};

/// A process that has ended, but that nobody has asked for its status, does not live.
[[nodiscard]] bool is_alive(pid_t pid);
/// Waits until none of them lives.
[[nodiscard]] bool all_die(const std::vector<pid_t>& pids, std::chrono::milliseconds limit = 10s);

/// Seconds from then until now.
[[nodiscard]] inline double seconds_since(steady::time_point then) {
  return std::chrono::duration<double>{steady::now() - then}.count();
}

} // namespace jobd::test
