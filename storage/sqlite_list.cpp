#include "storage/sqlite_jobs.hpp"

#include <algorithm>
#include <limits>

namespace jobd::storage {
namespace {

using namespace std::chrono_literals;

// Each walks one index backwards, tells of every row whether it matches, and is stopped. The parameters are
// the same; what an index has decided is looked at again.

constexpr auto walk_all = R"sql(
select id, created_at < ?6 - ?7,
  (?2 is null or status = ?2) and (?3 is null or type = ?3) and (?4 is null or queue = ?4)
    and (?6 is null or created_at >= ?6)
from jobs
where id < ?1 and ?5 is null
order by id desc
)sql";

constexpr auto walk_object = R"sql(
select id, created_at < ?6 - ?7,
  (?2 is null or status = ?2) and (?3 is null or type = ?3) and (?4 is null or queue = ?4)
    and (?6 is null or created_at >= ?6)
from jobs indexed by jobs_object
where id < ?1 and object_id = ?5
order by id desc
)sql";

constexpr auto walk_unsuccessful = R"sql(
select id, created_at < ?6 - ?7,
  status = ?2 and (?3 is null or type = ?3) and (?4 is null or queue = ?4)
    and (?6 is null or created_at >= ?6)
from jobs indexed by jobs_unsuccessful
where id < ?1 and ?5 is null and status in ('failed', 'cancelled')
order by id desc
)sql";

/// What runs now is few rows of any history, and jobs_running has them all.
constexpr auto walk_running = R"sql(
select id, created_at < ?6 - ?7,
  status = ?2 and (?3 is null or type = ?3) and (?4 is null or queue = ?4)
    and (?6 is null or created_at >= ?6)
from jobs
where id < ?1 and ?5 is null and id in (select id from jobs indexed by jobs_running where status = 'running')
order by id desc
)sql";

/// Rows that one page looks at.
constexpr auto most_rows = 10'000;

/// Ids grow with created_at, but not strictly: the clock can be set back.
constexpr std::chrono::microseconds disorder = 1min;

const char* walk_for(const job_filter& f) {
  if (f.object_id)
    return walk_object;
  if (f.status == job_status::running)
    return walk_running;
  if (f.status == job_status::failed || f.status == job_status::cancelled)
    return walk_unsuccessful;
  return walk_all;
}

std::optional<std::string_view> status_name(const job_filter& f) {
  return f.status ? std::optional{to_string(*f.status)} : std::nullopt;
}

struct id_page {
  std::vector<job_id> ids;
  std::optional<job_id> next;
};

expected<id_page> walk(sqlite_connection& db, const page_request& q) {
  const auto most = static_cast<std::size_t>(std::max(q.limit, 1));
  auto page = id_page{};
  auto looked_at = 0;
  auto last = job_id{};
  const auto look = [&](const sqlite_row& r) {
    const auto too_old = r.number<int>(1) != 0;
    const auto matches = r.number<int>(2) != 0;
    const auto full = looked_at == most_rows || (matches && page.ids.size() == most);
    if (!too_old && full)
      page.next = last;
    if (too_old || full)
      return false;
    last = r.number<job_id>(0);
    ++looked_at;
    if (matches)
      page.ids.push_back(last);
    return true;
  };
  const auto& f = q.filter;
  return db
      .each(walk_for(f), look, q.before.value_or(std::numeric_limits<job_id>::max()), status_name(f), f.type,
            f.queue, f.object_id, f.created_after, disorder.count())
      .map([&] { return std::move(page); });
}

} // namespace

expected<job_page> list_jobs(sqlite_connection& db, const page_request& q) {
  const auto page = walk(db, q);
  if (!page)
    return tl::unexpected{page.error()};
  auto found = read_jobs(db, page->ids);
  if (!found)
    return tl::unexpected{found.error()};
  auto jobs = std::vector<job>{};
  for (auto& j : *found)
    if (j)
      jobs.push_back(std::move(*j));
  return job_page{std::move(jobs), page->next};
}

} // namespace jobd::storage
