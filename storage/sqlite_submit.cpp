#include "storage/sqlite_write.hpp"

namespace jobd::storage {
namespace {

constexpr auto read_answer = R"sql(
select fingerprint, job_ids, duplicates from job_idempotency where key = ?1 and expires_at > ?2
)sql";

/// The answer's jobs in their order. When a job becomes ready is told as of now.
constexpr auto read_answered = R"sql(
select answer.value, case when j.status = 'created' and not j.ready and not j.blocked then j.run_at end
from json_each(?1) answer left join jobs j on j.id = answer.value
order by answer.key
)sql";

constexpr auto read_duplicates = "select value from json_each(?1) order by key";

/// Takes over a key that has expired.
constexpr auto insert_answer = R"sql(
insert or replace into job_idempotency (key, fingerprint, job_ids, duplicates, expires_at)
values (?1, ?2, ?3, ?4, ?5)
)sql";

/// What the key was answered with before.
struct standing {
  std::string fingerprint;
  std::string job_ids;
  std::string duplicates;
};

expected<std::optional<standing>> find_standing(sqlite_connection& db, const std::string& key) {
  auto found = std::optional<standing>{};
  const auto on_row = [&](const sqlite_row& r) { found = standing{r.text(0), r.text(1), r.text(2)}; };
  return db.each(read_answer, on_row, key, time_now()).map([&] { return std::move(found); });
}

expected<std::vector<created_job>> answer_again(sqlite_connection& db, const standing& s) {
  auto jobs = std::vector<created_job>{};
  const auto add = [&](const sqlite_row& r) { jobs.push_back({r.number<job_id>(0), false, r.time(1)}); };
  auto place = std::size_t{0};
  const auto mark = [&](const sqlite_row& r) { jobs.at(place++).duplicate = r.number<int>(0) != 0; };
  return db.each(read_answered, add, s.job_ids)
      .and_then([&] { return db.each(read_duplicates, mark, s.duplicates); })
      .map([&] { return std::move(jobs); });
}

expected<void> keep_answer(sqlite_connection& db, const submission& s, std::span<const created_job> jobs) {
  auto ids = std::vector<job_id>{};
  auto duplicates = std::vector<std::int64_t>{};
  for (const auto& j : jobs) {
    ids.push_back(j.id);
    duplicates.push_back(j.duplicate ? 1 : 0);
  }
  return db.run(insert_answer, *s.key, s.fingerprint, json_list(ids), json_list(duplicates),
                after(time_now(), idempotency_window));
}

expected<std::vector<created_job>> create_all(sqlite_connection& db, std::span<const job_spec> specs,
                                              std::optional<seconds> window) {
  auto made = write_creates(db, specs, window);
  if (!made)
    return tl::unexpected{made.error()};
  auto jobs = std::vector<created_job>{};
  for (auto& m : *made) {
    if (!m)
      return fail(m.error().code, "jobs[" + std::to_string(jobs.size()) + "]: " + m.error().context);
    jobs.push_back(*m);
  }
  return jobs;
}

} // namespace

expected<std::vector<created_job>> write_submission(sqlite_connection& db, const submission& s,
                                                    std::optional<seconds> window) {
  if (!s.key)
    return create_all(db, s.jobs, window);
  const auto found = find_standing(db, *s.key);
  if (!found)
    return tl::unexpected{found.error()};
  if (*found && (*found)->fingerprint != s.fingerprint)
    return fail(ec::key_reused, "the Idempotency-Key was used for another request");
  if (*found)
    return answer_again(db, **found);
  auto jobs = create_all(db, s.jobs, window);
  if (!jobs)
    return jobs;
  return keep_answer(db, s, *jobs).map([&] { return std::move(*jobs); });
}

} // namespace jobd::storage
