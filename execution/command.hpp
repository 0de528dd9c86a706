#pragma once

#include "execution/executor.hpp"
#include "execution/registry.hpp"

#include <chrono>
#include <memory>

namespace jobd::execution {

/// Runs jobs as processes. One thread, which lives as long as this object, starts, feeds, reads, ends and
/// reaps them all: the parent-death signal that no child outlives is tied to the thread that started it.
///
/// The end of the main process is the end of the run: what it has started is killed, and a process that holds
/// a pipe delays nothing. Adopting orphans makes this process a child subreaper, and stays so.
class command_executor {
public:
  /// Throws std::system_error if the system refuses the few descriptors or the thread.
  command_executor();
  /// Kills what is left; its `done` is called with `released`. At most two seconds.
  ~command_executor();
  command_executor(const command_executor&) = delete;

  /// `t` must be new; `h.command` must name its program by path. Otherwise as in `executor`.
  void start(ticket t, const claimed_job& j, const handler& h, executor::callbacks tell);
  void stop(ticket t, std::chrono::milliseconds grace);

private:
  class engine;
  std::unique_ptr<engine> engine_;
};

} // namespace jobd::execution
