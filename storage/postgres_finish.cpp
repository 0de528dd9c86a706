#include "storage/postgres_write.hpp"

#include "storage/postgres_jobs.hpp"

#include <cassert>
#include <numeric>

namespace jobd::storage {
namespace {

using lifecycle::event;

/// Only a row that still runs on this node under this attempt is written. What was asked to end does not go
/// back. A retry keeps its node, so that the same finish again is known; a release does not, so that nothing
/// is left of it but its record. Rows are not locked before they are written, which would write each into the
/// log once more. They come in the order of their ids nonetheless, for the planner finds them one by one.
/// Only of a table of a few hundred rows it reads all, and then two that end and cancel the same runs may
/// have to wait for each other, until PostgreSQL stops one of them, which is tried again. `is true` hides
/// from the planner that the index of running jobs would do: it would walk all of that for each id, where the
/// primary key finds it at once.
constexpr auto finish_running = statement{"finish_running", R"sql(
with asked as materialized (
  select a.*, a.event in ('retry', 'release') as goes_back,
    case when a.event in ('retry', 'release') then (select start_time from jobs where jobs.id = a.id) end as started
  from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[])
    with ordinality as a(id, attempt, node, event, status, retry_in, result, message, place)
  order by a.id
), written as (
  update jobs j set
    status = case when a.goes_back and j.cancel_requested then $9::text else a.status end,
    ready = a.event <> 'retry' or j.cancel_requested,
    run_at = case when a.event = 'retry' and not j.cancel_requested
                  then timezone('utc', now()) + a.retry_in * interval '1 second' else j.run_at end,
    start_time = case when a.event = 'release' and not j.cancel_requested then null else j.start_time end,
    end_time = case when a.event = 'release' and not j.cancel_requested then null else timezone('utc', now()) end,
    node_id = case when a.event = 'release' and not j.cancel_requested then null else j.node_id end,
    failures = j.failures + case when a.event = 'fail' or a.event = 'retry' and not j.cancel_requested then 1 else 0 end,
    message = case when a.event = 'release' and not j.cancel_requested then j.message else a.message end,
    result = case a.event when 'succeed' then a.result::jsonb end,
    cancel_requested = false
  from asked a
  where j.id = a.id and j.attempt = a.attempt and j.node_id = a.node and (j.status = 'running') is true
  returning a.place, a.event, a.goes_back, a.goes_back and j.status = $9::text as cancelled, a.started, a.id, a.attempt,
    a.node, a.message, j.object_limit, j.type, j.object_id, j.queue, j.status as became
), recorded as (
  insert into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time, message)
  select id, attempt, case event when 'retry' then 'failed' else 'released' end, node, started,
    timezone('utc', now()), message
  from written where goes_back and not cancelled
  on conflict do nothing
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, 'open', became, count(*) from written where not goes_back or cancelled
  group by queue, became
)
select place, cancelled, object_limit, type, object_id from written
)sql"};

/// What became of the runs that were not running. An outcome that this run has not left itself is recorded as
/// refused. A release or a rescue leaves no node on the row: the one is known by its record, and the other
/// has taken the run from its node.
constexpr auto find_finished = statement{"find_finished", R"sql(
with asked as (
  select a.*, coalesce(
    (select outcome from job_attempts h
     where h.job_id = a.id and h.attempt = a.attempt and h.node_id = a.node
       and h.outcome not in ('lost', 'refused')),
    case when j.status <> 'running' and j.attempt = a.attempt and j.node_id = a.node then j.status end) as outcome
  from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[])
    with ordinality as a(id, attempt, node, event, message, place)
  join jobs j on j.id = a.id
  where a.attempt between 1 and j.attempt
), recorded as (
  insert into job_attempts (job_id, attempt, outcome, node_id, end_time, message)
  select id, attempt, 'refused', node, timezone('utc', now()), message from asked where outcome is null
  on conflict do nothing
)
select place, event in ('retry', 'release') and outcome = 'cancelled' from asked where outcome is not null
)sql"};

/// The first one of each object that is still worth starting.
constexpr auto unblock_first = statement{"unblock_first", R"sql(
with freed as (
  select distinct type, object_id from unnest($1::text[], $2::bigint[]) as f(type, object_id)
), next as materialized (
  select waiting.id
  from freed f
  cross join lateral (
    select id from jobs
    where type = f.type and object_id = f.object_id and status = 'created' and blocked
      and (expires_at is null or expires_at > timezone('utc', now()))
    order by priority, id
    limit 1
    for update skip locked
  ) waiting
)
update jobs j set ready = true, blocked = false, run_at = null from next where j.id = next.id
returning j.id, j.queue, j.priority
)sql"};

struct columns {
  column<std::int64_t> ids;
  column<std::int32_t> attempts;
  column<std::int64_t> nodes;
  column<std::string_view> events;
  column<std::string_view> statuses;
  column<double> retry_ins;
  column<std::string_view> results;
  column<std::string_view> messages;
};

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

using places = std::vector<std::size_t>;

columns columns_of(std::span<const finish_request> finishes, const places& which) {
  auto c = columns{};
  for (const auto place : which) {
    const auto& f = finishes[place];
    const auto what = f.what.what;
    assert(what == event::succeed || what == event::fail || what == event::retry || what == event::release
           || what == event::cancel);
    c.ids.emplace_back(f.run.id);
    c.attempts.emplace_back(f.run.attempt);
    c.nodes.emplace_back(f.node);
    c.events.emplace_back(lifecycle::to_string(what));
    c.statuses.emplace_back(to_string(lifecycle::next(job_status::running, what).value()));
    c.retry_ins.emplace_back(f.what.retry_in.value_or(seconds{0}).count());
    c.results.emplace_back(unless_empty(f.result));
    c.messages.emplace_back(unless_empty(f.message));
  }
  return c;
}

/// Accepts the finishes that were returned; what is left of `which`.
places accept(const rows& r, const places& which, std::vector<finish_answer>& answers) {
  for (auto row = 0; row < r.size(); ++row)
    answers[which[r.number<std::size_t>(row, 0) - 1]] =
        r.boolean(row, 1) ? finish_answer::cancelled : finish_answer::accepted;
  auto left = places{};
  for (const auto place : which)
    if (answers[place] == finish_answer::stale)
      left.push_back(place);
  return left;
}

std::vector<freed_object> read_freed(const rows& finished) {
  auto freed = std::vector<freed_object>{};
  for (auto row = 0; row < finished.size(); ++row)
    if (finished.number<int>(row, 2) != 0)
      freed.push_back({std::string{finished.text(row, 3)}, finished.number<std::int64_t>(row, 4)});
  return freed;
}

sql_expected<rows> write_running(postgres_connection& pg, const columns& c) {
  return pg.exec(finish_running,
                 parameters{}
                     .add(c.ids)
                     .add(c.attempts)
                     .add(c.nodes)
                     .add(c.events)
                     .add(c.statuses)
                     .add(c.retry_ins)
                     .add(c.results)
                     .add(c.messages)
                     .add(to_string(lifecycle::next(job_status::running, event::cancel).value())));
}

} // namespace

sql_expected<finished> write_finishes(postgres_connection& pg, std::span<const finish_request> finishes) {
  auto result = finished{std::vector<finish_answer>(finishes.size(), finish_answer::stale), {}};
  if (finishes.empty())
    return result;
  auto all = places(finishes.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  auto written = write_running(pg, columns_of(finishes, all));
  if (!written)
    return tl::unexpected{written.error()};

  const auto left = accept(*written, all, result.answers);
  if (!left.empty()) {
    // A statement of its own, since the first may have waited for the very write that it must see now.
    const auto c = columns_of(finishes, left);
    auto found = pg.exec(find_finished,
                         parameters{}.add(c.ids).add(c.attempts).add(c.nodes).add(c.events).add(c.messages));
    if (!found)
      return tl::unexpected{after_writing(found.error())};
    accept(*found, left, result.answers);
  }
  auto unblocked = unblock(pg, read_freed(*written));
  if (!unblocked)
    return tl::unexpected{after_writing(unblocked.error())};
  result.unblocked = std::move(*unblocked);
  return result;
}

sql_expected<std::vector<hint>> unblock(postgres_connection& pg, std::span<const freed_object> freed) {
  auto hints = std::vector<hint>{};
  if (freed.empty())
    return hints;
  column<std::string_view> types;
  column<std::int64_t> object_ids;
  for (const auto& f : freed) {
    types.emplace_back(f.type);
    object_ids.emplace_back(f.object_id);
  }
  auto r = pg.exec(unblock_first, parameters{}.add(types).add(object_ids));
  if (!r)
    return tl::unexpected{r.error()};
  for (auto row = 0; row < r->size(); ++row)
    hints.push_back(read_hint(*r, row));
  return hints;
}

} // namespace jobd::storage
