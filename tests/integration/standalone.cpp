#include "tests/support/http_client.hpp"
#include "tests/support/jobd_process.hpp"
#include "tests/support/programs.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <list>

/// `jobd standalone`: one real process on a folder of its own, without any server.

using namespace jobd::test;

namespace {

namespace fs = std::filesystem;

/// A folder with the data, the handlers and the logs of a test, and the processes that it starts.
class standalone_folder {
public:
  standalone_folder() {
    // It runs until the file is there: a test decides when a job ends.
    write("wait.sh", "#!/bin/sh\nwhile [ ! -e '" + (path() / "go").string() + "' ]; do sleep 0.02; done\n");
    chmod((path() / "wait.sh").c_str(), 0755);
    write("handlers.json", R"({"default": "builtin:echo", "wait": {"command": ["./wait.sh"]}})");
  }
  ~standalone_folder() {
    if (boost::unit_test::results_collector.results(boost::unit_test::framework::current_test_case_id())
            .passed())
      return;
    for (const auto& p : processes_)
      BOOST_TEST_MESSAGE(p.name() << ":\n" << p.log());
  }

  /// `jobd standalone`; it may not be ready yet.
  jobd_process& start(settings extra = {}) {
    extra.insert(
        {{"HTTP_PORT", "0"}, {"JOBD_DATA", data()}, {"JOB_HANDLERS", (path() / "handlers.json").string()}});
    const auto log = path() / (std::to_string(processes_.size()) + ".log");
    return processes_.emplace_back(jobd_process::options{jobd_program(), {"standalone"}, extra, log});
  }

  /// The id of a job that was accepted; 0 if it was not.
  int submit(jobd_process& to, const std::string& body) {
    const auto answer = client_.post(to.url("/v1/jobs"), body);
    BOOST_TEST_REQUIRE((answer.status == 201 || answer.status == 200), answer.status << ": " << answer.body);
    return std::atoi(answer.body.c_str() + answer.body.find_first_of("0123456789"));
  }
  std::string get(jobd_process& from, int id) {
    return client_.get(from.url("/v1/jobs/" + std::to_string(id))).body;
  }
  /// Waits until the job, as the API shows it, holds the text.
  [[nodiscard]] bool shows(jobd_process& from, int id, const std::string& text,
                           std::chrono::milliseconds limit = 15s) {
    const auto there = eventually([&] { return get(from, id).find(text) != std::string::npos; }, limit, 20ms);
    BOOST_TEST(there, "job " << id << " does not hold " << text << ": " << get(from, id));
    return there;
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream{path() / name} << text; }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }
  [[nodiscard]] std::string data() const { return (path() / "data").string(); }

private:
  temp_folder folder_{"standalone"};
  /// A list, so that references stay good.
  std::list<jobd_process> processes_;
  http_client client_;
};

/// The lines of a log at this level.
int lines(const std::string& log, const std::string& level) {
  auto n = 0;
  for (auto at = log.find(' ' + level + ' '); at != std::string::npos;
       at = log.find(' ' + level + ' ', at + 1))
    ++n;
  return n;
}

/// Ends with this code, and one line says why.
void check_refused(jobd_process& p, int exit_code, const std::string& why) {
  BOOST_TEST(p.exit_code().value_or(-1) == exit_code);
  BOOST_TEST(lines(p.log(), "ERROR") == 1, p.log());
  BOOST_TEST(lines(p.log(), "WARN") == 0, p.log());
  BOOST_TEST(p.log().find(why) != std::string::npos, "\"" << why << "\" is not in: " << p.log());
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(standalone, standalone_folder)

BOOST_AUTO_TEST_CASE(a_job_runs_to_its_result) {
  auto& jobd = start();
  const auto id = submit(jobd, R"({"object_id": 7, "payload": {"to": "you"}})");
  BOOST_TEST(id == 1);
  BOOST_TEST(shows(jobd, id, R"("status":"success")"));
  BOOST_TEST(shows(jobd, id, R"("result":{"to": "you"})"));
  BOOST_TEST(submit(jobd, R"({"object_id": 7})") == id);
  BOOST_TEST(jobd.terminate().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(every_accepted_job_outlives_a_kill_and_runs) {
  auto ids = std::vector<int>{};
  auto delayed = 0;
  {
    auto& jobd = start({{"JOB_CONCURRENCY", "2"}});
    for (auto object = 1; object <= 20; ++object)
      ids.push_back(submit(jobd, R"({"type": "wait", "object_id": )" + std::to_string(object) + "}"));
    delayed = submit(jobd, R"({"object_id": 1, "delay": 0.5})");
    BOOST_TEST(shows(jobd, ids[0], R"("status":"running")"));
    BOOST_TEST(shows(jobd, ids[1], R"("status":"running")"));
    // The last one is accepted, and the process is gone.
    ids.push_back(submit(jobd, R"({"type": "wait", "object_id": 21})"));
    jobd.kill9();
  }
  write("go", "");
  auto& again = start();
  for (const auto id : ids)
    BOOST_TEST(shows(again, id, R"("status":"success")"));
  BOOST_TEST(shows(again, delayed, R"("status":"success")"));
  for (const auto id : {ids[0], ids[1]}) {
    BOOST_TEST(shows(again, id, R"("attempt":2,)"));
    BOOST_TEST(shows(again, id, R"("recoveries":1,)"));
  }
  BOOST_TEST(shows(again, ids[20], R"("attempt":1,)"));
  // The key of a job stands, too.
  BOOST_TEST(submit(again, R"({"type": "wait", "object_id": 20})") == ids[19]);
  BOOST_TEST(again.terminate().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(a_second_process_is_told_who_holds_the_folder) {
  auto& first = start();
  const auto id = submit(first, R"({"object_id": 1})");
  auto& second = start();
  check_refused(second, 1, data() + " is in use by process " + std::to_string(first.pid()));
  BOOST_TEST(shows(first, id, R"("status":"success")"));
  first.kill9();
  auto& third = start();
  BOOST_TEST(shows(third, id, R"("status":"success")"));
}

BOOST_AUTO_TEST_CASE(a_shutdown_ends_within_its_grace_and_spends_no_retry) {
  auto& jobd = start({{"JOB_SHUTDOWN_GRACE", "0.5"}, {"JOB_CONCURRENCY", "1"}});
  const auto runs = submit(jobd, R"({"type": "wait", "object_id": 1})");
  const auto waits = submit(jobd, R"({"type": "wait", "object_id": 2})");
  BOOST_TEST(shows(jobd, runs, R"("status":"running")"));
  const auto asked = std::chrono::steady_clock::now();
  BOOST_TEST(jobd.terminate().value_or(-1) == 0);
  BOOST_TEST((std::chrono::steady_clock::now() - asked < 5'500ms));
  write("go", "");
  auto& again = start();
  BOOST_TEST(shows(again, runs, R"("status":"success")"));
  BOOST_TEST(shows(again, waits, R"("status":"success")"));
  BOOST_TEST(shows(again, runs, R"("attempt":2,"failures":0,"recoveries":0,)"));
  BOOST_TEST(shows(again, waits, R"("attempt":1,)"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_told_in_one_line) {
  check_refused(start({{"JOBD_DATA", "/proc/jobd"}}), 1, "/proc/jobd cannot be written: ");
  write("file", "");
  const auto file = (path() / "file").string();
  check_refused(start({{"JOBD_DATA", file}}), 1, file + " cannot be written: Not a directory");
  check_refused(start({{"JOB_HANDLERS", "/none.json"}}), 2, "/none.json");
  fs::create_directories(path() / "damaged");
  write("damaged/jobs.db", std::string(10'000, 'x'));
  check_refused(start({{"JOBD_DATA", (path() / "damaged").string()}}), 1, "damaged/jobs.db is damaged");
  const auto port = std::to_string(start().port());
  check_refused(start({{"JOBD_DATA", (path() / "other").string()}, {"HTTP_PORT", port}}), 1,
                "HTTP_PORT " + port + " on 127.0.0.1 is taken");
}

BOOST_AUTO_TEST_CASE(without_a_setting_the_folder_is_under_the_data_home) {
  auto& jobd = start({{"JOBD_DATA", ""}, {"XDG_DATA_HOME", (path() / "xdg").string()}});
  BOOST_TEST(jobd.says("Jobs are kept in a file."));
  BOOST_TEST(fs::exists(path() / "xdg/jobd/jobs.db"));
  auto& other = start({{"JOBD_DATA", ""}, {"HOME", path().string()}});
  BOOST_TEST(other.says("Jobs are kept in a file."));
  BOOST_TEST(fs::exists(path() / ".local/share/jobd/jobs.db"));
  struct stat folder {};
  stat((path() / ".local/share/jobd").c_str(), &folder);
  BOOST_TEST((folder.st_mode & 0777) == 0700);
}

BOOST_AUTO_TEST_SUITE_END()
