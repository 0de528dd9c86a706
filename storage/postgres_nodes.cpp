#include "storage/postgres_nodes.hpp"

#include "storage/postgres_jobs.hpp"
#include "storage/postgres_write.hpp"

namespace jobd::storage {
namespace {

constexpr auto insert_new_node = statement{"insert_node", R"sql(
insert into nodes (host, pid, version, slots, queues, types)
values ($1::text, $2::integer, $3::text, $4::integer, $5::text[], $6::text[])
returning id
)sql"};

/// The parts see the table as it was before the beat was renewed, so the node itself is left out of the
/// overdue ones.
constexpr auto beat_and_look = statement{"beat_and_look", R"sql(
with me as (
  update nodes set heartbeat_at = timezone('utc', now()) where id = $1::bigint returning id
)
select 'known', id, null::integer, null::timestamp, null::text from me
union all
select 'overdue', id, null, heartbeat_at, null from nodes
where id <> $1::bigint and heartbeat_at < timezone('utc', now()) - $2::float8 * interval '1 second'
union all
select 'orphaning', node_id, null, null, null from (
  select distinct node_id from jobs where status = 'running'
) owners
where not exists (select from nodes where nodes.id = owners.node_id)
union all
select case when cancel_requested then 'cancelled' else 'running' end, id, attempt, null, null from jobs
where status = 'running' and node_id = $1::bigint
union all
select 'paused', null, null, null, name from queues where paused
)sql"};

constexpr auto delete_by_id = statement{"delete_node", "delete from nodes where id = $1::bigint"};

/// The row goes only if the beat is the one that was judged; a beat that is renewed meanwhile makes the
/// delete find nothing. A job that ends here forgets its node, or that node's late finish would pass for the
/// one that is stored.
constexpr auto rescue_from = statement{"rescue_from", R"sql(
with gone as (
  delete from nodes where id = $1::bigint and heartbeat_at = $2::timestamp returning host, pid
), held as (
  select id, start_time,
    case when cancel_requested then $6::text when recoveries < $3::integer then $4::text else $5::text end as fate
  from jobs
  where node_id = $1::bigint and status = 'running'
    and (exists (select from gone) or not exists (select from nodes where nodes.id = $1::bigint))
  order by id
  for update skip locked
), freed as (
  update jobs j set
    status = h.fate,
    recoveries = j.recoveries + 1,
    node_id = null,
    start_time = case when h.fate = $4::text then null else j.start_time end,
    end_time = case when h.fate = $4::text then null else timezone('utc', now()) end,
    message = case when h.fate = $5::text then
      'quarantined: its node died ' || j.recoveries + 1 || ' times while running it, last node ' || $1::bigint
        || coalesce((select ' (' || host || ':' || pid || ')' from gone), '') else j.message end,
    cancel_requested = false
  from held h where j.id = h.id
  returning j.id, j.object_id, j.type, j.queue, j.priority, j.status, j.attempt, j.object_limit, h.start_time
), recorded as (
  insert into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time)
  select id, attempt, 'lost', $1::bigint, start_time, timezone('utc', now()) from freed
  on conflict do nothing
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, 'open', status, count(*) from freed where status <> $4::text group by queue, status
)
select id, object_id, type, queue, priority, status, attempt, null::bigint, object_limit from freed order by id
)sql"};

constexpr auto find_host = statement{"find_host", R"sql(
select exists (
  select from nodes
  where host = $1::text and heartbeat_at >= timezone('utc', now()) - $2::float8 * interval '1 second')
)sql"};

/// A name has no comma.
constexpr auto list_workers = statement{"list_workers", R"sql(
select id, host, pid, version, slots, array_to_string(queues, ','), array_to_string(types, ','), started_at,
  heartbeat_at, (select count(*) from jobs where status = 'running' and node_id = nodes.id)
from nodes
where slots > 0 and heartbeat_at >= timezone('utc', now()) - $1::float8 * interval '1 second'
order by id
limit $2::bigint
)sql"};

std::optional<double> overdue_seconds() {
  return seconds{lease::overdue_after}.count();
}

/// A status after an event that a running job can meet.
std::string_view after_running(lifecycle::event e) {
  return to_string(lifecycle::next(job_status::running, e).value());
}

} // namespace

sql_expected<node_id> insert_node(postgres_connection& pg, const node_info& info) {
  auto r = pg.exec(insert_new_node, parameters{}
                                        .add(info.host)
                                        .add(std::int64_t{info.pid})
                                        .add(info.version)
                                        .add(std::int64_t{info.slots})
                                        .add(info.queues)
                                        .add(info.types));
  if (!r)
    return tl::unexpected{r.error()};
  return r->number<node_id>(0, 0);
}

sql_expected<beat_report> renew_beat(postgres_connection& pg, node_id node) {
  auto r = pg.exec(beat_and_look, parameters{}.add(node).add(overdue_seconds()));
  if (!r)
    return tl::unexpected{r.error()};
  auto report = beat_report{};
  for (auto row = 0; row < r->size(); ++row) {
    const auto what = r->text(row, 0);
    const auto id = r->number<std::int64_t>(row, 1);
    if (what == "known")
      report.known = true;
    else if (what == "overdue")
      report.overdue.push_back({id, r->time(row, 3).value_or(timestamp{})});
    else if (what == "orphaning")
      report.orphaning.push_back(id);
    else if (what == "paused")
      report.paused.emplace_back(r->text(row, 4));
    else {
      report.running.push_back({id, r->number<attempt_no>(row, 2)});
      if (what == "cancelled")
        report.cancelled.push_back(report.running.back());
    }
  }
  return report;
}

sql_expected<void> delete_node(postgres_connection& pg, node_id node) {
  if (auto r = pg.exec(delete_by_id, parameters{}.add(node)); !r)
    return tl::unexpected{r.error()};
  return {};
}

sql_expected<std::vector<job_change>> rescue_jobs(postgres_connection& pg, const lease::suspect& dead) {
  auto r = pg.exec(rescue_from, parameters{}
                                    .add(dead.node)
                                    .add(dead.heartbeat_at)
                                    .add(std::int64_t{lifecycle::max_recoveries})
                                    .add(after_running(lifecycle::event::rescue))
                                    .add(after_running(lifecycle::event::quarantine))
                                    .add(after_running(lifecycle::event::cancel)));
  if (!r)
    return tl::unexpected{r.error()};
  auto changes = std::vector<job_change>{};
  auto freed = std::vector<freed_object>{};
  for (auto row = 0; row < r->size(); ++row) {
    changes.push_back(read_change(*r, row));
    if (r->number<int>(row, 8) != 0)
      freed.push_back({changes.back().type, changes.back().object_id});
  }
  // The hints of those that waited are written by whoever writes lost ones again.
  if (auto unblocked = unblock(pg, freed); !unblocked)
    return tl::unexpected{after_writing(unblocked.error())};
  return changes;
}

sql_expected<std::vector<worker_info>> read_workers(postgres_connection& pg) {
  auto r = pg.exec(list_workers, parameters{}.add(overdue_seconds()).add(std::int64_t{most_workers}));
  if (!r)
    return tl::unexpected{r.error()};
  auto workers = std::vector<worker_info>{};
  for (auto row = 0; row < r->size(); ++row) {
    auto& w = workers.emplace_back();
    w.id = r->number<node_id>(row, 0);
    w.what = {std::string{r->text(row, 1)}, r->number<int>(row, 2),       std::string{r->text(row, 3)},
              r->number<int>(row, 4),       split_names(r->text(row, 5)), split_names(r->text(row, 6))};
    w.started_at = r->time(row, 7).value_or(timestamp{});
    w.heartbeat_at = r->time(row, 8).value_or(timestamp{});
    w.running = r->number<int>(row, 9);
  }
  return workers;
}

sql_expected<bool> host_has_beaten(postgres_connection& pg, const std::string& host) {
  auto r = pg.exec(find_host, parameters{}.add(host).add(overdue_seconds()));
  if (!r)
    return tl::unexpected{r.error()};
  return r->boolean(0, 0);
}

} // namespace jobd::storage
