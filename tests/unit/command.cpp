#include "execution/command.hpp"

#include "execution/process_tree.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

using namespace jobd;
using namespace jobd::execution;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Far over what any fact here takes, also on a busy machine.
constexpr auto limit = 30s;

/// Waits for the fact; false if it did not come.
bool comes(const std::function<bool()>& fact) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

bool no_child_is_left() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

bool is_gone(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

/// The outcomes that `done` was called with, and the progress that was told before.
struct outcomes {
  std::mutex guard;
  std::condition_variable changed;
  std::vector<outcome> all;
  std::vector<std::string> progress;

  executor::callbacks callbacks() {
    return {[this](outcome o) {
              const std::lock_guard lock(guard);
              all.push_back(std::move(o));
              changed.notify_all();
            },
            [this](std::string json) {
              const std::lock_guard lock(guard);
              progress.push_back(std::move(json));
              changed.notify_all();
            }};
  }
  bool reach(std::size_t count) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, limit, [&] { return all.size() >= count; });
  }
  bool tells(std::size_t count) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, limit, [&] { return progress.size() >= count; });
  }
};

struct fixture {
  fs::path folder = make_folder();
  outcomes seen;
  std::unique_ptr<command_executor> executor = std::make_unique<command_executor>();
  ticket last = 0;
  claimed_job job;

  fixture() {
    job.id = 7;
    job.attempt = 2;
    job.object_id = 99;
    job.type = "thumbnail";
    job.queue = "default";
    job.max_attempts = 3;
  }

  ~fixture() {
    executor.reset();
    BOOST_TEST(no_child_is_left());
    // Each run was reported once, and none twice.
    BOOST_TEST(seen.all.size() == last);
    fs::remove_all(folder);
  }

  static fs::path make_folder() {
    auto name = (fs::temp_directory_path() / "jobd-command-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  [[nodiscard]] std::string file(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] bool exists(const std::string& name) const { return fs::exists(folder / name); }
  [[nodiscard]] pid_t pid_in(const std::string& name) const {
    pid_t pid = 0;
    BOOST_REQUIRE(comes([&] { return static_cast<bool>(std::ifstream(file(name)) >> pid); }));
    return pid;
  }

  ticket start(handler h) {
    executor->start(++last, job, h, seen.callbacks());
    return last;
  }
  /// The script finds `folder` in $T.
  ticket start(const std::string& script) {
    handler h;
    h.command = {"/bin/sh", "-c", script};
    h.env["T"] = folder.string();
    return start(h);
  }
  /// The outcome of the latest run.
  outcome result() {
    BOOST_REQUIRE(seen.reach(last));
    const std::lock_guard lock(seen.guard);
    return seen.all.back();
  }
  template <class What>
  outcome run(What&& what) {
    start(std::forward<What>(what));
    return result();
  }
};

/// Starts `command` from a subshell that ends, in a session of its own and with no pipe of ours, and writes
/// its pid to $T/NAME when it has left the session: then nothing but its environment tells whose it is.
std::string daemon(const std::string& command, const std::string& name) {
  return "(setsid " + command + " </dev/null >/dev/null 2>&1 & echo $! > $T/" + name + ".pid)\n"
         + "p=$(cat $T/" + name + ".pid)\n"
         + "until [ \"$(cut -d' ' -f6 /proc/$p/stat)\" = \"$p\" ]; do sleep 0.01; done\n" + "mv $T/" + name
         + ".pid $T/" + name + "\n";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(command, fixture)

BOOST_AUTO_TEST_CASE(json_on_stdout_is_the_result_as_it_is) {
  BOOST_CHECK(run("printf '\\n {\"b\": 1.50, \"a\": [ ]}\\n'")
              == outcome::succeeded("{\"b\": 1.50, \"a\": [ ]}"));
}

BOOST_AUTO_TEST_CASE(other_text_on_stdout_is_a_json_string) {
  BOOST_CHECK(run("echo; echo ' two \"words\"'; echo") == outcome::succeeded("\"two \\\"words\\\"\""));
}

BOOST_AUTO_TEST_CASE(nothing_on_stdout_is_a_success_without_result) {
  BOOST_CHECK(run("echo to stderr >&2; echo; exit 0") == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(exit_code_and_stderr_are_the_message) {
  BOOST_CHECK(run("echo '{}'; echo 'no such image' >&2; exit 3")
              == outcome::failed("exit code 3: no such image"));
  BOOST_CHECK(run("exit 255") == outcome::failed("exit code 255"));
}

BOOST_AUTO_TEST_CASE(signal_and_stderr_are_the_message) {
  BOOST_CHECK(run("echo why >&2; kill -KILL $$") == outcome::failed("killed by signal 9 (SIGKILL): why"));
  BOOST_CHECK(run("kill -SEGV $$") == outcome::failed("killed by signal 11 (SIGSEGV)"));
}

BOOST_AUTO_TEST_CASE(stdin_is_the_job_as_one_json_object_and_then_ends) {
  job.payload = "{\"w\": 64}";
  job.priority = 1;
  const auto o = run("cat > $T/in; cat $T/in");
  BOOST_TEST(o.result
             == "{\"id\":7,\"object_id\":99,\"type\":\"thumbnail\",\"queue\":\"default\",\"attempt\":2,"
                "\"max_attempts\":3,\"priority\":1,\"payload\":{\"w\": 64}}");
  std::stringstream text;
  text << std::ifstream(file("in")).rdbuf();
  BOOST_TEST(text.str() == o.result + "\n");
}

BOOST_AUTO_TEST_CASE(absent_payload_is_null) {
  BOOST_TEST(run("cat").result.ends_with("\"payload\":null}"));
}

BOOST_AUTO_TEST_CASE(payload_larger_than_a_pipe_arrives_whole) {
  job.payload = "\"" + std::string(900'000, 'x') + "\"";
  const auto length = std::stoul(run("sleep 0.05; wc -c").result);
  BOOST_TEST(length > 900'000u);
  BOOST_TEST(length < 900'200u);
}

BOOST_AUTO_TEST_CASE(command_that_never_reads_stdin_is_not_delayed) {
  job.payload = "\"" + std::string(900'000, 'x') + "\"";
  BOOST_CHECK(run("exec <&-; echo 1; sleep 0.05") == outcome::succeeded("1"));
  BOOST_CHECK(run("echo 2") == outcome::succeeded("2"));
}

BOOST_AUTO_TEST_CASE(environment_holds_nothing_but_what_is_promised) {
  ::setenv("DATABASE_URL", "postgresql://secret", 1);
  handler h;
  h.command = {"/usr/bin/env"};
  h.env = {{"SIZE", "64"}, {"LANG", "C.UTF-8"}};
  const auto o = run(h);
  ::unsetenv("DATABASE_URL");
  std::vector<std::string> want{"JOB_ATTEMPT=2",      "JOB_ID=7",     "JOB_OBJECT_ID=99", "JOB_PROGRESS_FD=3",
                                "JOB_TYPE=thumbnail", "LANG=C.UTF-8", "SIZE=64"};
  for (const char* name : {"PATH", "HOME"})
    if (const char* value = std::getenv(name))
      want.push_back(std::string(name) + "=" + value);
  std::sort(want.begin(), want.end());
  std::string text = "\"";
  for (const auto& line : want)
    text += (text.size() > 1 ? "\\n" : "") + line;
  BOOST_TEST(o.result == text + "\"");
}

BOOST_AUTO_TEST_CASE(trace_of_a_job_is_in_its_environment) {
  job.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  BOOST_TEST(run("echo $TRACEPARENT").result == '"' + job.traceparent + '"');
  job.traceparent.clear();
  BOOST_TEST(run("echo ${TRACEPARENT-none}").result == R"("none")");
}

BOOST_AUTO_TEST_CASE(path_has_a_default) {
  const std::string before = std::getenv("PATH");
  ::unsetenv("PATH");
  const auto o = run("echo $PATH");
  ::setenv("PATH", before.c_str(), 1);
  BOOST_TEST(o.result == "\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"");
}

BOOST_AUTO_TEST_CASE(command_inherits_four_descriptors) {
  const int leaked = ::open("/dev/null", O_RDONLY); // without close-on-exec, as a careless library would
  start("sleep 0.2");                               // its pipes are open meanwhile
  handler h;
  h.command = {"/bin/ls", "/proc/self/fd"};
  BOOST_REQUIRE(run(h).what == outcome::kind::success);
  ::close(leaked);
  BOOST_REQUIRE(seen.reach(2));
  const auto& listed = seen.all[0].result.empty() ? seen.all[1].result : seen.all[0].result;
  BOOST_TEST(listed == "\"0\\n1\\n2\\n3\\n4\""); // 4 is what ls opened
}

BOOST_AUTO_TEST_CASE(command_leads_a_session_and_group_of_its_own) {
  BOOST_CHECK(run("read -r pid name state parent group session rest </proc/$$/stat;"
                  "[ $group = $$ ] && [ $session = $$ ] && echo true")
              == outcome::succeeded("true"));
}

BOOST_AUTO_TEST_CASE(command_has_default_signals_and_an_empty_mask) {
  const auto usr1 = ::signal(SIGUSR1, SIG_IGN);
  const auto pipe = ::signal(SIGPIPE, SIG_IGN);
  handler h;
  h.command = {"/bin/grep", "-cE", "^Sig(Blk|Ign):\\s0+$", "/proc/self/status"};
  const auto o = run(h);
  ::signal(SIGUSR1, usr1);
  ::signal(SIGPIPE, pipe);
  BOOST_TEST(o.result == "2");
}

BOOST_AUTO_TEST_CASE(memory_limit_is_the_address_space_and_there_are_no_core_files) {
  handler h;
  h.command = {"/bin/sh", "-c", "echo \"[$(ulimit -v), $(ulimit -c)]\""};
  h.memory_mb = 64;
  BOOST_TEST(run(h).result == "[65536, 0]");
}

BOOST_AUTO_TEST_CASE(too_much_stdout_fails_the_job_but_never_blocks_it) {
  BOOST_CHECK(run("head -c 10000000 /dev/zero && touch $T/wrote_all")
              == outcome::failed("stdout went over 1 MiB"));
  BOOST_TEST(exists("wrote_all"));
}

BOOST_AUTO_TEST_CASE(one_mib_of_stdout_is_allowed) {
  const auto o = run("printf '\"'; head -c 1048574 /dev/zero | tr '\\0' x; printf '\"'");
  BOOST_CHECK(o.what == outcome::kind::success);
  BOOST_TEST(o.result.size() == limits::result_bytes);
}

BOOST_AUTO_TEST_CASE(of_stderr_the_end_is_kept) {
  const auto o = run("head -c 100000 /dev/zero | tr '\\0' x >&2; echo ' the end' >&2; exit 1");
  BOOST_TEST(o.message.starts_with("exit code 1: xxx"));
  BOOST_TEST(o.message.ends_with("x the end"));
  BOOST_TEST(o.message.size() > 4000u);
  BOOST_TEST(o.message.size() < 4200u);
}

BOOST_AUTO_TEST_CASE(output_that_is_no_text_can_be_stored) {
  BOOST_TEST(run("printf 'a\\377b\\000c'").result
             == "\"a\xEF\xBF\xBD"
                "b\xEF\xBF\xBD"
                "c\"");
  BOOST_TEST(run("printf 'a\\377b\\000c' >&2; exit 1").message
             == "exit code 1: a\xEF\xBF\xBD"
                "b\xEF\xBF\xBD"
                "c");
  const auto o = run("head -c 5000 /dev/zero >&2; exit 1"); // each byte becomes three
  BOOST_TEST(o.message.size() <= limits::message_bytes);
  BOOST_TEST(o.message.ends_with("\xEF\xBF\xBD"));
  BOOST_TEST(o.message.starts_with("exit code 1: \xEF\xBF\xBD"));
}

BOOST_AUTO_TEST_CASE(program_that_is_not_there_says_so) {
  handler h;
  h.command = {"/nowhere/program"};
  BOOST_CHECK(run(h) == outcome::failed("could not start /nowhere/program: No such file or directory"));
  h.command = {folder.string()};
  BOOST_CHECK(run(h) == outcome::failed("could not start " + folder.string() + ": Permission denied"));
}

BOOST_AUTO_TEST_CASE(five_hundred_runs_leave_no_descriptor_open) {
  handler missing;
  missing.command = {"/nowhere/program"};
  run("true");
  const auto before = open_descriptors();
  for (int i = 0; i < 250; ++i) {
    run(missing);
    run("exit 1");
  }
  // A pipe of the last run may be a moment from being closed when `done` is called.
  BOOST_TEST(comes([&] { return open_descriptors() == before; }));
}

BOOST_AUTO_TEST_CASE(lack_of_descriptors_fails_the_job_and_leaks_none) {
  run("true");
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  const auto before = open_descriptors();
  for (int free = 0; free < 9; ++free) { // a run needs nine: four pipes and a handle of the process
    rlimit low = usual;
    low.rlim_cur = 0;
    for (int left = free; left > 0 || ::fcntl(static_cast<int>(low.rlim_cur), F_GETFD) >= 0; ++low.rlim_cur)
      left -= ::fcntl(static_cast<int>(low.rlim_cur), F_GETFD) < 0;
    ::setrlimit(RLIMIT_NOFILE, &low);
    const auto o = run("true");
    ::setrlimit(RLIMIT_NOFILE, &usual);
    BOOST_TEST(o.message == "could not start /bin/sh: Too many open files");
  }
  BOOST_TEST(open_descriptors() == before);
  BOOST_CHECK(run("true") == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(child_that_holds_the_pipes_delays_nothing_and_dies) {
  BOOST_CHECK(run("sleep 1000 & echo $! > $T/pid; echo 1") == outcome::succeeded("1"));
  BOOST_TEST(is_gone(pid_in("pid")));
}

BOOST_AUTO_TEST_CASE(child_that_writes_without_end_delays_nothing) {
  BOOST_CHECK(run("yes >&2 & echo 1; sleep 0.05") == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(process_that_left_the_session_dies_with_the_job) {
  BOOST_CHECK(run(daemon("sleep 1000", "pid")) == outcome::succeeded());
  BOOST_TEST(is_gone(pid_in("pid")));
  BOOST_TEST(no_child_is_left());
}

BOOST_AUTO_TEST_CASE(descendants_of_processes_that_left_the_session_die_too) {
  const auto inner = "sh -c 'setsid sh -c \"echo \\$\\$ > $T/inner; exec sleep 1000\" & exec sleep 1000'";
  BOOST_CHECK(run(daemon(inner, "outer") + "until [ -s $T/inner ]; do sleep 0.01; done")
              == outcome::succeeded());
  BOOST_TEST(is_gone(pid_in("outer")));
  BOOST_TEST(is_gone(pid_in("inner")));
}

BOOST_AUTO_TEST_CASE(process_that_wiped_its_environment_dies_with_the_last_run) {
  run(daemon("env -i sleep 1000", "pid"));
  BOOST_TEST(is_gone(pid_in("pid")));
}

BOOST_AUTO_TEST_CASE(process_that_left_the_session_of_another_run_is_spared) {
  start(daemon("sleep 1000", "pid") + "until [ -e $T/go ]; do sleep 0.01; done");
  const auto pid = pid_in("pid");
  job.id = 8;
  start("true");
  BOOST_REQUIRE(seen.reach(1));
  BOOST_TEST(!is_gone(pid));
  std::ofstream(file("go")) << 1;
  BOOST_REQUIRE(seen.reach(2));
  BOOST_TEST(is_gone(pid));
}

BOOST_AUTO_TEST_CASE(orphans_that_end_are_reaped_while_the_run_goes_on) {
  BOOST_CHECK(run("(setsid sh -c 'exec true' & echo $! > $T/pid)\n"
                  "while [ -e /proc/$(cat $T/pid) ]; do sleep 0.02; done; echo 1")
              == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(children_that_no_run_started_are_left_alone) {
  const auto own = ::fork();
  if (own == 0)
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
  BOOST_CHECK(run("true") == outcome::succeeded());
  BOOST_TEST(!is_gone(own));
  ::kill(own, SIGTERM);
  int status = 0;
  siginfo_t info{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(own), &info, WEXITED | WNOWAIT) == 0);
  run("true"); // nor are they reaped
  BOOST_TEST(::waitpid(own, &status, 0) == own);
}

BOOST_AUTO_TEST_CASE(progress_is_told_while_the_command_runs) {
  start("echo '{\"percent\": 50, \"message\": \"half\"}' >&$JOB_PROGRESS_FD\n"
        "until [ -e $T/go ]; do sleep 0.01; done; echo 1");
  BOOST_REQUIRE(seen.tells(1));
  BOOST_TEST(seen.progress.at(0) == R"({"percent":50,"message":"half"})");
  BOOST_TEST(seen.all.empty());
  std::ofstream(file("go")) << 1;
  BOOST_CHECK(result() == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(progress_of_the_last_moment_is_told_before_the_end) {
  for (int i = 0; i < 50; ++i) {
    seen.progress.clear();
    run("echo '{\"percent\": 99}' >&$JOB_PROGRESS_FD; printf '{\"log\": \"bye\"}' >&$JOB_PROGRESS_FD");
    BOOST_REQUIRE(!seen.progress.empty());
    BOOST_TEST(seen.progress.back() == R"({"percent":99,"log":["bye"]})");
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_progress_is_dropped_and_harms_nothing) {
  BOOST_CHECK(run("echo 'half done' >&$JOB_PROGRESS_FD; echo '{\"percent\": 101}' >&$JOB_PROGRESS_FD\n"
                  "echo '{\"percent\": 1}' >&$JOB_PROGRESS_FD; echo 1")
              == outcome::succeeded("1"));
  BOOST_TEST(seen.progress.back() == R"({"percent":1})");
}

BOOST_AUTO_TEST_CASE(command_that_writes_much_progress_is_not_blocked) {
  BOOST_CHECK(run("yes '{\"percent\": 7}' | head -n 100000 >&$JOB_PROGRESS_FD; echo 1")
              == outcome::succeeded("1"));
  BOOST_TEST(seen.progress.back() == R"({"percent":7})");
}

BOOST_AUTO_TEST_CASE(progress_that_no_one_asked_for_is_read_all_the_same) {
  handler h;
  h.command = {"/bin/sh", "-c", "yes '{\"percent\": 7}' | head -n 20000 >&$JOB_PROGRESS_FD; echo 1"};
  executor->start(++last, job, h, {seen.callbacks().done});
  BOOST_CHECK(result() == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(command_may_close_its_progress) {
  BOOST_CHECK(run("exec 3>&-; sleep 0.05; echo 1") == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(child_that_holds_the_progress_pipe_delays_nothing) {
  BOOST_CHECK(run(daemon("sleep 1000", "pid") + "echo '{\"percent\": 1}' >&3; echo 1")
              == outcome::succeeded("1"));
  BOOST_TEST(is_gone(pid_in("pid")));
  BOOST_TEST(seen.progress.back() == R"({"percent":1})");
}

BOOST_AUTO_TEST_CASE(child_that_writes_progress_without_end_delays_nothing) {
  BOOST_CHECK(run("yes '{\"percent\": 7}' >&3 & sleep 0.05; echo 1") == outcome::succeeded("1"));
  const auto told = seen.progress.size();
  run("true");
  BOOST_TEST(seen.progress.size() == told); // nothing after the end
}

BOOST_AUTO_TEST_CASE(stop_asks_with_term) {
  const auto t = start("trap 'echo bye >&2; exit 7' TERM; touch $T/ready; while :; do sleep 0.01; done");
  BOOST_REQUIRE(comes([&] { return exists("ready"); }));
  executor->stop(t, limit);
  BOOST_TEST(result().message.starts_with("exit code 7: "));
}

BOOST_AUTO_TEST_CASE(term_reaches_processes_that_left_the_session) {
  // The inner shell starts first: what is ignored when a shell starts cannot be trapped.
  const auto t =
      start("setsid sh -c 'trap \"exit 5\" TERM; touch $T/inner; while :; do sleep 0.01; done' & p=$!\n"
            "trap '' TERM; touch $T/outer; wait $p");
  BOOST_REQUIRE(comes([&] { return exists("inner") && exists("outer"); }));
  executor->stop(t, limit);
  BOOST_TEST(result().message.starts_with("exit code 5"));
}

BOOST_AUTO_TEST_CASE(command_that_ignores_term_is_killed_after_the_grace) {
  const auto t = start("trap '' TERM; sleep 1000 & touch $T/ready; while :; do sleep 0.01; done");
  BOOST_REQUIRE(comes([&] { return exists("ready"); }));
  const auto asked = std::chrono::steady_clock::now();
  executor->stop(t, 200ms);
  BOOST_CHECK(result() == outcome::failed("killed by signal 9 (SIGKILL)"));
  BOOST_TEST((std::chrono::steady_clock::now() - asked >= 200ms));
  BOOST_TEST((std::chrono::steady_clock::now() - asked < 200ms + 1s));
  BOOST_TEST(no_child_is_left());
}

BOOST_AUTO_TEST_CASE(whole_tree_is_killed_after_the_grace) {
  const auto t = start("trap '' TERM\n" + daemon("sh -c 'while :; do sleep 0.01; done'", "pid")
                       + "setsid sleep 1000 & touch $T/ready; while :; do sleep 0.01; done");
  const auto pid = pid_in("pid");
  BOOST_REQUIRE(comes([&] { return exists("ready"); }));
  executor->stop(t, 10ms);
  BOOST_CHECK(result() == outcome::failed("killed by signal 9 (SIGKILL)"));
  BOOST_TEST(is_gone(pid));
  BOOST_TEST(no_child_is_left());
}

BOOST_AUTO_TEST_CASE(second_stop_shortens_the_grace_and_never_lengthens_it) {
  const auto t = start("trap '' TERM; touch $T/ready; while :; do sleep 0.01; done");
  BOOST_REQUIRE(comes([&] { return exists("ready"); }));
  const auto asked = std::chrono::steady_clock::now();
  executor->stop(t, 1h);
  executor->stop(t, 50ms);
  executor->stop(t, 1h);
  BOOST_CHECK(result() == outcome::failed("killed by signal 9 (SIGKILL)"));
  BOOST_TEST((std::chrono::steady_clock::now() - asked < 50ms + 1s));
}

BOOST_AUTO_TEST_CASE(stop_without_grace_kills_at_once) {
  const auto t = start("trap '' TERM; sleep 1000");
  executor->stop(t, 0ms);
  BOOST_CHECK(result() == outcome::failed("killed by signal 9 (SIGKILL)"));
}

BOOST_AUTO_TEST_CASE(stop_of_a_run_that_is_over_changes_nothing) {
  const auto t = start("true");
  BOOST_CHECK(result() == outcome::succeeded());
  executor->stop(t, 0ms);
  executor->stop(12'345, 0ms);
  BOOST_CHECK(run("echo 1") == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(two_hundred_runs_at_a_time_are_each_reported_once) {
  for (int i = 1; i <= 200; ++i) {
    job.id = i;
    start("sleep 0.1; (setsid sleep 1000 &); echo $JOB_ID");
  }
  BOOST_REQUIRE(seen.reach(200));
  std::set<std::string> results;
  for (const auto& o : seen.all)
    results.insert(o.result);
  BOOST_TEST(results.size() == 200u);
  BOOST_TEST(no_child_is_left());
}

BOOST_AUTO_TEST_CASE(done_may_start_the_next_run) {
  const auto first = ++last;
  const auto second = ++last;
  handler h;
  h.command = {"/bin/true"};
  executor->start(first, job, h, {[&](outcome o) {
                    seen.callbacks().done(std::move(o));
                    executor->start(second, job, h, seen.callbacks());
                  }});
  BOOST_TEST(seen.reach(2));
}

BOOST_AUTO_TEST_CASE(destruction_kills_and_releases_what_is_left) {
  for (int i = 0; i < 20; ++i)
    start("trap '' TERM; sleep 1000 & setsid sleep 1000 & touch $T/ready; while :; do sleep 1; done");
  BOOST_REQUIRE(comes([&] { return exists("ready"); }));
  const auto begin = std::chrono::steady_clock::now();
  executor.reset();
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 2s));
  BOOST_TEST(seen.all.size() == 20u);
  for (const auto& o : seen.all)
    BOOST_CHECK(o == outcome::given_back());
  BOOST_TEST(no_child_is_left());
}

BOOST_AUTO_TEST_CASE(two_executors_do_not_take_each_others_children) {
  command_executor other;
  outcomes others;
  handler h;
  h.command = {"/bin/sh", "-c", "exit 4"};
  for (int i = 0; i < 50; ++i) {
    other.start(static_cast<ticket>(i) + 1, job, h, others.callbacks());
    start(h);
  }
  BOOST_REQUIRE(seen.reach(50));
  BOOST_REQUIRE(others.reach(50));
  for (std::size_t i = 0; i < 50; ++i) {
    BOOST_CHECK(seen.all[i] == outcome::failed("exit code 4"));
    BOOST_CHECK(others.all[i] == outcome::failed("exit code 4"));
  }
}

BOOST_AUTO_TEST_CASE(worker_that_ignores_sigchld_learns_exit_codes_all_the_same) {
  executor.reset();
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  executor = std::make_unique<command_executor>();
  BOOST_CHECK(run("exit 3") == outcome::failed("exit code 3"));
  ::signal(SIGCHLD, before);
}

BOOST_AUTO_TEST_CASE(command_dies_with_its_worker) {
  executor.reset(); // no thread may hold a lock over the fork
  become_subreaper();
  const auto worker = ::fork();
  if (worker == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    command_executor own;
    handler h;
    h.command = {"/bin/sh", "-c", "echo $$ > " + file("pid") + "; exec sleep 1000"};
    own.start(1, job, h, {[](outcome) {}});
    for (;;)
      ::pause();
  }
  const auto pid = pid_in("pid");
  ::kill(worker, SIGKILL);
  BOOST_TEST(::waitpid(worker, nullptr, 0) == worker);
  int status = 0;
  BOOST_TEST(::waitpid(pid, &status, 0) == pid);
  BOOST_TEST(WTERMSIG(status) == SIGKILL);
}

BOOST_AUTO_TEST_SUITE_END()
