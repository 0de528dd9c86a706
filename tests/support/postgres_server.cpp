#include "tests/support/postgres_server.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace jobd::test {
namespace {

namespace fs = std::filesystem;

/// Where Debian keeps the newest version's programs, which are not in PATH; or in PATH.
std::string program(const std::string& name) {
  auto newest = 0;
  auto ignored = std::error_code{};
  for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", ignored})
    newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
  if (newest == 0)
    return name;
  return "/usr/lib/postgresql/" + std::to_string(newest) + "/bin/" + name;
}

/// PostgreSQL refuses to run as root. A change of user also forgets the death signal, so it is set after it.
std::vector<std::string> as_ordinary_user(std::vector<std::string> argv) {
  if (geteuid() == 0) {
    const auto front = {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                        "--pdeathsig=QUIT"};
    argv.insert(argv.begin(), front.begin(), front.end());
  }
  return argv;
}

/// A cluster that was made once for each user, to be copied: `initdb` takes seconds. Whoever comes first
/// renames its own into place; a second one's is dropped.
fs::path template_cluster() {
  const auto place = fs::temp_directory_path() / ("jobd-postgres-template-" + std::to_string(geteuid()));
  const auto data = place / "data";
  if (fs::exists(data / "PG_VERSION"))
    return data;
  const auto folder = temp_folder{"jobd-initdb"};
  const auto fresh = folder.path() / "cluster";
  fs::create_directory(fresh);
  fs::permissions(fresh, fs::perms::all);
  run(as_ordinary_user({program("initdb"), "--no-sync", "--auth=trust", "--username=postgres",
                        "--locale=C.UTF-8", "--encoding=UTF8", "--pgdata=" + (fresh / "data").string()}));
  fs::permissions(fresh, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  auto taken = std::error_code{};
  fs::rename(fresh, place, taken);
  if (!fs::exists(data / "PG_VERSION"))
    throw std::runtime_error{"cannot keep a cluster in " + place.string() + ": " + taken.message()};
  return data;
}

struct pg_deleter {
  void operator()(PGconn* c) const { PQfinish(c); }
  void operator()(PGresult* r) const { PQclear(r); }
};

} // namespace

postgres_server::postgres_server() {
  run({"cp", "-a", template_cluster().string(), (folder_.path() / "data").string()});
  // The port was free a moment ago; another test may have been faster.
  for (auto tries = 0; tries < 5; ++tries) {
    port_ = free_tcp_port();
    if (try_start())
      return;
  }
  throw std::runtime_error{"PostgreSQL did not start: " + log_text()};
}

std::string postgres_server::url(const std::string& database) const {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string postgres_server::socket_url(const std::string& database) const {
  return "host=" + folder_.path().string() + " port=" + std::to_string(port_)
         + " user=postgres dbname=" + database;
}

std::string postgres_server::create_database(const std::string& from) {
  const auto name = "test_" + std::to_string(++databases_);
  query("postgres", "create database " + name + " template " + from);
  return name;
}

std::vector<std::vector<std::string>> postgres_server::query(const std::string& database,
                                                             const std::string& sql) const {
  const auto pg = std::unique_ptr<PGconn, pg_deleter>{PQconnectdb(socket_url(database).c_str())};
  PQsetNoticeProcessor(
      pg.get(), [](void*, const char*) {}, nullptr);
  const auto result = std::unique_ptr<PGresult, pg_deleter>{PQexec(pg.get(), sql.c_str())};
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error{std::string{PQerrorMessage(pg.get())} + sql};
  auto rows = std::vector<std::vector<std::string>>(static_cast<std::size_t>(PQntuples(result.get())));
  for (auto row = 0; row < PQntuples(result.get()); ++row)
    for (auto col = 0; col < PQnfields(result.get()); ++col)
      rows[static_cast<std::size_t>(row)].emplace_back(PQgetvalue(result.get(), row, col));
  return rows;
}

std::string postgres_server::value(const std::string& database, const std::string& sql) const {
  const auto rows = query(database, sql);
  return rows.empty() || rows[0].empty() ? std::string{} : rows[0][0];
}

void postgres_server::stop(how h) {
  process_->signal(h == how::fast ? SIGINT : SIGQUIT);
  if (!process_->wait())
    throw std::runtime_error{"PostgreSQL did not stop: " + log_text()};
}

void postgres_server::kill9() {
  process_->kill9();
}

void postgres_server::start() {
  // Processes that were killed hold the shared memory until they are reaped.
  for (auto tries = 0; tries < 20; ++tries)
    if (try_start())
      return;
  throw std::runtime_error{"PostgreSQL did not start again: " + log_text()};
}

bool postgres_server::try_start() {
  auto options = server_process::options{};
  options.argv =
      as_ordinary_user({program("postgres"), "-D", (folder_.path() / "data").string(), "-k",
                        folder_.path().string(), "-h", "127.0.0.1", "-p", std::to_string(port_), "-c",
                        "fsync=off", "-c", "shared_buffers=64MB", "-c", "max_connections=200"});
  options.log = folder_.path() / "log";
  options.death_signal = SIGQUIT;
  process_.emplace(options);
  auto ready = false;
  return eventually([&] { return (ready = accepts_connections()) || !process_->running(); }, 30s, 20ms)
         && ready;
}

bool postgres_server::accepts_connections() const {
  return PQping(socket_url().c_str()) == PQPING_OK;
}

std::string postgres_server::log_text() const {
  auto file = std::ifstream{folder_.path() / "log"};
  auto text = std::ostringstream{};
  text << file.rdbuf();
  return text.str();
}

} // namespace jobd::test
