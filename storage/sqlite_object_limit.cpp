#include "storage/sqlite_object_limit.hpp"

#include "storage/sqlite_jobs.hpp"

namespace jobd::storage {
namespace {

using namespace std::chrono_literals;

/// The end of the run turns it ready. Should none be met, it comes back by itself.
constexpr auto set_aside_for = 5s;

constexpr auto block = R"sql(
update jobs set ready = 0, blocked = 1, run_at = ?2
where id = ?1 and exists (
  select 1 from jobs other
  where other.type = jobs.type and other.object_id = jobs.object_id and other.status = 'running'
    and other.object_limit = 1)
)sql";

constexpr auto unblock_first = R"sql(
update jobs set ready = 1, blocked = 0, run_at = null
where id = (
  select id from jobs
  where type = ?1 and object_id = ?2 and status = 'created' and blocked
    and (expires_at is null or expires_at > ?3)
  order by priority, id
  limit 1)
returning id, queue, priority
)sql";

} // namespace

expected<bool> set_aside(sqlite_connection& db, job_id id) {
  return db.run(block, id, time_now() + set_aside_for).map([&] { return db.changed() > 0; });
}

expected<std::optional<hint>> unblock(sqlite_connection& db, const std::string& type,
                                      std::int64_t object_id) {
  auto first = std::optional<hint>{};
  return db
      .each(
          unblock_first, [&](const sqlite_row& r) { first = read_hint(r); }, type, object_id, time_now())
      .map([&] { return first; });
}

} // namespace jobd::storage
