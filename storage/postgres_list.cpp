#include "storage/postgres_jobs.hpp"

#include <algorithm>
#include <limits>

namespace jobd::storage {
namespace {

/// A page by one index, which `where` must fit. It is read backwards as a stream that stops with the page, or
/// at its 10,000th row, which is returned to go on from. Ids grow with created_at but for the length of a
/// transaction, so rows a minute too old end the search; what is returned of them is cut by the same limit.
/// Of what does not match only these few columns are read.
std::string page_sql(const std::string& where) {
  return "select j.*, seen.hit, seen.nth = 10000, seen.old from ("
         R"sql(
  select id, row_number() over (order by id desc) as nth,
    ($4::text is null or status = $4::text) and ($5::text is null or type = $5::text)
      and ($6::text is null or queue = $6::text)
      and ($7::timestamp is null or created_at >= $7::timestamp) as hit,
    coalesce(created_at < $7::timestamp - interval '1 minute', false) as old
  from jobs
  where id < $1::bigint and )sql"
         + where + R"sql(
  order by id desc
  limit 10000
) seen
cross join lateral (select )sql"
         + job_columns + R"sql( from jobs where id = seen.id limit 1) j
where seen.hit or seen.old or seen.nth = 10000
order by seen.id desc
limit $2::bigint
)sql";
}

const auto newest_sql = page_sql("$3::bigint is null");
const auto newest = statement{"page_newest", newest_sql.c_str()};
const auto of_object_sql = page_sql("object_id = $3::bigint");
const auto of_object = statement{"page_of_object", of_object_sql.c_str()};
const auto unsuccessful_sql = page_sql("$3::bigint is null and status in ('failed', 'cancelled')");
const auto unsuccessful = statement{"page_unsuccessful", unsuccessful_sql.c_str()};
/// What runs now is few rows of any history, and jobs_running has them all.
const auto running_sql =
    page_sql("$3::bigint is null and id = any(array(select id from jobs where status = 'running'))");
const auto running = statement{"page_running", running_sql.c_str()};

const statement& statement_for(const job_filter& f) {
  if (f.object_id)
    return of_object;
  if (f.status == job_status::running)
    return running;
  const auto rare = f.status == job_status::failed || f.status == job_status::cancelled;
  return rare ? unsuccessful : newest;
}

job_page page_of(const rows& r, std::size_t limit) {
  constexpr auto hit = job_column_count, bound = hit + 1, old = hit + 2;
  auto page = job_page{};
  for (auto row = 0; row < r.size() && !r.boolean(row, old); ++row) {
    if (r.boolean(row, hit)) {
      if (page.jobs.size() == limit) {
        page.next = page.jobs.back().id;
        break;
      }
      page.jobs.push_back(read_job(r, row));
    }
    if (r.boolean(row, bound))
      page.next = r.number<job_id>(row, 0);
  }
  return page;
}

} // namespace

sql_expected<job_page> read_page(postgres_connection& pg, const page_request& q) {
  const auto limit = std::max(q.limit, 1);
  const auto& f = q.filter;
  // One more, which tells whether the page is the last one.
  auto r = pg.exec(statement_for(f), parameters{}
                                         .add(q.before.value_or(std::numeric_limits<job_id>::max()))
                                         .add(std::int64_t{limit} + 1)
                                         .add(f.object_id)
                                         .add(f.status ? std::optional{to_string(*f.status)} : std::nullopt)
                                         .add(f.type)
                                         .add(f.queue)
                                         .add(f.created_after));
  if (!r)
    return tl::unexpected{r.error()};
  return page_of(*r, static_cast<std::size_t>(limit));
}

} // namespace jobd::storage
