#pragma once

#include "core/job.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

/// The processes that a run has started beside its main process, and how none of them escapes.
///
/// Most stay in the process group of the main process. Those that leave it (setsid, a double fork) are found
/// through their parents; when those die, they come to this process, which is a child subreaper, and are told
/// apart by the job's id and attempt in their environment.
///
/// What this cannot cover is a SIGKILL of the worker itself: the parent-death signal kills the main
/// processes, but what those have started lives on as nobody's child. In a container (the worker as, or
/// below, PID 1 of its own PID namespace) and under systemd (KillMode=control-group, the default) the rest is
/// killed from outside; elsewhere it runs until it ends. The same holds for a set-uid main process, for which
/// the kernel clears the signal.
namespace jobd::execution {

/// What marks the processes of one run.
struct run_mark {
  /// The main process, which leads the run's session and process group.
  pid_t leader = -1;
  run_key key;
};

/// The environment variables that carry the mark.
inline constexpr std::string_view id_variable = "JOB_ID";
inline constexpr std::string_view attempt_variable = "JOB_ATTEMPT";

/// From now on orphans of our children come to this process.
void become_subreaper();

/// Reaps every orphan that came to this process and has ended.
void reap_orphans();

/// Whether an orphan counts as the run's whose environment says nothing, since it was wiped. It may be
/// another run's while there is another: then it lives until the last of them ends.
enum class unmarked : bool { spare, include };

/// Sends `signal` to every process of the run: its group, all descendants of its main process, and the
/// orphans that bear its mark with their descendants.
void signal_tree(const run_mark& run, int signal, unmarked others = unmarked::spare);

/// SIGKILL to all that this process has started, and what those have; for an end at once.
void kill_descendants();

/// True if the run, whose main process is reaped, has no process left. Reaps orphans on the way.
[[nodiscard]] bool is_tree_gone(const run_mark& run, unmarked others);

} // namespace jobd::execution
