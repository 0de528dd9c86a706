#include "execution/process_tree.hpp"

#include "execution/descriptor.hpp"
#include "execution/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

namespace jobd::execution {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    return {};
  std::string text;
  char chunk[4096];
  for (;;) {
    const auto n = ::read(file.get(), chunk, sizeof chunk);
    if (n > 0)
      text.append(chunk, static_cast<std::size_t>(n));
    else if (n == 0 || errno != EINTR)
      return n == 0 ? std::optional(text) : std::nullopt;
  }
}

/// The names in a folder of /proc that are numbers.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  while (const auto* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    if (std::from_chars(name.begin(), name.end(), number).ptr == name.end())
      found.push_back(number);
  }
  return found;
}

/// What `/proc/PID/stat` says.
struct process_facts {
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  /// The program is being replaced right now and has no environment yet.
  bool in_exec = false;
};

std::optional<process_facts> facts_of(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  // The second field is the program's name in brackets and may hold anything, brackets too.
  const auto name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos)
    return {};
  std::istringstream fields(text->substr(name_end + 1));
  process_facts f;
  fields >> f.state >> f.parent >> f.group >> f.session;
  std::string field;
  for (int number = 7; number <= 51; ++number) // the 51st is where the environment ends in its memory
    fields >> field;
  f.in_exec = field == "0";
  return fields ? std::optional(f) : std::nullopt;
}

/// Kernels without CONFIG_PROC_CHILDREN list no children; there every process is asked for its parent.
bool lists_children() {
  static const bool answer = ::access("/proc/thread-self/children", R_OK) == 0;
  return answer;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  if (!lists_children()) {
    for (const auto p : numbers_in("/proc"))
      if (const auto f = facts_of(p); f && f->parent == pid)
        children.push_back(p);
    return children;
  }
  const auto tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto task : numbers_in(tasks)) {
    const auto text = read_file(tasks + "/" + std::to_string(task) + "/children").value_or("");
    const char* at = text.data();
    const char* const end = at + text.size();
    for (pid_t child = 0; at < end; ++at) { // numbers, each followed by a space
      const auto [next, error] = std::from_chars(at, end, child);
      if (error != std::errc{})
        break;
      children.push_back(child);
      at = next;
    }
  }
  return children;
}

struct orphan {
  pid_t pid;
  process_facts facts;
};

/// The living orphans that came to this process; those that have ended are reaped. Children of ours that no
/// run started (a native function's popen) share our session, which a run's never do.
std::vector<orphan> orphans() {
  std::vector<orphan> living;
  const auto own_session = ::getsid(0);
  for (const auto pid : children_of(::getpid())) {
    if (is_spawned(pid))
      continue;
    const auto f = facts_of(pid);
    if (!f || f->session == own_session || f->parent != ::getpid() || (f->state == 'Z' && reap_orphan(pid)))
      continue;
    living.push_back({pid, *f});
  }
  return living;
}

/// The value of `name` in the environment of a process, as the kernel shows it.
std::optional<std::string_view> variable(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const auto entry = environment.substr(0, environment.find('\0'));
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
    environment.remove_prefix(std::min(environment.size(), entry.size() + 1));
  }
  return {};
}

enum class answer : std::uint8_t { no, yes, not_yet };

answer belongs_to(const orphan& o, const run_mark& run, unmarked others) {
  if (o.facts.session == run.leader || o.facts.group == run.leader)
    return answer::yes;
  // Absent if it is not ours to read (set-uid programs), which is as good as wiped.
  const auto environment = read_file("/proc/" + std::to_string(o.pid) + "/environ").value_or("");
  const auto id = variable(environment, id_variable);
  const auto attempt = variable(environment, attempt_variable);
  if (id && attempt)
    return *id == std::to_string(run.key.id) && *attempt == std::to_string(run.key.attempt) ? answer::yes
                                                                                            : answer::no;
  if (environment.empty() && o.facts.in_exec)
    return answer::not_yet;
  // As PID 1 we are also given orphans that never were ours (docker exec).
  return others == unmarked::include && ::getpid() != 1 ? answer::yes : answer::no;
}

/// Adds `root` and everything below it. A set, since processes die and move up while we look.
void collect(pid_t root, std::set<pid_t>& found) {
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const auto pid = open.back();
    open.pop_back();
    if (!found.insert(pid).second)
      continue;
    const auto children = children_of(pid);
    open.insert(open.end(), children.begin(), children.end());
  }
}

} // namespace

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap_orphans() {
  static_cast<void>(orphans());
}

void signal_tree(const run_mark& run, int signal, unmarked others) {
  // Looked for before the first signal: parents that die would take the way to their children with them.
  std::set<pid_t> found;
  if (is_spawned(run.leader))
    collect(run.leader, found);
  for (const auto& o : orphans())
    if (belongs_to(o, run, others) == answer::yes)
      collect(o.pid, found);
  ::kill(-run.leader, signal);
  for (const auto pid : found)
    if (const auto f = facts_of(pid); f && f->group != run.leader)
      ::kill(pid, signal);
}

void kill_descendants() {
  std::set<pid_t> found;
  for (const auto pid : children_of(::getpid()))
    collect(pid, found);
  for (const auto pid : found)
    ::kill(pid, SIGKILL);
}

bool is_tree_gone(const run_mark& run, unmarked others) {
  for (const auto& o : orphans())
    if (belongs_to(o, run, others) != answer::no)
      return false;
  return ::kill(-run.leader, 0) != 0 && errno == ESRCH;
}

} // namespace jobd::execution
