#include "storage/sqlite_nodes.hpp"

#include "storage/sqlite_jobs.hpp"
#include "storage/sqlite_object_limit.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

constexpr auto insert_new_node = R"sql(
insert into nodes (host, pid, version, slots, queues, types, started_at, heartbeat_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
returning id
)sql";

constexpr auto renew = "update nodes set heartbeat_at = ?2, times = ?3 where id = ?1";

constexpr auto read_overdue =
    "select id, heartbeat_at from nodes where id <> ?1 and heartbeat_at < ?2 order by id";

constexpr auto read_orphaning = R"sql(
select distinct node_id from jobs
where status = 'running' and not exists (select 1 from nodes where nodes.id = jobs.node_id)
)sql";

constexpr auto read_running =
    "select id, attempt, cancel_requested from jobs where status = 'running' and node_id = ?1 order by id";

constexpr auto read_paused = "select name from queues where paused order by name";

constexpr auto delete_by_id = "delete from nodes where id = ?1";

/// Only if the beat is the one that was judged.
constexpr auto delete_judged = "delete from nodes where id = ?1 and heartbeat_at = ?2 returning host, pid";

constexpr auto find_node = "select 1 from nodes where id = ?1";

constexpr auto record_lost = R"sql(
insert or replace into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time)
select id, attempt, 'lost', node_id, start_time, ?2 from jobs
where status = 'running' and node_id = ?1
)sql";

/// A job that ends here forgets its node, or that node's late finish would pass for the one that is stored.
constexpr auto free_running = R"sql(
update jobs set
  status = case when cancel_requested then ?5 when recoveries < ?2 then ?3 else ?4 end,
  recoveries = recoveries + 1,
  cancel_requested = 0,
  node_id = null,
  start_time = iif(recoveries < ?2 and not cancel_requested, null, start_time),
  end_time = iif(recoveries < ?2 and not cancel_requested, null, ?6),
  message = iif(recoveries < ?2 or cancel_requested, message,
    'quarantined: its node died ' || (recoveries + 1) || ' times while running it, last node ' || ?1 || ?7)
where status = 'running' and node_id = ?1
returning id, object_id, type, queue, priority, status, attempt, null
)sql";

constexpr auto find_host = "select 1 from nodes where host = ?1 and heartbeat_at >= ?2 limit 1";

/// A name has no comma.
constexpr auto list_workers = R"sql(
select id, host, pid, version, slots, (select group_concat(value) from json_each(queues)),
  (select group_concat(value) from json_each(types)), started_at, heartbeat_at,
  (select count(*) from jobs where status = 'running' and node_id = nodes.id)
from nodes where slots > 0 and heartbeat_at >= ?1 order by id limit ?2
)sql";

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

/// Ends all runs of a node that is gone.
expected<std::vector<job_change>> free_jobs(sqlite_connection& db, node_id node,
                                            const std::string& evidence) {
  using lifecycle::event;
  const auto now = time_now();
  auto changes = std::vector<job_change>{};
  auto ended = std::vector<job_id>{};
  const auto on_row = [&](const sqlite_row& r) {
    changes.push_back(read_change(r));
    ended.push_back(changes.back().id);
  };
  return db.run(record_lost, node, now)
      .and_then([&] {
        return db.each(free_running, on_row, node, lifecycle::max_recoveries, after_running(event::rescue),
                       after_running(event::quarantine), after_running(event::cancel), now, evidence);
      })
      .and_then([&] { return unblock(db, ended); })
      .map([&](const std::vector<hint>&) {
        std::ranges::sort(changes, {}, &job_change::id);
        return std::move(changes);
      });
}

} // namespace

expected<node_id> insert_node(sqlite_connection& db, const node_info& info) {
  auto id = node_id{};
  return db
      .each(
          insert_new_node, [&](const sqlite_row& r) { id = r.number<node_id>(0); }, info.host, info.pid,
          info.version, info.slots, json_list(info.queues), json_list(info.types), time_now())
      .map([&] { return id; });
}

expected<beat_report> renew_beat(sqlite_connection& db, node_id node, const std::string& times) {
  auto report = beat_report{};
  auto done = db.run(renew, node, time_now(), times);
  report.known = db.changed() > 0;
  const auto overdue = [&](const sqlite_row& r) {
    report.overdue.push_back({r.number<node_id>(0), r.time(1).value_or(timestamp{})});
  };
  const auto orphaning = [&](const sqlite_row& r) { report.orphaning.push_back(r.number<node_id>(0)); };
  const auto running = [&](const sqlite_row& r) {
    report.running.push_back({r.number<job_id>(0), r.number<attempt_no>(1)});
    if (r.number<int>(2) != 0)
      report.cancelled.push_back(report.running.back());
  };
  const auto paused = [&](const sqlite_row& r) { report.paused.push_back(r.text(0)); };
  return done.and_then([&] { return db.each(read_overdue, overdue, node, overdue_since()); })
      .and_then([&] { return db.each(read_orphaning, orphaning); })
      .and_then([&] { return db.each(read_running, running, node); })
      .and_then([&] { return db.each(read_paused, paused); })
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
  if (*lives)
    return std::vector<job_change>{};
  return free_jobs(db, dead.node, evidence);
}

expected<std::vector<worker_info>> read_workers(sqlite_connection& db) {
  auto workers = std::vector<worker_info>{};
  const auto on_row = [&](const sqlite_row& r) {
    auto& w = workers.emplace_back();
    w.id = r.number<node_id>(0);
    w.what = {r.text(1),        r.number<int>(2),       r.text(3),
              r.number<int>(4), split_names(r.text(5)), split_names(r.text(6))};
    w.started_at = r.time(7).value_or(timestamp{});
    w.heartbeat_at = r.time(8).value_or(timestamp{});
    w.running = r.number<int>(9);
  };
  return db.each(list_workers, on_row, overdue_since(), most_workers).map([&] { return std::move(workers); });
}

expected<bool> host_has_beaten(sqlite_connection& db, const std::string& host) {
  auto found = false;
  return db
      .each(
          find_host, [&](const sqlite_row&) { found = true; }, host, overdue_since())
      .map([&] { return found; });
}

} // namespace jobd::storage
