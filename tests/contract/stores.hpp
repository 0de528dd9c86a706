#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"
#include "tests/support/postgres_server.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

/// The stores that keep the contract, and what tests of it have in common.
namespace jobd::test {

using lifecycle::event;
using storage::finish_answer;

using store_ptr = std::unique_ptr<storage::store>;
using id_list = std::vector<job_id>;

/// A store under test: every `open` is another connection to the same jobs. What time would do is done to the
/// rows.
struct postgres_backend {
  static postgres_server& server();
  /// A database with all migrations, to be copied for each test.
  static const std::string& migrated();

  explicit postgres_backend(const std::string& from = migrated());

  [[nodiscard]] store_ptr closed(std::optional<seconds> window = 300s,
                                 std::chrono::milliseconds deadline = 5s) const;
  [[nodiscard]] store_ptr open(std::optional<seconds> window = 300s,
                               std::chrono::milliseconds deadline = 5s) const;

  void expire_keys(seconds ago = 1s) const;
  void expire_idempotency(seconds ago = 1s) const;
  void age_beat(node_id node, seconds by) const;
  /// All times of the job but its start.
  void age_job(job_id id, seconds by) const;
  /// All jobs have succeeded so long ago, and were made then.
  void end_all(seconds ago) const;
  [[nodiscard]] int count(const std::string& what) const;
  /// The whole row.
  [[nodiscard]] std::string row(job_id id) const;

  void sql(const std::string& text) const { server().query(database, text); }
  [[nodiscard]] std::string value(const std::string& text) const { return server().value(database, text); }
  static std::string interval(seconds s);

  std::string database;
};

/// A session beside the stores of a file.
struct sqlite_session {
  explicit sqlite_session(const std::string& path);
  ~sqlite_session();
  sqlite_session(const sqlite_session&) = delete;
  sqlite_session& operator=(const sqlite_session&) = delete;

  /// All fields of all rows, with a | behind each.
  std::string query(const std::string& text) const;

  sqlite3* db = nullptr;
};

struct sqlite_backend {
  sqlite_backend();

  [[nodiscard]] store_ptr closed(std::optional<seconds> window = 300s,
                                 std::chrono::milliseconds deadline = 5s) const;
  [[nodiscard]] store_ptr open(std::optional<seconds> window = 300s,
                               std::chrono::milliseconds deadline = 5s) const;

  void expire_keys(seconds ago = 1s) const;
  void expire_idempotency(seconds ago = 1s) const;
  void age_beat(node_id node, seconds by) const;
  void age_job(job_id id, seconds by) const;
  void end_all(seconds ago) const;
  [[nodiscard]] int count(const std::string& what) const;
  [[nodiscard]] std::string row(job_id id) const;

  std::string sql(const std::string& text) const;
  static std::string interval(seconds s);

  temp_folder folder{"sqlite"};
  std::string path = (folder.path() / "jobs.db").string();
};

using backends = std::tuple<postgres_backend, sqlite_backend>;

template <class T>
T must(expected<T> e) {
  BOOST_REQUIRE_MESSAGE(e.has_value(), (e ? "" : to_string(e.error())));
  return std::move(*e);
}

inline void must(const expected<void>& e) {
  BOOST_REQUIRE_MESSAGE(e.has_value(), (e ? "" : to_string(e.error())));
}

template <class T>
ec code(const expected<T>& e) {
  return e ? ec::none : e.error().code;
}

job_spec spec_of(std::int64_t object_id, const std::string& type = "default", int priority = 5,
                 const std::string& queue = "default");
/// At most one of its object runs at a time.
job_spec limited(std::int64_t object_id, int priority = 5);

std::vector<expected<created_job>> create(storage::store& s, std::vector<job_spec> specs);
created_job create(storage::store& s, const job_spec& spec);
id_list create_many(storage::store& s, int n, const std::string& type = "default");

storage::claim_request hinted(node_id node, id_list ids, int limit = 1000);
storage::claim_request heads(node_id node, int limit = 1000, std::vector<std::string> queues = {"default"});
std::vector<claimed_job> claim(storage::store& s, const storage::claim_request& request);

/// Of jobs, hints, changes.
template <class T>
id_list ids_of(const std::vector<T>& all) {
  auto ids = id_list{};
  for (const auto& one : all)
    ids.push_back(one.id);
  return ids;
}

storage::finish_request ended(node_id node, run_key run, event what, std::string result = {},
                              std::string message = {});
finish_answer finish(storage::store& s, const storage::finish_request& f);

job read(storage::store& s, job_id id);
node_id new_node(storage::store& s, const std::string& host = "here");
/// The overdue node as the observer sees it.
lease::suspect seen(storage::store& observer, node_id observer_id, node_id node);

/// A job that this node has claimed.
run_key running_job(storage::store& s, node_id node, const job_spec& spec);
run_key running_job(storage::store& s, node_id node, std::int64_t object_id = 1);

/// The outcomes of a job's attempts, each with its attempt: `1 failed`.
std::vector<std::string> outcomes(storage::store& s, job_id id);

/// Runs `f` on two threads, each with a store of its own.
template <class Backend, class F>
void race(const Backend& backend, F f) {
  auto stores = std::vector<store_ptr>{};
  for (auto i = 0; i < 2; ++i)
    stores.push_back(backend.open());
  auto first = std::async(std::launch::async, [&] { f(*stores[0], 0); });
  f(*stores[1], 1);
  first.get();
}

/// A session that holds locks while a test looks at what others do meanwhile.
struct other_session {
  explicit other_session(const postgres_backend& b);
  void exec(const std::string& sql);

  storage::postgres_connection pg;
};

/// Waits until a session of the database waits for a lock.
void await_blocked(const postgres_backend& b);

} // namespace jobd::test
