#include "tests/support/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace jobd::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error{what + ": " + std::strerror(errno)};
}

/// The environment of this process with `added` in it, as `execvpe` wants it.
std::vector<std::string> environment(const std::map<std::string, std::string>& added) {
  auto lines = std::vector<std::string>{};
  for (auto** line = environ; *line != nullptr; ++line) {
    const auto text = std::string{*line};
    if (!added.contains(text.substr(0, text.find('='))))
      lines.push_back(text);
  }
  for (const auto& [name, value] : added)
    lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  auto out = std::vector<char*>{};
  for (const auto& text : texts)
    out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Everything that allocates is prepared before, since another thread may hold the heap's lock at the fork.
struct prepared {
  std::vector<std::string> argv_texts;
  std::vector<std::string> env_texts;
  std::vector<char*> argv = pointers(argv_texts);
  std::vector<char*> env = pointers(env_texts);
};

[[noreturn]] void become(const prepared& program, int in, int out, int death_signal, pid_t parent) {
  // The test may have died before the line that would have told.
  if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
    _exit(126);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  execvpe(program.argv[0], program.argv.data(), program.env.data());
  _exit(127);
}

struct process_state {
  /// `Z` for one that has ended and let go of all that it held; also if there is no such process.
  char state = 'Z';
  pid_t parent = -1;
};

process_state state_of(pid_t pid) {
  auto file = std::ifstream{"/proc/" + std::to_string(pid) + "/stat"};
  auto text = std::string{};
  std::getline(file, text);
  // The name in parentheses may hold anything, so what counts starts after the last one.
  const auto end = text.rfind(')');
  if (end == std::string::npos)
    return {};
  auto rest = std::istringstream{text.substr(end + 1)};
  auto found = process_state{};
  rest >> found.state >> found.parent;
  return found;
}

bool is_free(int port) {
  const auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return bound;
}

} // namespace

bool eventually(const std::function<bool()>& fact, std::chrono::milliseconds limit,
                std::chrono::milliseconds pause) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!fact()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

int free_tcp_port() {
  static auto random = std::mt19937{std::random_device{}()};
  auto any = std::uniform_int_distribution{20'000, 32'000};
  for (auto tries = 0; tries < 1000; ++tries)
    if (const auto port = any(random); is_free(port))
      return port;
  throw std::runtime_error{"no TCP port is free"};
}

temp_folder::temp_folder(const std::string& name) {
  auto pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
  if (mkdtemp(pattern.data()) == nullptr)
    give_up("mkdtemp " + pattern);
  path_ = pattern;
  chmod(pattern.c_str(), 0777);

  // The cleaner's stdin ends when this process does. Servers get a moment to go by themselves; one that was
  // stopped just then cannot, and is known by its working folder.
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    give_up("pipe");
  const auto script = std::string{R"(read -r _
    for n in 1 2 3 4 5; do
      sleep 0.3
      for p in /proc/[0-9]*; do
        case $(readlink "$p/cwd") in "$0"/*) kill -KILL "${p#/proc/}" ;; esac
      done
      rm -rf "$0" && exit
    done)"};
  const auto program = prepared{{"sh", "-c", script, pattern}, environment({})};
  const auto null = open("/dev/null", O_RDWR | O_CLOEXEC);
  cleaner_ = fork();
  if (cleaner_ == 0) {
    setsid();
    become(program, ends[0], null, 0, getppid());
  }
  close(null);
  close(ends[0]);
  lifeline_ = ends[1];
}

temp_folder::~temp_folder() {
  auto ignored = std::error_code{};
  std::filesystem::remove_all(path_, ignored);
  if (cleaner_ > 0) {
    kill(cleaner_, SIGKILL);
    waitpid(cleaner_, nullptr, 0);
  }
  close(lifeline_);
}

server_process::server_process(const options& o) {
  const auto program = prepared{o.argv, environment(o.env)};
  const auto null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto log = open(o.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (null < 0 || log < 0)
    give_up("open " + o.log.string());
  const auto parent = getpid();
  pid_ = fork();
  if (pid_ == 0)
    become(program, null, log, o.death_signal, parent);
  close(null);
  close(log);
  if (pid_ < 0)
    give_up("fork");
}

server_process::~server_process() {
  if (running())
    kill9();
}

bool server_process::running() {
  if (status_)
    return false;
  auto status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_)
    status_ = status;
  return !status_;
}

std::optional<int> server_process::wait(std::chrono::milliseconds limit) {
  (void)eventually([this] { return !running(); }, limit);
  return status_;
}

void server_process::signal(int sig) {
  if (running())
    kill(pid_, sig);
}

void server_process::signal_all(int sig) {
  // A process that is stopped makes no more children; one that is killed leaves them to somebody else, so
  // they are found before.
  if (!running())
    return;
  if (sig == SIGSTOP || sig == SIGKILL)
    kill(pid_, SIGSTOP);
  const auto below = descendants(pid_);
  kill(pid_, sig);
  for (const auto child : below)
    kill(child, sig);
}

void server_process::kill9() {
  if (!running())
    return;
  // Found here too, to be waited for: what they hold, such as sockets, is free only when the last one is
  // gone.
  signal(SIGSTOP);
  const auto below = descendants(pid_);
  signal_all(SIGKILL);
  wait();
  const auto is_over = [](pid_t child) { return state_of(child).state == 'Z'; };
  (void)eventually([&] { return std::ranges::all_of(below, is_over); });
}

std::vector<pid_t> descendants(pid_t root) {
  auto children = std::multimap<pid_t, pid_t>{};
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"})
    if (const auto pid = std::atoi(entry.path().filename().c_str()); pid > 0)
      children.emplace(state_of(pid).parent, pid);
  auto found = std::vector<pid_t>{root};
  for (auto i = std::size_t{0}; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child)
      found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

std::string run(const std::vector<std::string>& argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    give_up("pipe");
  const auto program = prepared{argv, environment({})};
  const auto parent = getpid();
  const auto null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto child = fork();
  if (child == 0)
    become(program, null, ends[1], SIGKILL, parent);
  close(null);
  close(ends[1]);
  auto output = std::string{};
  char piece[4096];
  for (auto n = ssize_t{}; (n = read(ends[0], piece, sizeof piece)) > 0;)
    output.append(piece, static_cast<std::size_t>(n));
  close(ends[0]);
  auto status = 0;
  waitpid(child, &status, 0);
  if (status != 0)
    throw std::runtime_error{argv[0] + " failed: " + output};
  return output;
}

} // namespace jobd::test
