#include "storage/sqlite_nodes.hpp"

#include "storage/sqlite_jobs.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

constexpr auto insert_new_node = R"sql(
insert into nodes (host, pid, version, slots, started_at, heartbeat_at) values (?1, ?2, ?3, ?4, ?5, ?5)
returning id
)sql";

constexpr auto renew = "update nodes set heartbeat_at = ?2 where id = ?1";

constexpr auto read_overdue =
    "select id, heartbeat_at from nodes where id <> ?1 and heartbeat_at < ?2 order by id";

constexpr auto read_orphaning = R"sql(
select distinct node_id from jobs
where status = 'running' and not exists (select 1 from nodes where nodes.id = jobs.node_id)
)sql";

constexpr auto read_running =
    "select id, attempt from jobs where status = 'running' and node_id = ?1 order by id";

constexpr auto delete_by_id = "delete from nodes where id = ?1";

/// Only if the beat is the one that was judged.
constexpr auto delete_judged = "delete from nodes where id = ?1 and heartbeat_at = ?2 returning host, pid";

constexpr auto find_node = "select 1 from nodes where id = ?1";

/// A job that fails here forgets its node, or that node's late finish would pass for the one that is stored.
constexpr auto free_running = R"sql(
update jobs set
  status = iif(recoveries < ?2, ?3, ?4),
  recoveries = recoveries + 1,
  node_id = null,
  start_time = iif(recoveries < ?2, null, start_time),
  end_time = iif(recoveries < ?2, null, ?5),
  message = iif(recoveries < ?2, message,
    'quarantined: its node died ' || (recoveries + 1) || ' times while running it, last node ' || ?1 || ?6)
where status = 'running' and node_id = ?1
returning id, queue, priority, status = ?3
)sql";

constexpr auto find_host = "select 1 from nodes where host = ?1 and heartbeat_at >= ?2 limit 1";

timestamp overdue_since() {
  return time_now() - lease::overdue_after;
}

/// A status after an event that a running job can meet.
std::string_view after_running(lifecycle::event e) {
  return to_string(lifecycle::next(job_status::running, e).value());
}

expected<bool> exists(sqlite_connection& db, node_id node) {
  auto found = false;
  return db
      .each(
          find_node, [&](const sqlite_row&) { found = true; }, node)
      .map([&] { return found; });
}

} // namespace

expected<node_id> insert_node(sqlite_connection& db, const node_info& info) {
  auto id = node_id{};
  return db
      .each(
          insert_new_node, [&](const sqlite_row& r) { id = r.number<node_id>(0); }, info.host, info.pid,
          info.version, info.slots, time_now())
      .map([&] { return id; });
}

expected<beat_report> renew_beat(sqlite_connection& db, node_id node) {
  auto report = beat_report{};
  auto done = db.run(renew, node, time_now());
  report.known = db.changed() > 0;
  const auto overdue = [&](const sqlite_row& r) {
    report.overdue.push_back({r.number<node_id>(0), r.time(1).value_or(timestamp{})});
  };
  const auto orphaning = [&](const sqlite_row& r) { report.orphaning.push_back(r.number<node_id>(0)); };
  const auto running = [&](const sqlite_row& r) {
    report.running.push_back({r.number<job_id>(0), r.number<attempt_no>(1)});
  };
  return done.and_then([&] { return db.each(read_overdue, overdue, node, overdue_since()); })
      .and_then([&] { return db.each(read_orphaning, orphaning); })
      .and_then([&] { return db.each(read_running, running, node); })
      .map([&] { return std::move(report); });
}

expected<void> delete_node(sqlite_connection& db, node_id node) {
  return db.run(delete_by_id, node);
}

expected<void> delete_all_nodes(sqlite_connection& db) {
  return db.run("delete from nodes");
}

expected<std::vector<job_change>> rescue_jobs(sqlite_connection& db, const lease::suspect& dead) {
  auto evidence = std::string{};
  auto deleted = db.each(
      delete_judged, [&](const sqlite_row& r) { evidence = " (" + r.text(0) + ":" + r.text(1) + ")"; },
      dead.node, dead.heartbeat_at);
  const auto lives = deleted.and_then([&] { return exists(db, dead.node); });
  if (!lives)
    return tl::unexpected{lives.error()};
  auto changes = std::vector<job_change>{};
  if (*lives)
    return changes;
  auto freed = db.each(
      free_running,
      [&](const sqlite_row& r) {
        if (r.number<int>(3) != 0)
          changes.push_back(
              {.id = r.number<job_id>(0), .type = {}, .queue = r.text(1), .priority = r.number<int>(2)});
      },
      dead.node, lifecycle::max_recoveries, after_running(lifecycle::event::rescue),
      after_running(lifecycle::event::quarantine), time_now(), evidence);
  if (!freed)
    return tl::unexpected{freed.error()};
  std::ranges::sort(changes, {}, &job_change::id);
  return changes;
}

expected<bool> host_has_beaten(sqlite_connection& db, const std::string& host) {
  auto found = false;
  return db
      .each(
          find_host, [&](const sqlite_row&) { found = true; }, host, overdue_since())
      .map([&] { return found; });
}

} // namespace jobd::storage
