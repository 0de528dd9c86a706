#include "execution/command_run.hpp"

#include "core/log.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace jobd::execution {
namespace {

using namespace std::chrono_literals;

/// Killed processes are gone within microseconds. Only one that hangs in the kernel (a dead network disk) is
/// not, and the promise is to report within one second.
constexpr auto patience = 700ms;
constexpr auto first_pause = 1ms;
constexpr auto longest_pause = 20ms;

/// Reads once; the bytes are valid until the next call on this thread. Nothing at the end or on an error, an
/// empty text if nothing is there yet.
std::optional<std::string_view> read_some(const descriptor& from, std::size_t most = SIZE_MAX) {
  thread_local std::array<char, 64 * 1024> buffer;
  const auto n = ::read(from.get(), buffer.data(), std::min(most, buffer.size()));
  if (n > 0)
    return std::string_view(buffer.data(), static_cast<std::size_t>(n));
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return "";
  return {};
}

/// Gives `take` what the pipe holds now. What others go on writing is not waited for.
template <class Take>
void drain_pipe(const descriptor& from, Take take) {
  int held = 0;
  if (!from || ::ioctl(from.get(), FIONREAD, &held) != 0)
    return;
  for (auto left = static_cast<std::size_t>(held); left > 0;) {
    const auto bytes = read_some(from, left);
    if (!bytes || bytes->empty())
      return;
    take(*bytes);
    left -= bytes->size();
  }
}

} // namespace

command_run::command_run(process p, run_key key, std::string input, executor::callbacks tell)
    : process_(std::move(p)), mark_{process_.pid, key}, input_(std::move(input)), tell_(std::move(tell)) {}

bool command_run::feed() {
  while (process_.input && written_ < input_.size()) {
    const auto n = ::write(process_.input.get(), input_.data() + written_, input_.size() - written_);
    if (n >= 0)
      written_ += static_cast<std::size_t>(n);
    else if (errno == EAGAIN)
      return true;
    else if (errno != EINTR)
      break; // closed by the child, which is its right
  }
  process_.input.reset();
  std::string().swap(input_);
  return false;
}

bool command_run::read_stdout() {
  const auto bytes = read_some(process_.output);
  if (bytes)
    output_.add_stdout(*bytes);
  else
    process_.output.reset();
  return bytes.has_value();
}

bool command_run::read_stderr() {
  const auto bytes = read_some(process_.errors);
  if (bytes)
    output_.add_stderr(*bytes);
  else
    process_.errors.reset();
  return bytes.has_value();
}

bool command_run::read_progress() {
  const auto bytes = read_some(process_.progress);
  tell_progress(bytes ? progress_.add(*bytes) : progress_.end());
  if (!bytes)
    process_.progress.reset();
  return bytes.has_value();
}

void command_run::tell_progress(bool changed) {
  if (changed && tell_.progress)
    tell_.progress(progress_.json());
  if (!progress_.mistake().empty() && !std::exchange(warned_, true))
    log::warn("jobd drops what a command writes to JOB_PROGRESS_FD and is no progress.",
              {{"job", mark_.key.id}, {"attempt", mark_.key.attempt}, {"why", progress_.mistake()}});
}

void command_run::stop(std::chrono::milliseconds grace, clock::time_point now) {
  if (phase_ != phase::running && phase_ != phase::stopping)
    return;
  if (grace <= 0ms)
    return kill(now);
  if (phase_ == phase::running)
    signal_tree(mark_, SIGTERM);
  phase_ = phase::stopping;
  due_ = std::min(due_, now + grace);
}

void command_run::kill(clock::time_point now) {
  if (phase_ != phase::killing) {
    phase_ = phase::killing;
    give_up_ = now + patience;
    pause_ = first_pause;
  }
  signal_tree(mark_, SIGKILL);
  look_again(now);
}

void command_run::main_ended(clock::time_point now, unmarked others) {
  if (status_ || !(status_ = reap(process_)) || phase_ == phase::over)
    return;
  process_.ended.reset(); // it would stay readable
  drain();
  phase_ = phase::sweeping;
  give_up_ = std::min(give_up_, now + patience);
  pause_ = first_pause;
  sweep(now, others);
}

void command_run::sweep(clock::time_point now, unmarked others) {
  const bool gone = is_tree_gone(mark_, others);
  if (!gone && now >= give_up_)
    log::warn("jobd leaves processes of a job behind that it cannot kill",
              {{"job", mark_.key.id}, {"attempt", mark_.key.attempt}});
  if (gone || now >= give_up_)
    return end();
  signal_tree(mark_, SIGKILL, others);
  look_again(now);
}

void command_run::look_again(clock::time_point now) {
  due_ = std::min(give_up_, now + pause_);
  pause_ = std::min<clock::duration>(2 * pause_, longest_pause);
}

void command_run::time_passed(clock::time_point now, unmarked others) {
  if (phase_ == phase::sweeping)
    return sweep(now, others);
  main_ended(now, others);
  if (status_)
    return;
  if (now >= give_up_)
    return end();
  kill(now);
}

void command_run::end() {
  phase_ = phase::over;
  due_ = clock::time_point::max();
}

void command_run::drain() {
  drain_pipe(process_.output, [this](std::string_view bytes) { output_.add_stdout(bytes); });
  drain_pipe(process_.errors, [this](std::string_view bytes) { output_.add_stderr(bytes); });
  bool changed = false;
  drain_pipe(process_.progress, [&](std::string_view bytes) { changed = progress_.add(bytes) || changed; });
  changed = progress_.end() || changed;
  tell_progress(changed);
  process_.input.reset();
  process_.output.reset();
  process_.errors.reset();
  process_.progress.reset();
}

void command_run::conclude() {
  if (!tell_.done)
    return;
  const auto done = std::exchange(tell_, {}).done;
  if (released_)
    done(outcome::given_back());
  else if (!status_)
    done(outcome::failed("was killed, but the system has not ended its process "
                         + std::to_string(process_.pid)));
  else
    done(output_.conclude(*status_));
}

} // namespace jobd::execution
