#include "execution/command.hpp"

#include "execution/command_input.hpp"
#include "execution/command_run.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>

namespace jobd::execution {
namespace {

using namespace std::chrono_literals;
using time_point = command_run::clock::time_point;

/// Orphans that have ended are reaped this often while commands run.
constexpr auto tidy_every = 1s;

struct start_order {
  ticket id;
  run_key key;
  program what;
  std::string input;
  executor::callbacks tell;
};

struct stop_order {
  ticket id;
  std::chrono::milliseconds grace;
};

using order = std::variant<start_order, stop_order>;

/// What an epoll event speaks of: the low bits, beside the ticket.
enum source : std::uint64_t { main_process, standard_input, standard_output, standard_errors, progress };
constexpr int source_bits = 3;

descriptor checked(int fd, const char* what) {
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return descriptor(fd);
}

/// With 0, 1 or 2 closed, a pipe could get that number and be lost when the child arranges its own.
void occupy_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= 2)
    fd = ::open("/dev/null", O_RDWR);
  if (fd > 2)
    ::close(fd);
}

/// A worker that was started with SIGCHLD ignored would lose the status of its children.
void accept_child_statuses() {
  struct sigaction now {};
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN)
    ::signal(SIGCHLD, SIG_DFL);
}

} // namespace

/// The thread and what it works on. Others only reach the inbox.
class command_executor::engine {
public:
  engine() {
    occupy_standard_descriptors();
    accept_child_statuses();
    become_subreaper();
    if (!watch(wake_, inbox_event, EPOLLIN))
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    thread_ = std::thread([this] { work(); });
  }

  ~engine() {
    {
      const std::lock_guard lock(guard_);
      closing_ = true;
    }
    wake();
    thread_.join();
  }

  void give(order o) {
    {
      const std::lock_guard lock(guard_);
      inbox_.push_back(std::move(o));
    }
    wake();
  }

private:
  /// No ticket has this: it would be the last of 2^61.
  static constexpr std::uint64_t inbox_event = ~std::uint64_t{0};

  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  }

  [[nodiscard]] bool watch(const descriptor& d, std::uint64_t event, std::uint32_t readiness) const {
    epoll_event e{};
    e.events = readiness;
    e.data.u64 = event;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, d.get(), &e) == 0;
  }

  void work();
  void wait(time_point now);
  bool read_inbox();
  void obey(start_order& o);
  void obey(stop_order& o);
  void handle(std::uint64_t event, time_point now);
  void pass_time(time_point now);
  void finish(ticket id);
  void close_down();

  /// A process whose environment was wiped can only be this run's if there is no other.
  [[nodiscard]] unmarked others() const { return runs_.size() == 1 ? unmarked::include : unmarked::spare; }

  descriptor epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  descriptor wake_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::mutex guard_;
  std::vector<order> inbox_;
  bool closing_ = false;

  std::unordered_map<ticket, command_run> runs_;
  time_point tidy_at_{};
  std::thread thread_;
};

void command_executor::engine::work() {
  // Signals to the worker are for other threads, and a write to a closed pipe is an error, not a signal.
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  while (read_inbox()) {
    wait(command_run::clock::now());
    pass_time(command_run::clock::now());
  }
  close_down();
}

/// Waits for the next event or due time and handles what happened.
void command_executor::engine::wait(time_point now) {
  auto until = runs_.empty() ? time_point::max() : tidy_at_;
  for (const auto& [id, run] : runs_)
    until = std::min(until, run.due());
  int milliseconds = -1;
  if (until != time_point::max())
    milliseconds =
        static_cast<int>(std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(until - now)).count());
  std::array<epoll_event, 64> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
  now = command_run::clock::now();
  for (int i = 0; i < n; ++i)
    handle(events[static_cast<std::size_t>(i)].data.u64, now);
}

/// False once the executor is closing; what is in the inbox then is answered in `close_down`.
bool command_executor::engine::read_inbox() {
  std::vector<order> orders;
  {
    const std::lock_guard lock(guard_);
    if (closing_)
      return false;
    orders.swap(inbox_);
  }
  for (auto& o : orders)
    std::visit([this](auto& what) { obey(what); }, o);
  return true;
}

void command_executor::engine::obey(start_order& o) {
  auto child = spawn(o.what);
  if (!child)
    return o.tell.done(outcome::failed(child.error().context));
  if (runs_.empty())
    tidy_at_ = command_run::clock::now() + tidy_every;
  auto& run =
      runs_.try_emplace(o.id, std::move(*child), o.key, std::move(o.input), std::move(o.tell)).first->second;
  const auto& p = run.child();
  const auto event = o.id << source_bits;
  const bool watched =
      watch(p.ended, event | main_process, EPOLLIN) && watch(p.output, event | standard_output, EPOLLIN)
      && watch(p.errors, event | standard_errors, EPOLLIN) && watch(p.progress, event | progress, EPOLLIN)
      && (!run.feed() || watch(p.input, event | standard_input, EPOLLOUT));
  if (!watched) // out of kernel memory
    run.stop(0ms, command_run::clock::now());
}

void command_executor::engine::obey(stop_order& o) {
  if (const auto found = runs_.find(o.id); found != runs_.end())
    found->second.stop(o.grace, command_run::clock::now());
}

void command_executor::engine::handle(std::uint64_t event, time_point now) {
  if (event == inbox_event) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = ::read(wake_.get(), &count, sizeof count);
    return;
  }
  const auto found = runs_.find(event >> source_bits);
  if (found == runs_.end())
    return; // ended by an earlier event of the same round
  auto& run = found->second;
  switch (static_cast<source>(event & ((1U << source_bits) - 1))) {
  case standard_input: run.feed(); break;
  case standard_output: run.read_stdout(); break;
  case standard_errors: run.read_stderr(); break;
  case progress: run.read_progress(); break;
  case main_process:
    run.main_ended(now, others());
    finish(found->first);
    break;
  }
}

void command_executor::engine::pass_time(time_point now) {
  if (!runs_.empty() && now >= tidy_at_) {
    reap_orphans();
    tidy_at_ = now + tidy_every;
  }
  std::vector<ticket> due;
  for (const auto& [id, run] : runs_)
    if (run.due() <= now)
      due.push_back(id);
  for (const auto id : due) {
    runs_.at(id).time_passed(now, others());
    finish(id);
  }
}

/// Reports a run that is over. One whose process could not be killed stays until the system lets go of it.
void command_executor::engine::finish(ticket id) {
  auto& run = runs_.at(id);
  if (!run.over())
    return;
  run.conclude();
  if (run.reaped())
    runs_.erase(id);
}

void command_executor::engine::close_down() {
  for (auto& o : inbox_)
    if (auto* unstarted = std::get_if<start_order>(&o))
      unstarted->tell.done(outcome::given_back());
  for (auto& [id, run] : runs_) {
    run.release();
    run.stop(0ms, command_run::clock::now());
  }
  const auto unfinished = [](const auto& entry) { return !entry.second.over(); };
  while (std::any_of(runs_.begin(), runs_.end(), unfinished)) { // a run gives up in time
    wait(command_run::clock::now());
    pass_time(command_run::clock::now());
  }
}

command_executor::command_executor() : engine_(std::make_unique<engine>()) {}

command_executor::~command_executor() = default;

void command_executor::start(ticket t, const claimed_job& j, const handler& h, executor::callbacks tell) {
  program what{h.command, command_environment(j, h), h.memory_mb};
  engine_->give(start_order{t, {j.id, j.attempt}, std::move(what), command_stdin(j), std::move(tell)});
}

void command_executor::stop(ticket t, std::chrono::milliseconds grace) {
  engine_->give(stop_order{t, grace});
}

} // namespace jobd::execution
