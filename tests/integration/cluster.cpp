#include "tests/integration/cluster.hpp"
#include "tests/support/programs.hpp"
#include "tests/support/row_rules.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <atomic>
#include <exception>
#include <fstream>
#include <iostream>

namespace jobd::test {
namespace {

namespace fs = std::filesystem;

/// Of a log, the end is what tells.
constexpr auto shown_bytes = std::size_t{20'000};

const temp_folder& all_folders() {
  static const auto folder = temp_folder{"jobd-integration"};
  return folder;
}

fs::path new_folder() {
  static auto number = 0;
  auto made = all_folders().path() / std::to_string(++number);
  fs::create_directory(made);
  fs::permissions(made, fs::perms::all);
  return made;
}

/// A database that a real `jobd migrate` has prepared, to be copied for each test.
const std::string& migrated() {
  static const auto name = [] {
    auto fresh = cluster::postgres().create_database();
    auto migrate = jobd_process{{.program = jobd_program(),
                                 .arguments = {"migrate"},
                                 .environment = {{"DATABASE_URL", cluster::postgres().url(fresh)}},
                                 .log = all_folders().path() / "migrate.log"}};
    if (migrate.exit_code() != 0)
      throw std::runtime_error{"jobd migrate failed: " + migrate.log()};
    hold_row_rules(cluster::postgres(), fresh);
    return fresh;
  }();
  return name;
}

/// The test before may have left them in any state.
void bring_up_servers() {
  auto& postgres = cluster::postgres();
  postgres.resume();
  try {
    postgres.query("postgres", "select 1");
  } catch (const std::runtime_error&) {
    postgres.start();
  }
  auto& redis = cluster::redis();
  redis.resume();
  if (redis.command({"PING"}) != "PONG")
    redis.start();
  redis.flushall();
}

bool test_has_failed() {
  using namespace boost::unit_test;
  return std::uncaught_exceptions() > 0
         || !results_collector.results(framework::current_test_case().p_id).passed();
}

} // namespace

cluster::cluster(schema s) : folder_(new_folder()) {
  bring_up_servers();
  database_ = s == schema::migrated ? postgres().create_database(migrated()) : postgres().create_database();
}

cluster::~cluster() {
  for (auto& p : processes_)
    if (!p.is_as_expected())
      BOOST_ERROR(p.name() << " has ended by itself with " << p.exit_code().value_or(-1));
  if (test_has_failed())
    show_logs();
}

postgres_server& cluster::postgres() {
  static auto server = postgres_server{};
  return server;
}

redis_server& cluster::redis() {
  static auto server = redis_server{};
  return server;
}

// -- processes
// --------------------------------------------------------------------------------------------------

jobd_process& cluster::start(std::vector<std::string> arguments, const settings& extra) {
  // What is there already stays.
  auto all = extra;
  all.insert({{"DATABASE_URL", database_url()}, {"REDIS_URL", redis().url()}, {"HTTP_PORT", "0"}});
  const auto log = folder_ / (std::to_string(processes_.size() + 1) + "-" + arguments.at(0) + ".log");
  return processes_.emplace_back(
      jobd_process::options{jobd_program(), std::move(arguments), std::move(all), log});
}

jobd_process& cluster::start_api(const settings& extra) {
  auto& started = start({"api"}, extra);
  (void)started.port();
  if (!first_api_)
    first_api_ = &started;
  return started;
}

jobd_process& cluster::start_worker(const settings& extra) {
  auto& started = start({"worker"}, extra);
  BOOST_REQUIRE_MESSAGE(started.says("The worker runs."), "the worker does not come up");
  return started;
}

jobd_process& cluster::api() {
  return first_api_ ? *first_api_ : start_api();
}

// -- HTTP
// -------------------------------------------------------------------------------------------------------

submission cluster::post_job(jobd_process& to, const std::string& body) {
  return understood(client_.post(to.url("/v1/jobs"), body));
}

std::int64_t cluster::new_job(const std::string& body) {
  const auto made = post_job(body);
  BOOST_REQUIRE_MESSAGE(made.status == 201, body << " was answered with " << made.status << ' '
                                                 << made.answer.body << made.answer.error);
  return made.id;
}

json cluster::get_job(std::int64_t id) {
  const auto found = client_.get(api().url("/v1/jobs/" + std::to_string(id)));
  BOOST_REQUIRE_MESSAGE(found.status == 200, "job " << id << " was answered with " << found.status << ' '
                                                    << found.body << found.error);
  return tao::json::from_string(found.body);
}

submission understood(http_answer answer) {
  auto result = submission{answer.status, 0, std::move(answer)};
  if (result.status == 200 || result.status == 201)
    result.id = tao::json::from_string(result.answer.body).at("job_id").as<std::int64_t>();
  return result;
}

void in_parallel(int threads, int times, const std::function<void(http_client&, int)>& work) {
  auto next = std::atomic<int>{0};
  auto running = std::vector<std::future<void>>{};
  for (auto i = 0; i < threads; ++i)
    running.push_back(std::async(std::launch::async, [&] {
      auto client = http_client{};
      for (auto n = next++; n < times; n = next++)
        work(client, n);
    }));
  for (auto& thread : running)
    thread.wait();
  for (auto& thread : running)
    thread.get();
}

// -- jobs
// -------------------------------------------------------------------------------------------------------

std::string cluster::status(std::int64_t id) {
  return value("select status from jobs where id = " + std::to_string(id));
}

bool cluster::reaches(std::int64_t id, const std::string& status, std::chrono::milliseconds limit) {
  return becomes("select status from jobs where id = " + std::to_string(id), status, limit);
}

bool cluster::becomes(const std::string& sql, const std::string& expected, std::chrono::milliseconds limit) {
  const auto fact = [&] {
    try {
      return value(sql) == expected;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  return eventually(fact, limit, 20ms);
}

std::future<void> cluster::lock_jobs_for(std::chrono::duration<double> time) {
  const auto sleep = "select pg_sleep(" + std::to_string(time.count()) + ")";
  auto locked = std::async(std::launch::async, [database = database_, sleep] {
    postgres().query(database, "begin; lock table jobs in access exclusive mode; " + sleep + "; commit");
  });
  BOOST_REQUIRE_MESSAGE(becomes("select count(*) from pg_locks where relation = 'jobs'::regclass"
                                " and mode = 'AccessExclusiveLock' and granted",
                                "1"),
                        "the jobs cannot be locked");
  return locked;
}

// -- files
// ------------------------------------------------------------------------------------------------------

std::string cluster::file(const std::string& name, const std::string& text) const {
  const auto path = folder_ / name;
  std::ofstream{path, std::ios::binary} << text;
  if (text.starts_with("#!"))
    fs::permissions(path, fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec,
                    fs::perm_options::add);
  return path.string();
}

void cluster::show_logs() {
  for (const auto& p : processes_) {
    const auto text = p.log();
    const auto start = text.size() > shown_bytes ? text.find('\n', text.size() - shown_bytes) + 1 : 0;
    std::cerr << "---- " << p.name() << ", process " << p.pid() << '\n' << text.substr(start);
  }
  std::cerr << "----\n";
}

} // namespace jobd::test
