#include "core/lifecycle.hpp"
#include "storage/postgres_write.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace jobd::storage {
namespace {

constexpr auto suspect_after = std::int64_t{lifecycle::suspect_after};

/// What follows `found`, which locks candidates before anything is written, skips what others have locked,
/// and reads a locked row's newest version. One suspect of them is enough. Those whose object has no place
/// (`object_limit`) are set aside in the same statement; a race for the place is decided by the index
/// jobs_one_of_object. Of rows without a limit `limited` has none, and then all that it stands for costs
/// nothing.
constexpr auto claim_found = R"sql(
, picked as (
  select * from found where recoveries < $5::integer
  union all
  (select * from found where recoveries >= $5::integer order by place, priority, id limit 1)
)
, limited as (
  select id, row_number() over (partition by type, object_id order by place, priority, id) as nth,
    exists (select from jobs r where r.type = p.type and r.object_id = p.object_id and r.status = 'running'
              and r.object_limit = 1) as taken
  from picked p where object_limit = 1
), aside as (
  update jobs j set blocked = true, ready = false, run_at = timezone('utc', now()) + interval '5 seconds'
  from limited l where j.id = l.id and (l.taken or l.nth > 1)
  returning j.id
)
update jobs j set status = 'running', attempt = attempt + 1, node_id = $3::bigint,
  start_time = timezone('utc', now()), end_time = null, progress = null
from picked p where j.id = p.id and p.id not in (select id from aside)
returning j.id, j.attempt, j.object_id, j.type, j.queue, j.payload, j.priority, j.timeout, j.max_attempts,
  j.failures, j.recoveries, j.object_limit, j.traceparent,
  case when j.attempt = 1 then
    greatest(date_part('epoch', j.start_time - greatest(j.created_at, j.run_at)), 0) end
)sql";

// A node without a row claims nothing: it was condemned, and what it took now would be taken from it at once.

// Paused queues are looked up once in each statement, by an index that is nearly always empty; what the node
// runs, only if there is a suspect.

/// `ready is not false` is `ready`, written so that the planner does not see that the index of ready jobs
/// would do: it would walk all of that index for a few ids, where the primary key finds each at once.
const auto claim_hinted_sql = std::string{R"sql(
with found as (
  select id, 1 as place, priority, object_limit, type, object_id, recoveries from jobs
  where id = any($1::bigint[]) and status = 'created' and ready is not false and type = any($2::text[])
    and (recoveries < $5::integer or not exists (
      select from jobs r where r.node_id = $3::bigint and r.status = 'running' and r.recoveries >= $5::integer))
    and (expires_at is null or expires_at > timezone('utc', now()))
    and exists (select from nodes where nodes.id = $3::bigint)
    and queue <> all(array(select name from queues where paused))
  order by priority, id
  limit $4::bigint
  for update skip locked
)
)sql"} + claim_found;
const auto claim_hinted = statement{"claim_hinted", claim_hinted_sql.c_str()};

/// The heads of the queues, first queue first, by the index that holds nothing but what is ready. One
/// statement, so that what a node without Redis costs does not grow with its queues.
const auto claim_heads_sql = std::string{R"sql(
with found as materialized (
  select head.*, q.place
  from unnest($1::text[]) with ordinality as q(name, place)
  cross join lateral (
    select id, priority, object_limit, type, object_id, recoveries from jobs
    where queue = q.name and status = 'created' and ready and type = any($2::text[])
      and (recoveries < $5::integer or not exists (
        select from jobs r where r.node_id = $3::bigint and r.status = 'running' and r.recoveries >= $5::integer))
      and (expires_at is null or expires_at > timezone('utc', now()))
      and exists (select from nodes where nodes.id = $3::bigint)
    order by priority, id
    limit $4::bigint
    for update skip locked
  ) head
  where q.name <> all(array(select name from queues where paused))
  order by q.place, head.priority, head.id
  limit $4::bigint
)
)sql"} + claim_found;
const auto claim_heads = statement{"claim_heads", claim_heads_sql.c_str()};

/// The claimed jobs in queue order; an update returns them in any.
std::vector<claimed_job> read_claimed(const rows& r) {
  auto jobs = std::vector<claimed_job>{};
  for (auto row = 0; row < r.size(); ++row) {
    auto& j = jobs.emplace_back();
    j.id = r.number<job_id>(row, 0);
    j.attempt = r.number<attempt_no>(row, 1);
    j.object_id = r.number<std::int64_t>(row, 2);
    j.type = r.text(row, 3);
    j.queue = r.text(row, 4);
    j.payload = r.text(row, 5);
    j.priority = r.number<int>(row, 6);
    if (!r.null(row, 7))
      j.timeout = seconds{r.number<double>(row, 7)};
    j.max_attempts = r.number<int>(row, 8);
    j.failures = r.number<int>(row, 9);
    j.recoveries = r.number<int>(row, 10);
    j.object_limit = r.number<int>(row, 11);
    j.traceparent = r.text(row, 12);
    if (!r.null(row, 13))
      j.waited = seconds{r.number<double>(row, 13)};
  }
  std::ranges::sort(jobs, {}, [](const claimed_job& j) { return std::tuple{j.priority, j.id}; });
  return jobs;
}

sql_expected<std::vector<claimed_job>> claim_by_queues(postgres_connection& pg, const claim_request& c) {
  auto r = pg.exec(
      claim_heads,
      parameters{}.add(c.queues).add(c.types).add(c.node).add(std::int64_t{c.limit}).add(suspect_after));
  if (!r)
    return tl::unexpected{r.error()};
  auto taken = read_claimed(*r);
  std::ranges::stable_sort(taken, {},
                           [&](const claimed_job& j) { return std::ranges::find(c.queues, j.queue); });
  return taken;
}

/// Requests that one statement can serve: same node, same types, and room for all of their hints or a single
/// request.
struct group {
  std::vector<std::size_t> members;
  column<std::int64_t> ids;
  std::int64_t limit = 0;
};

std::vector<group> group_hinted(std::span<const claim_request> claims) {
  auto groups = std::vector<group>{};
  auto mergeable = std::map<std::tuple<node_id, std::vector<std::string>>, std::size_t>{};
  for (auto i = std::size_t{0}; i < claims.size(); ++i) {
    const auto& c = claims[i];
    if (c.ids.empty() || c.limit <= 0)
      continue;
    auto place = groups.size();
    if (c.limit >= static_cast<int>(c.ids.size()))
      place = mergeable.try_emplace({c.node, c.types}, place).first->second;
    if (place == groups.size())
      groups.emplace_back();
    auto& g = groups[place];
    g.members.push_back(i);
    g.ids.insert(g.ids.end(), c.ids.begin(), c.ids.end());
    g.limit += c.limit;
  }
  return groups;
}

/// Gives each job to the first member that asked for it.
void hand_out(std::vector<claimed_job> jobs, const group& g, std::span<const claim_request> claims,
              std::vector<std::vector<claimed_job>>& answers) {
  auto owner = std::map<job_id, std::size_t>{};
  for (const auto member : g.members)
    for (const auto id : claims[member].ids)
      owner.emplace(id, member);
  for (auto& j : jobs)
    answers[owner.at(j.id)].push_back(std::move(j));
}

} // namespace

sql_expected<std::vector<std::vector<claimed_job>>> write_claims(postgres_connection& pg,
                                                                 std::span<const claim_request> claims) {
  auto answers = std::vector<std::vector<claimed_job>>(claims.size());
  for (const auto& g : group_hinted(claims)) {
    const auto& first = claims[g.members.front()];
    auto r =
        pg.exec(claim_hinted,
                parameters{}.add(g.ids).add(first.types).add(first.node).add(g.limit).add(suspect_after));
    if (!r)
      return tl::unexpected{r.error()};
    hand_out(read_claimed(*r), g, claims, answers);
  }
  for (auto i = std::size_t{0}; i < claims.size(); ++i) {
    if (!claims[i].ids.empty())
      continue;
    auto taken = claim_by_queues(pg, claims[i]);
    if (!taken)
      return tl::unexpected{taken.error()};
    answers[i] = std::move(*taken);
  }
  return answers;
}

} // namespace jobd::storage
