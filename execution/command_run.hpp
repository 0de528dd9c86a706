#pragma once

#include "execution/command_output.hpp"
#include "execution/executor.hpp"
#include "execution/process.hpp"
#include "execution/process_tree.hpp"
#include "execution/progress.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace jobd::execution {

/// One run of a command, from its spawned process until no process of it is left. It is told what happens (a
/// pipe can be read, a time has come) and owns no thread, no clock and no epoll.
///
///   running → stopping (TERM was sent) → killing (KILL is sent, again and again) → sweeping → over
///
/// Any phase goes on to sweeping when the main process ends: its leftovers are killed until none is found.
class command_run {
public:
  using clock = std::chrono::steady_clock;

  command_run(process p, run_key key, std::string input, executor::callbacks tell);

  /// Writes what the child's stdin takes, and closes it at the end. True while more is to be written.
  bool feed();
  /// Reads a part of what is there. False when it is closed.
  bool read_stdout();
  bool read_stderr();
  bool read_progress();

  /// TERM to all processes now, KILL when `grace` is over. A second call can only shorten the grace.
  void stop(std::chrono::milliseconds grace, clock::time_point now);
  /// The outcome will be `released`, unless the main process has ended by itself.
  void release() { released_ = !status_; }
  /// The main process has ended, perhaps. `others`: whether a process whose environment was wiped can be its
  /// own.
  void main_ended(clock::time_point now, unmarked others);
  /// When `due` has come.
  void time_passed(clock::time_point now, unmarked others);

  [[nodiscard]] clock::time_point due() const { return due_; }
  /// Nothing is left of it, or what is left cannot be killed.
  [[nodiscard]] bool over() const { return phase_ == phase::over; }
  [[nodiscard]] bool reaped() const { return status_.has_value(); }
  [[nodiscard]] const process& child() const { return process_; }
  /// Calls `done`, once; from then on nothing is told.
  void conclude();

private:
  enum class phase : std::uint8_t { running, stopping, killing, sweeping, over };

  void kill(clock::time_point now);
  void sweep(clock::time_point now, unmarked others);
  void look_again(clock::time_point now);
  void drain();
  void tell_progress(bool changed);
  void end();

  process process_;
  run_mark mark_;
  std::string input_;
  std::size_t written_ = 0;
  command_output output_;
  progress_reader progress_;
  bool warned_ = false;
  executor::callbacks tell_;

  phase phase_ = phase::running;
  clock::time_point due_ = clock::time_point::max();
  /// Set with the first KILL: from then on the run must end, even if a process cannot be killed.
  clock::time_point give_up_ = clock::time_point::max();
  clock::duration pause_{};
  std::optional<exit_status> status_;
  bool released_ = false;
};

} // namespace jobd::execution
