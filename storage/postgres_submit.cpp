#include "storage/postgres_write.hpp"

namespace jobd::storage {
namespace {

/// The primary key decides: who inserts the row, or takes over one that has expired, has won and is to
/// answer. It waits for another's transaction.
constexpr auto take_key = statement{"take_key", R"sql(
insert into job_idempotency (key, fingerprint, job_ids, duplicates, expires_at)
values ($1::text, $2::text, '{}', '{}', timezone('utc', now()) + $3::float8 * interval '1 second')
on conflict (key) do update set fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
  where job_idempotency.expires_at <= timezone('utc', now())
returning 1
)sql"};

constexpr auto keep_answer = statement{"keep_answer", R"sql(
update job_idempotency set job_ids = $2::bigint[], duplicates = $3::boolean[] where key = $1::text
)sql"};

/// The first row is the fingerprint. A statement of its own sees what was committed while the insert waited.
constexpr auto read_answer = statement{"read_answer", R"sql(
select 0 as place, null::bigint, null::boolean, null::timestamp, fingerprint from job_idempotency
where key = $1::text
union all
select a.place, a.id, a.duplicate,
  case when j.status = 'created' and not j.ready and not j.blocked then j.run_at end, null
from job_idempotency i
cross join unnest(i.job_ids, i.duplicates) with ordinality as a(id, duplicate, place)
left join jobs j on j.id = a.id
where i.key = $1::text
order by place
)sql"};

/// A row can be gone again between the two statements only if it expired just then.
constexpr auto tries = 3;

expected<std::vector<created_job>> standing_answer(const rows& r, const submission& s) {
  if (r.text(0, 4) != s.fingerprint)
    return fail(ec::key_reused, "the Idempotency-Key was used for another request");
  auto answer = std::vector<created_job>{};
  for (auto row = 1; row < r.size(); ++row)
    answer.push_back({r.number<job_id>(row, 1), r.boolean(row, 2), r.time(row, 3)});
  return answer;
}

sql_expected<void> keep(postgres_connection& pg, const std::string& key,
                        const std::vector<created_job>& made) {
  column<std::int64_t> ids;
  column<bool> duplicates;
  for (const auto& m : made) {
    ids.emplace_back(m.id);
    duplicates.emplace_back(m.duplicate);
  }
  auto r = pg.exec(keep_answer, parameters{}.add(key).add(ids).add(duplicates));
  if (!r)
    return tl::unexpected{r.error()};
  return {};
}

} // namespace

sql_expected<expected<std::vector<created_job>>>
write_submission(postgres_connection& pg, const submission& s, std::optional<seconds> window) {
  const auto standing_for = std::optional{idempotency_window.count()};
  for (auto n = 0; s.key; ++n) {
    auto won = pg.exec(take_key, parameters{}.add(*s.key).add(s.fingerprint).add(standing_for));
    if (!won)
      return tl::unexpected{won.error()};
    if (won->size() == 1)
      break;
    auto found = pg.exec(read_answer, parameters{}.add(*s.key));
    if (!found)
      return tl::unexpected{found.error()};
    if (found->size() > 0)
      return standing_answer(*found, s);
    if (n == tries)
      return tl::unexpected{sql_error{sql_error::kind::other, "a key vanished again and again", {}}};
  }
  auto made = write_creates(pg, s.jobs, window);
  if (!made)
    return tl::unexpected{made.error()};
  if (s.key)
    if (auto kept = keep(pg, *s.key, *made); !kept)
      return tl::unexpected{kept.error()};
  return std::move(*made);
}

} // namespace jobd::storage
