#pragma once

#include "core/error.hpp"
#include "execution/descriptor.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

/// Child processes: how they are started and how their end is learned.
namespace jobd::execution {

/// What a child is started with.
struct program {
  /// The path of the executable (no search), then its arguments.
  std::vector<std::string> argv;
  /// All of its environment, as `NAME=value`.
  std::vector<std::string> environment;
  /// Address space of the process and of each that it starts, in MiB.
  std::optional<int> memory_mb;
};

/// What a child's end of the progress pipe has as its number.
inline constexpr int progress_descriptor = 3;

/// A running child and our ends of its pipes, which never block.
struct process {
  pid_t pid = -1;
  /// Readable when the process has ended.
  descriptor ended;
  descriptor input;
  descriptor output;
  descriptor errors;
  descriptor progress;
};

/// How a process ended: one of the two is set, neither if the system lost it.
struct exit_status {
  std::optional<int> code;
  std::optional<int> signal;
};

/// Starts `p` in a session and process group of its own, with the default signal dispositions, the four
/// pipes and no other descriptor. It dies when the calling *thread* ends. `ec::internal` says why the program
/// could not be started; nothing is left behind then.
[[nodiscard]] expected<process> spawn(const program& p);

/// Takes the status of a child that has ended, and with it the last of its process; nothing while it still
/// runs.
[[nodiscard]] std::optional<exit_status> reap(const process& p);

/// Takes the status of a child that is no `process` of ours, if it has ended: an orphan that came to us.
/// True if it is gone.
bool reap_orphan(pid_t pid);

/// True if `pid` was spawned here and is not reaped yet.
[[nodiscard]] bool is_spawned(pid_t pid);

} // namespace jobd::execution
