#include "storage/postgres_upkeep.hpp"

#include "storage/postgres_jobs.hpp"

namespace jobd::storage {
namespace {

/// What is next is read from before the update, so the rows just turned are left out by name. A due row that
/// another node has locked is not ours to wait for; one beyond the limit is.
constexpr auto turn_due_ready = statement{"turn_due_ready", R"sql(
with due as (
  select id from jobs
  where status = 'created' and not ready and run_at <= timezone('utc', now())
  order by run_at
  limit $1::bigint
  for update skip locked
), turned as (
  update jobs j set ready = true, blocked = false from due where j.id = due.id
  returning j.id, j.queue, j.priority
)
select id, queue, priority, null::float8 from turned
union all
select null, null, null, next.seconds from (
  select greatest(extract(epoch from run_at - timezone('utc', now())), 0)::float8 as seconds from jobs
  where status = 'created' and not ready
    and (run_at > timezone('utc', now()) or (select count(*) from due) = $1::bigint)
    and id not in (select id from due)
  order by run_at
  limit 1
) next
)sql"};

/// What is next is read as above.
constexpr auto fail_expired = statement{"fail_expired", R"sql(
with due as (
  select id from jobs
  where status = 'created' and expires_at is not null and expires_at <= timezone('utc', now())
  order by expires_at
  limit $1::bigint
  for update skip locked
), failed as (
  update jobs j set status = $2::text, message = 'expired', end_time = timezone('utc', now()), ready = true,
    blocked = false
  from due where j.id = due.id
  returning j.id, j.object_id, j.type, j.queue, j.priority, j.status, j.attempt
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, 'open', status, count(*) from failed group by queue, status
)
select id, object_id, type, queue, priority, status, attempt, null::bigint, null::float8 from failed
union all
select null, null, null, null, null, null, null, null, next.seconds from (
  select greatest(extract(epoch from expires_at - timezone('utc', now())), 0)::float8 as seconds from jobs
  where status = 'created' and expires_at is not null
    and (expires_at > timezone('utc', now()) or (select count(*) from due) = $1::bigint)
    and id not in (select id from due)
  order by expires_at
  limit 1
) next
)sql"};

/// One page of the primary key. Ids grow with created_at but for the length of a transaction, so a page that
/// reaches rows younger than the retention has nothing old behind it.
constexpr auto delete_page = statement{"delete_page", R"sql(
with page as (
  select id, status, end_time, created_at from jobs where id > $1::bigint order by id limit $2::bigint
), old as (
  select id from jobs
  where id in (
      select id from page
      where status in ('success', 'failed', 'cancelled')
        and end_time < timezone('utc', now()) - $3::float8 * interval '1 second')
  order by id
  for update skip locked
), removed as (
  delete from jobs j using old where j.id = old.id returning j.id, j.queue, j.status
), histories as (
  delete from job_attempts where job_id = any(array(select id from removed))
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, status, null, count(*) from removed group by queue, status
)
select (select count(*) from removed), max(id), count(*) < $2::bigint
  or max(created_at) > timezone('utc', now()) - $3::float8 * interval '1 second'
from page
)sql"};

/// Pages of the table from one on, since rows stand in it about as they expire, and an index of that would be
/// paid for by each submission. A minute late, so that a create that was just refused still finds the row
/// which refused it.
constexpr auto delete_expired = statement{"delete_expired", R"sql(
with removed as (
  delete from job_dedupe
  where ctid = any(array(
    select ctid from job_dedupe
    where ctid >= ('(' || $1::bigint || ',0)')::tid and ctid < ('(' || $1::bigint + $2::bigint || ',0)')::tid
      and expires_at < timezone('utc', now()) - interval '1 minute'
    for update skip locked))
  returning 1
)
select count(*), $1::bigint + $2::bigint >= pg_relation_size('job_dedupe') / current_setting('block_size')::bigint
from removed
)sql"};

constexpr auto delete_keys = statement{"delete_keys", R"sql(
with expired as (
  select key from job_idempotency
  where expires_at <= timezone('utc', now())
  order by expires_at
  limit $1::bigint
  for update skip locked
)
delete from job_idempotency where key = any(array(select key from expired))
returning 1
)sql"};

/// Who else adds up now takes other rows, and waits for the counts in the same order.
constexpr auto add_counts_up = statement{"add_counts_up", R"sql(
with taken as (
  delete from job_count_deltas
  where ctid = any(array(select ctid from job_count_deltas limit $1::bigint for update skip locked))
  returning queue, was, became, n
), added as (
  insert into job_counts as c (queue, status, n)
  select queue, status, sum(n) from (
    select queue, was as status, -n as n from taken where was is not null
    union all
    select queue, became, n from taken where became is not null
  ) moved
  group by queue, status
  order by queue, status
  on conflict (queue, status) do update set n = c.n + excluded.n
)
select count(*) from taken
)sql"};

/// Queues come and go.
constexpr auto forget_empty = statement{"forget_empty", "delete from job_counts where n = 0"};

constexpr std::int64_t page_rows = 2000;
constexpr std::int64_t page_counts = 20'000;
/// Of job_dedupe, some 130 rows each.
constexpr std::int64_t dedupe_pages = 64;

sql_expected<void> prune_jobs(postgres_connection& pg, prune_report& report, seconds retention) {
  auto& after = report.next.after;
  return pg.exec(delete_page, parameters{}.add(after).add(page_rows).add(retention.count()))
      .map([&](const rows& r) {
        report.jobs = r.number<std::int64_t>(0, 0);
        const auto end = r.null(0, 1) || r.boolean(0, 2);
        after = end ? std::nullopt : std::optional{r.number<job_id>(0, 1)};
      });
}

sql_expected<void> prune_keys(postgres_connection& pg, prune_report& report) {
  auto& page = report.next.dedupe_page;
  return pg.exec(delete_expired, parameters{}.add(page).add(dedupe_pages)).map([&](const rows& r) {
    report.dedupe_rows = r.number<std::int64_t>(0, 0);
    page = r.boolean(0, 1) ? std::nullopt : std::optional{*page + dedupe_pages};
  });
}

} // namespace

sql_expected<promotion> promote_due(postgres_connection& pg, int limit) {
  auto r = pg.exec(turn_due_ready, parameters{}.add(std::int64_t{limit}));
  if (!r)
    return tl::unexpected{r.error()};
  auto p = promotion{};
  for (auto row = 0; row < r->size(); ++row) {
    if (r->null(row, 0))
      p.next_in = seconds{r->number<double>(row, 3)};
    else
      p.hints.push_back(read_hint(*r, row));
  }
  return p;
}

sql_expected<expiry> expire_due(postgres_connection& pg, int limit) {
  const auto failed = to_string(lifecycle::next(job_status::created, lifecycle::event::expire).value());
  auto r = pg.exec(fail_expired, parameters{}.add(std::int64_t{limit}).add(failed));
  if (!r)
    return tl::unexpected{r.error()};
  auto e = expiry{};
  for (auto row = 0; row < r->size(); ++row) {
    if (r->null(row, 0))
      e.next_in = seconds{r->number<double>(row, 8)};
    else
      e.expired.push_back(read_change(*r, row));
  }
  return e;
}

sql_expected<prune_report> prune_old(postgres_connection& pg, prune_cursor from, seconds retention) {
  auto report = prune_report{.next = from};
  if (from.after)
    if (auto jobs = prune_jobs(pg, report, retention); !jobs)
      return tl::unexpected{jobs.error()};
  if (from.dedupe_page)
    if (auto keys = prune_keys(pg, report); !keys)
      return tl::unexpected{after_writing(keys.error())};
  auto answers = pg.exec(delete_keys, parameters{}.add(page_rows));
  if (!answers)
    return tl::unexpected{after_writing(answers.error())};
  auto counts = pg.exec(add_counts_up, parameters{}.add(page_counts));
  if (!counts)
    return tl::unexpected{after_writing(counts.error())};
  if (auto forgotten = pg.exec(forget_empty); !forgotten)
    return tl::unexpected{after_writing(forgotten.error())};

  report.done = !report.next.after && !report.next.dedupe_page && answers->size() < page_rows
                && counts->number<std::int64_t>(0, 0) < page_counts;
  if (report.done)
    report.next = {};
  return report;
}

} // namespace jobd::storage
