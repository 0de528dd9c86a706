#include "storage/sqlite_store.hpp"

#include "storage/migrations.hpp"
#include "storage/sqlite_changes.hpp"
#include "storage/sqlite_jobs.hpp"
#include "storage/sqlite_nodes.hpp"
#include "storage/sqlite_queues.hpp"
#include "storage/sqlite_upkeep.hpp"
#include "storage/sqlite_write.hpp"

#include <utility>

namespace jobd::storage {
namespace {

expected<int> schema_version(sqlite_connection& db) {
  auto version = 0;
  return db.each("pragma user_version", [&](const sqlite_row& r) { version = r.number<int>(0); }).map([&] {
    return version;
  });
}

/// Applies what the file lacks; all of it or nothing.
expected<void> migrate(sqlite_connection& db) {
  auto found = schema_version(db);
  for (const auto& m : sqlite_migrations()) {
    if (!found)
      return tl::unexpected{found.error()};
    if (m.version <= *found)
      continue;
    auto applied = db.run_script(std::string{m.sql} + "; pragma user_version = " + std::to_string(m.version));
    if (!applied)
      return fail(applied.error().code, "migration " + std::string{m.name} + ": " + applied.error().context);
  }
  return {};
}

/// A newer schema is fine: a migration must leave the programs before it alone.
expected<sqlite_connection> open_migrated(const sqlite_options& o) {
  auto db = sqlite_connection::open(o.path, o.deadline);
  if (!db)
    return db;
  const auto found = schema_version(*db);
  if (!found)
    return tl::unexpected{found.error()};
  if (*found < sqlite_migrations().back().version)
    if (auto migrated = db->write([&] { return migrate(*db); }); !migrated)
      return tl::unexpected{migrated.error()};
  return db;
}

class sqlite_store final : public store {
public:
  explicit sqlite_store(sqlite_options o) : options_(std::move(o)) {}

  expected<void> connect() override {
    db_.reset();
    auto opened = open_migrated(options_);
    if (!opened)
      return tl::unexpected{opened.error()};
    db_.emplace(std::move(*opened));
    return {};
  }

  expected<batch_result> flush(const batch& b) override {
    return writing([&] { return write(b); });
  }
  expected<std::vector<std::optional<job>>> find(std::span<const job_id> ids) override {
    return call([&] { return read_jobs(*db_, ids); });
  }
  expected<std::vector<created_job>> submit(const submission& s) override {
    return writing([&] { return write_submission(*db_, s, options_.dedupe_window); });
  }
  expected<job_page> list(const page_request& q) override {
    return call([&] { return list_jobs(*db_, q); });
  }
  expected<std::vector<job_change>> cancel(std::span<const job_id> ids) override {
    return writing([&] { return cancel_jobs(*db_, ids); });
  }
  expected<std::vector<job_change>> rerun(std::span<const job_id> ids) override {
    return writing([&] { return rerun_jobs(*db_, ids); });
  }
  expected<expiry> expire(int limit) override {
    return writing([&] { return expire_jobs(*db_, limit); });
  }
  expected<std::vector<attempt_record>> history(job_id id) override {
    return call([&] { return read_history(*db_, id); });
  }
  expected<explanation> explain(job_id id) override {
    return call([&] { return explain_job(*db_, id); });
  }
  expected<std::vector<queue_info>> queues() override {
    return call([&] { return read_queues(*db_); });
  }
  expected<queue_info> pause(const std::string& queue, bool paused) override {
    return writing([&] { return pause_queue(*db_, queue, paused); });
  }
  expected<std::vector<queue_stats>> stats() override {
    return call([&] { return read_stats(*db_); });
  }
  expected<std::vector<worker_info>> workers() override {
    return call([&] { return read_workers(*db_); });
  }
  expected<node_id> register_node(const node_info& info) override {
    return writing([&] { return insert_node(*db_, info); });
  }
  expected<beat_report> beat(node_id node) override {
    return writing([&] { return renew_beat(*db_, node); });
  }
  expected<void> unregister_node(node_id node) override {
    return writing([&] { return delete_node(*db_, node); });
  }
  expected<std::vector<job_change>> rescue(const lease::suspect& dead) override {
    return writing([&] { return rescue_jobs(*db_, dead); });
  }
  expected<bool> host_is_alive(const std::string& host) override {
    return call([&] { return host_has_beaten(*db_, host); });
  }
  expected<queue_heads> heads(int most) override {
    return call([&] { return read_heads(*db_, most); });
  }
  expected<std::vector<hint>> ready_jobs(const ready_query& q) override {
    return call([&] { return read_ready(*db_, q); });
  }
  expected<promotion> promote(int limit) override {
    return writing([&] { return promote_due(*db_, limit); });
  }
  expected<prune_report> prune(prune_cursor from, seconds retention) override {
    return writing([&] { return prune_old(*db_, from, retention); });
  }

private:
  template <class F>
  auto call(F f) -> decltype(f()) {
    if (!db_)
      return fail(ec::store_away, options_.path + " is not open");
    auto r = f();
    if (!r && (r.error().code == ec::store_away || r.error().code == ec::store_uncertain))
      db_.reset();
    return r;
  }
  template <class F>
  auto writing(F f) -> decltype(f()) {
    return call([&] { return db_->write(f); });
  }

  expected<batch_result> write(const batch& b) {
    if (auto progresses = write_progresses(*db_, b.progresses); !progresses)
      return tl::unexpected{progresses.error()};
    auto finishes = write_finishes(*db_, b.finishes);
    if (!finishes)
      return tl::unexpected{finishes.error()};
    auto claims = write_claims(*db_, b.claims);
    if (!claims)
      return tl::unexpected{claims.error()};
    auto creates = write_creates(*db_, b.creates, options_.dedupe_window);
    if (!creates)
      return tl::unexpected{creates.error()};
    return batch_result{std::move(finishes->answers), std::move(*claims), std::move(*creates),
                        std::move(finishes->unblocked)};
  }

  sqlite_options options_;
  /// Absent while the store is closed.
  std::optional<sqlite_connection> db_;
};

} // namespace

std::unique_ptr<store> make_sqlite_store(sqlite_options o) {
  return std::make_unique<sqlite_store>(std::move(o));
}

expected<void> take_over_sqlite(const sqlite_options& o) {
  auto db = open_migrated(o);
  if (!db)
    return tl::unexpected{db.error()};
  return db->write([&] { return delete_all_nodes(*db); });
}

} // namespace jobd::storage
