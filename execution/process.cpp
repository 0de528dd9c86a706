#include "execution/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <set>
#include <system_error>

namespace jobd::execution {
namespace {

/// The children that were spawned here and are not reaped yet. Children belong to the process, not to an
/// executor: with two of them in one process neither may take the other's child for an orphan.
struct {
  std::mutex guard;
  std::set<pid_t> pids;
} spawned;

/// Everything that the child needs, prepared by the parent: after the clone nothing may be allocated.
struct child_plan {
  const char* path;
  char* const* argv;
  char* const* environment;
  int input, output, errors, progress;
  pid_t parent;
  const rlimit* address_space;
  /// Set by the child if it could not start the program: it shares our memory until then.
  int error = 0;
};

/// Descriptors that another thread of the worker opened without close-on-exec must not reach the child
/// either.
void close_others() {
  if (::close_range(progress_descriptor + 1, ~0U, 0) == 0)
    return;
  rlimit most{}; // kernels before 5.9, and container runtimes that filter the call
  ::getrlimit(RLIMIT_NOFILE, &most);
  for (rlim_t fd = progress_descriptor + 1; fd < std::min<rlim_t>(most.rlim_cur, 65'536); ++fd)
    ::close(static_cast<int>(fd));
}

/// Runs in the child on borrowed memory, so it makes system calls and nothing else. It is not instrumented by
/// AddressSanitizer: it never returns, so marks on its stack would stay.
__attribute__((no_sanitize("address", "undefined"))) int run_child(void* argument) {
  auto& plan = *static_cast<child_plan*>(argument);
  // A handler of the worker must not run here: dispositions first, then the mask.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s = 1; s < _NSIG; ++s)
    ::sigaction(s, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // The last one may take the place of another pipe, whose copy is made by then, or be in its place already:
  // then close-on-exec must go.
  const bool ready = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::dup2(plan.input, STDIN_FILENO) >= 0
                     && ::dup2(plan.output, STDOUT_FILENO) >= 0 && ::dup2(plan.errors, STDERR_FILENO) >= 0
                     && ::dup2(plan.progress, progress_descriptor) >= 0
                     && ::fcntl(progress_descriptor, F_SETFD, 0) == 0;
  close_others();
  if (ready && ::getppid() != plan.parent)
    ::_exit(127); // the worker died before the parent-death signal was set
  // The limit comes last: until the exec we live in the worker's address space, which may be larger.
  if (ready && (!plan.address_space || ::setrlimit(RLIMIT_AS, plan.address_space) == 0))
    ::execve(plan.path, plan.argv, plan.environment);
  plan.error = errno;
  ::_exit(127);
}

/// Clones without copying the worker's page tables (CLONE_VM), and waits until the child has its own memory,
/// which it has when the exec is done (CLONE_VFORK): so the result of the exec is known on return. The stack
/// is ours, the descriptor of the child's end comes with it. Gives the pid, or -1 with errno.
pid_t clone_child(child_plan& plan, int& ended) {
  alignas(16) char stack[32 * 1024];
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto pid =
      ::clone(run_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &ended);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

struct pipe_ends {
  descriptor read;
  descriptor write;
};

/// Those of stdin, stdout, stderr and the progress; 0 or the errno.
int make_pipes(std::array<pipe_ends, 4>& pipes) {
  for (auto& p : pipes) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return errno;
    p = {descriptor(ends[0]), descriptor(ends[1])};
  }
  return 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const auto& text : texts)
    list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

/// Clones the child and registers it, and takes it back if the program could not be started; 0 or the errno.
int start(child_plan& plan, process& child) {
  // Under the lock no one can look for orphans between the birth of the child and its registration.
  const std::lock_guard lock(spawned.guard);
  int ended = -1;
  const auto pid = clone_child(plan, ended);
  if (pid < 0)
    return errno;
  child.pid = pid;
  child.ended = descriptor(ended);
  if (plan.error == 0)
    spawned.pids.insert(pid);
  else
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  return plan.error;
}

} // namespace

expected<process> spawn(const program& p) {
  const auto could_not = [&](int error) {
    return fail(ec::internal, "could not start " + p.argv[0] + ": " + std::generic_category().message(error));
  };
  std::array<pipe_ends, 4> pipes;
  if (const int error = make_pipes(pipes))
    return could_not(error);
  auto& [in, out, err, told] = pipes;
  const auto argv = pointers(p.argv);
  const auto environment = pointers(p.environment);
  const auto bytes = static_cast<rlim_t>(p.memory_mb.value_or(0)) << 20;
  const rlimit address_space{bytes, bytes};
  child_plan plan{.path = argv[0],
                  .argv = argv.data(),
                  .environment = environment.data(),
                  .input = in.read.get(),
                  .output = out.write.get(),
                  .errors = err.write.get(),
                  .progress = told.write.get(),
                  .parent = ::getpid(),
                  .address_space = p.memory_mb ? &address_space : nullptr};
  process child;
  if (const int error = start(plan, child))
    return could_not(error);
  for (const int fd : {in.write.get(), out.read.get(), err.read.get(), told.read.get()})
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  child.input = std::move(in.write);
  child.output = std::move(out.read);
  child.errors = std::move(err.read);
  child.progress = std::move(told.read);
  return child;
}

std::optional<exit_status> reap(const process& p) {
  int status = 0;
  const std::lock_guard lock(spawned.guard);
  const auto pid = ::waitpid(p.pid, &status, WNOHANG);
  if (pid == 0 || (pid < 0 && errno == EINTR))
    return {};
  spawned.pids.erase(p.pid);
  if (pid < 0)
    return exit_status{}; // someone else waited for it
  if (WIFEXITED(status))
    return exit_status{WEXITSTATUS(status), {}};
  return exit_status{{}, WTERMSIG(status)};
}

bool reap_orphan(pid_t pid) {
  const std::lock_guard lock(spawned.guard);
  return !spawned.pids.contains(pid) && ::waitpid(pid, nullptr, WNOHANG) != 0;
}

bool is_spawned(pid_t pid) {
  const std::lock_guard lock(spawned.guard);
  return spawned.pids.contains(pid);
}

} // namespace jobd::execution
