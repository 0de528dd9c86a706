#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/jobd_process.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"

#include <tao/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <string>
#include <utility>
#include <vector>

/// Real `jobd` processes on a private PostgreSQL and Redis.
namespace jobd::test {

using json = tao::json::value;
using steady = std::chrono::steady_clock;

/// The answer to a submission.
struct submission {
  int status = 0;
  /// 0 if the answer holds none.
  std::int64_t id = 0;
  http_answer answer;
};

/// What a test runs on, its fixture: a database and a Redis of its own, and the processes that it starts.
///
/// - The servers are shared by the tests of one program and always up at the start of a test.
/// - At its end all its processes are killed. One that had ended by itself fails the test.
/// - A test that failed shows their logs.
/// - Made and used in the main thread; other threads may only use `http_client`s of their own.
class cluster {
public:
  enum class schema { migrated, empty };

  explicit cluster(schema s = schema::migrated);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  // Processes. `extra` overrules DATABASE_URL, REDIS_URL and HTTP_PORT=0, which are always set.

  /// `jobd <arguments>`; it may not be ready yet.
  jobd_process& start(std::vector<std::string> arguments, const settings& extra = {});
  /// `jobd api` that listens.
  jobd_process& start_api(const settings& extra = {});
  /// `jobd worker` that runs.
  jobd_process& start_worker(const settings& extra = {});
  /// The first API that was started; starts one if there is none.
  jobd_process& api();

  // HTTP. Without `to` the first API is asked.

  submission post_job(const std::string& body) { return post_job(api(), body); }
  submission post_job(jobd_process& to, const std::string& body);
  /// The id of a new job; fails the test on any other answer.
  std::int64_t new_job(const std::string& body);
  /// GET /v1/jobs/id; fails the test on any answer but 200.
  json get_job(std::int64_t id);
  /// For anything else: `client().get(api().url("/healthz"))`.
  [[nodiscard]] http_client& client() noexcept { return client_; }

  // Jobs, read from the database.

  [[nodiscard]] std::string status(std::int64_t id);
  /// Waits until `id` has the status.
  [[nodiscard]] bool reaches(std::int64_t id, const std::string& status,
                             std::chrono::milliseconds limit = 15s);
  /// The only field of the only row, as text; null is empty.
  [[nodiscard]] std::string value(const std::string& sql) { return postgres().value(database_, sql); }
  [[nodiscard]] std::int64_t number(const std::string& sql) { return std::stoll(value(sql)); }
  /// `count("jobs where ready")`
  [[nodiscard]] std::int64_t count(const std::string& what) { return number("select count(*) from " + what); }
  std::vector<std::vector<std::string>> sql(const std::string& text) {
    return postgres().query(database_, text);
  }
  /// Waits until `sql` gives `expected`; a database that is away is waited for.
  [[nodiscard]] bool becomes(const std::string& sql, const std::string& expected,
                             std::chrono::milliseconds limit = 15s);
  /// From its return on, nobody gets at the jobs for so long; the future waits for the end of it.
  [[nodiscard]] std::future<void> lock_jobs_for(std::chrono::duration<double> time);

  // What it stands on.

  static postgres_server& postgres();
  static redis_server& redis();
  [[nodiscard]] const std::string& database() const noexcept { return database_; }
  [[nodiscard]] std::string database_url() const { return postgres().url(database_); }
  /// A folder for the files of this test; any user may write there.
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Writes a file into it and gives its path; `text` that starts with `#!` becomes a program.
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const;

private:
  void show_logs();

  std::filesystem::path folder_;
  std::string database_;
  /// A list, so that references stay good.
  std::list<jobd_process> processes_;
  jobd_process* first_api_ = nullptr;
  http_client client_;
};

/// A cluster whose database is empty.
struct empty_cluster : cluster {
  empty_cluster() : cluster(schema::empty) {}
};

/// What an answer to a submission says.
[[nodiscard]] submission understood(http_answer answer);

/// Calls `work(client, n)` for n = 0 … times − 1 on so many threads, each with a client of its own, and waits
/// for all. No assertions inside: they are not thread-safe. The first exception is thrown on.
void in_parallel(int threads, int times, const std::function<void(http_client&, int)>& work);

} // namespace jobd::test
