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

constexpr auto limited_objects = R"sql(
select distinct type, object_id from jobs where id in (select value from json_each(?1)) and object_limit = 1
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

expected<std::vector<hint>> unblock(sqlite_connection& db, std::span<const job_id> ended) {
  auto hints = std::vector<hint>{};
  if (ended.empty())
    return hints;
  auto objects = std::vector<std::pair<std::string, std::int64_t>>{};
  auto done = db.each(
      limited_objects,
      [&](const sqlite_row& r) { objects.emplace_back(r.text(0), r.number<std::int64_t>(1)); },
      json_list(ended));
  const auto now = time_now();
  for (auto o = objects.begin(); done && o != objects.end(); ++o)
    done = db.each(
        unblock_first, [&](const sqlite_row& r) { hints.push_back(read_hint(r)); }, o->first, o->second, now);
  return done.map([&] { return std::move(hints); });
}

} // namespace jobd::storage
