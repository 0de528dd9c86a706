#include "storage/postgres_write.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace jobd::storage {
namespace {

/// One row per key decides (job_dedupe's primary key): who inserts it, or takes over one that has expired,
/// has won and gets a job. Keys are sorted, so that no two batches wait for each other. Ids are drawn in the
/// order of the batch: first in, first out. A due time that has passed already is no reason to wait.
/// `take_won` finds the places in the batch, which costs less than a join. Arrays are opened side by side in
/// a select list: `from unnest` would keep the rows of each in a store of its own first. Times are reckoned
/// once for all rows, by a subquery, or only for a row that needs one: few do.
constexpr auto insert_jobs = statement{"insert_jobs", R"sql(
with asked as materialized (
  select nextval('jobs_id_seq') as id, a.*,
    coalesce(at, case when delay > 0 then timezone('utc', now()) + delay * interval '1 second' end) as due
  from (
    select unnest($1::bigint[]) as object_id, unnest($2::text[]) as type, unnest($3::text[]) as queue,
      unnest($4::text[]) as payload, unnest($5::integer[]) as priority, unnest($6::float8[]) as timeout,
      unnest($7::integer[]) as max_attempts, unnest($8::timestamp[]) as at, unnest($9::float8[]) as delay,
      unnest($10::float8[]) as expires_in, unnest($11::integer[]) as object_limit, unnest($12::text[]) as traceparent
  ) a
), won as (
  insert into job_dedupe (type, object_id, job_id, expires_at)
  select type, object_id, id, (select timezone('utc', now()) + $13::float8 * interval '1 second')
  from asked where $13::float8 > 0
  order by type, object_id
  on conflict (type, object_id) do update set job_id = excluded.job_id, expires_at = excluded.expires_at
    where job_dedupe.expires_at <= timezone('utc', now())
  returning job_id
), kept as (
  insert into jobs (id, object_id, type, queue, payload, priority, timeout, max_attempts, run_at, ready,
                    expires_at, object_limit, traceparent, created_at)
  select id, object_id, type, queue, payload::jsonb, priority, timeout, max_attempts, due,
    due is null or due <= timezone('utc', now()),
    case when expires_in is not null then timezone('utc', now()) + expires_in * interval '1 second' end,
    object_limit, traceparent, (select timezone('utc', now()))
  from asked where $13::float8 is null or id in (select job_id from won)
  returning id, case when not ready then run_at end as due, type, object_id, queue
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, null, 'open', count(*) from kept group by queue
)
select id, due, type, object_id from kept
)sql"};

/// The jobs that stand for the keys that were not won. A statement of its own sees what was committed while
/// the insert waited for another transaction.
constexpr auto read_standing = statement{"read_standing", R"sql(
select a.place, d.job_id, case when j.status = 'created' and not j.ready and not j.blocked then j.run_at end
from unnest($1::text[], $2::bigint[]) with ordinality as a(type, object_id, place)
join job_dedupe d on d.type = a.type and d.object_id = a.object_id
left join jobs j on j.id = d.job_id
)sql"};

using places = std::vector<std::size_t>;
/// Type and object, which decide whether a job is the same.
using key = std::pair<std::string_view, std::int64_t>;

key key_of(const job_spec& spec) {
  return {spec.type, spec.object_id};
}

/// A row can be gone again between the two statements only if it was pruned just then.
constexpr auto tries = 3;

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

sql_expected<rows> insert(postgres_connection& pg, std::span<const job_spec> creates, const places& which,
                          std::optional<double> window) {
  column<std::int64_t> object_ids;
  column<std::string_view> types, queues, payloads, traceparents;
  column<std::int32_t> priorities, max_attempts, object_limits;
  column<double> timeouts, delays, expiries;
  column<timestamp> run_ats;
  const auto count = [](const std::optional<seconds>& s) {
    return s ? std::optional{s->count()} : std::nullopt;
  };
  for (const auto place : which) {
    const auto& spec = creates[place];
    object_ids.emplace_back(spec.object_id);
    types.emplace_back(spec.type);
    queues.emplace_back(spec.queue);
    payloads.push_back(unless_empty(spec.payload));
    priorities.emplace_back(spec.priority);
    timeouts.push_back(count(spec.timeout));
    max_attempts.emplace_back(spec.max_attempts);
    run_ats.push_back(spec.run_at);
    delays.push_back(count(spec.delay));
    expiries.push_back(count(spec.expires_in));
    object_limits.emplace_back(spec.object_limit);
    traceparents.push_back(unless_empty(spec.traceparent));
  }
  return pg.exec(insert_jobs, parameters{}
                                  .add(object_ids)
                                  .add(types)
                                  .add(queues)
                                  .add(payloads)
                                  .add(priorities)
                                  .add(timeouts)
                                  .add(max_attempts)
                                  .add(run_ats)
                                  .add(delays)
                                  .add(expiries)
                                  .add(object_limits)
                                  .add(traceparents)
                                  .add(window));
}

sql_expected<rows> read(postgres_connection& pg, std::span<const job_spec> creates, const places& which) {
  column<std::string_view> types;
  column<std::int64_t> object_ids;
  for (const auto place : which) {
    types.emplace_back(creates[place].type);
    object_ids.emplace_back(creates[place].object_id);
  }
  return pg.exec(read_standing, parameters{}.add(types).add(object_ids));
}

/// Fills in the answers for the jobs in `r`; what is left of `which`. In the order of their ids the jobs are
/// in that of the batch; which of it they are is told by their keys, if there are not all.
places take_won(const rows& r, std::span<const job_spec> creates, const places& which,
                std::vector<created_job>& answers) {
  auto ordered = std::vector<std::pair<job_id, int>>{};
  for (auto row = 0; row < r.size(); ++row)
    ordered.emplace_back(r.number<job_id>(row, 0), row);
  std::ranges::sort(ordered);
  const auto all = ordered.size() == which.size();
  auto left = places{};
  auto next = ordered.begin();
  for (const auto place : which) {
    const auto is_next = [&](int row) {
      return key{r.text(row, 2), r.number<std::int64_t>(row, 3)} == key_of(creates[place]);
    };
    if (next != ordered.end() && (all || is_next(next->second))) {
      answers[place] = {next->first, false, r.time(next->second, 1)};
      ++next;
    } else {
      left.push_back(place);
    }
  }
  return left;
}

/// The same for the jobs that stand already.
places take_standing(const rows& r, const places& which, std::vector<created_job>& answers) {
  auto answered = std::vector<bool>(which.size());
  for (auto row = 0; row < r.size(); ++row) {
    const auto nth = r.number<std::size_t>(row, 0) - 1;
    answered[nth] = true;
    answers[which[nth]] = {r.number<job_id>(row, 1), true, r.time(row, 2)};
  }
  auto left = places{};
  for (auto nth = std::size_t{0}; nth < which.size(); ++nth)
    if (!answered[nth])
      left.push_back(which[nth]);
  return left;
}

/// For each create the first one of the batch that has its key, which may be itself.
places first_of_key(std::span<const job_spec> creates) {
  auto firsts = std::map<key, std::size_t>{};
  auto out = places{};
  for (auto place = std::size_t{0}; place < creates.size(); ++place)
    out.push_back(firsts.emplace(key_of(creates[place]), place).first->second);
  return out;
}

/// What no row may hold fails as if the database had refused it, which has fewer rules.
sql_expected<void> check(std::span<const job_spec> creates) {
  for (const auto& spec : creates)
    if (const auto valid = validate(spec); !valid)
      return tl::unexpected{sql_error{sql_error::kind::data, valid.error().context, {}}};
  return {};
}

} // namespace

sql_expected<std::vector<created_job>>
write_creates(postgres_connection& pg, std::span<const job_spec> creates, std::optional<seconds> window) {
  if (auto sound = check(creates); !sound)
    return tl::unexpected{sound.error()};
  const auto dedupe = window && window->count() > 0;
  const auto seconds_standing = dedupe ? std::optional{window->count()} : std::nullopt;
  auto firsts = places{};
  if (dedupe)
    firsts = first_of_key(creates);
  auto pending = places{};
  for (auto place = std::size_t{0}; place < creates.size(); ++place)
    if (!dedupe || firsts[place] == place)
      pending.push_back(place);

  auto answers = std::vector<created_job>(creates.size());
  for (auto n = 0; n < tries && !pending.empty(); ++n) {
    auto won = insert(pg, creates, pending, seconds_standing);
    if (!won)
      return tl::unexpected{n == 0 ? won.error() : after_writing(won.error())};
    pending = take_won(*won, creates, pending, answers);
    if (pending.empty())
      break;
    auto standing = read(pg, creates, pending);
    if (!standing)
      return tl::unexpected{after_writing(standing.error())};
    pending = take_standing(*standing, pending, answers);
  }
  if (!pending.empty())
    return tl::unexpected{sql_error{sql_error::kind::other, "a dedupe row vanished again and again", {}}};

  for (auto place = std::size_t{0}; place < firsts.size(); ++place)
    if (firsts[place] != place) {
      answers[place] = answers[firsts[place]];
      answers[place].duplicate = true;
    }
  return answers;
}

} // namespace jobd::storage
