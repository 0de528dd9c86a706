#include "storage/sqlite_write.hpp"

namespace jobd::storage {
namespace {

/// The job that stands for a key.
constexpr auto read_standing = R"sql(
select d.job_id, case when j.status = 'created' and not j.ready and not j.blocked then j.run_at end
from job_dedupe d left join jobs j on j.id = d.job_id
where d.type = ?1 and d.object_id = ?2 and d.expires_at > ?3
)sql";

/// A due time that has passed already is no reason to wait.
constexpr auto insert_job = R"sql(
insert into jobs (object_id, type, queue, payload, priority, timeout, max_attempts, run_at, ready, created_at,
  expires_at, object_limit, traceparent)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8 is null or ?8 <= ?9, ?9, ?10, ?11, nullif(?12, ''))
returning id, case when not ready then run_at end
)sql";

/// Takes over a key that has expired.
constexpr auto insert_key = R"sql(
insert into job_dedupe (type, object_id, job_id, expires_at) values (?1, ?2, ?3, ?4)
on conflict (type, object_id) do update set job_id = excluded.job_id, expires_at = excluded.expires_at
)sql";

std::optional<double> count(const std::optional<seconds>& s) {
  if (s)
    return s->count();
  return std::nullopt;
}

std::optional<timestamp> due(const job_spec& spec, timestamp now) {
  if (spec.run_at || spec.delay.value_or(seconds{0}) == seconds{0})
    return spec.run_at;
  return after(now, *spec.delay);
}

std::optional<timestamp> expiry_of(const job_spec& spec, timestamp now) {
  if (spec.expires_in)
    return after(now, *spec.expires_in);
  return std::nullopt;
}

/// `ec::invalid` in the words of the API, or the payload as it is stored.
expected<std::optional<std::string>> storable_payload(const job_spec& spec) {
  if (auto valid = validate(spec); !valid)
    return tl::unexpected{valid.error()};
  if (spec.payload.empty())
    return std::nullopt;
  auto line = json_line(spec.payload);
  if (!line)
    return fail(ec::invalid, "payload cannot be stored: " + line.error().context);
  return std::move(*line);
}

expected<created_job> insert(sqlite_connection& db, const job_spec& spec,
                             const std::optional<std::string>& payload, timestamp now) {
  auto made = created_job{};
  auto inserted = db.each(
      insert_job,
      [&](const sqlite_row& r) {
        made.id = r.number<job_id>(0);
        made.run_at = r.time(1);
      },
      spec.object_id, spec.type, spec.queue, payload, spec.priority, count(spec.timeout), spec.max_attempts,
      due(spec, now), now, expiry_of(spec, now), spec.object_limit, spec.traceparent);
  return inserted.map([&] { return made; });
}

/// The write lock is held, so a look-up decides. Equal keys of one batch meet here like any others.
expected<created_job> write_create(sqlite_connection& db, const job_spec& spec,
                                   const std::optional<std::string>& payload, std::optional<seconds> window,
                                   timestamp now) {
  if (!window || window->count() <= 0)
    return insert(db, spec, payload, now);
  auto standing = std::optional<created_job>{};
  auto read = db.each(
      read_standing,
      [&](const sqlite_row& r) {
        standing = created_job{r.number<job_id>(0), true, r.time(1)};
      },
      spec.type, spec.object_id, now);
  if (!read)
    return tl::unexpected{read.error()};
  if (standing)
    return *standing;
  auto made = insert(db, spec, payload, now);
  if (!made)
    return made;
  return db.run(insert_key, spec.type, spec.object_id, made->id, after(now, *window)).map([&] {
    return *made;
  });
}

} // namespace

expected<std::vector<expected<created_job>>>
write_creates(sqlite_connection& db, std::span<const job_spec> creates, std::optional<seconds> window) {
  auto answers = std::vector<expected<created_job>>{};
  // What is accepted together is of one time.
  const auto now = time_now();
  for (const auto& spec : creates) {
    const auto payload = storable_payload(spec);
    if (!payload) {
      answers.push_back(tl::unexpected{payload.error()});
      continue;
    }
    auto made = write_create(db, spec, *payload, window, now);
    if (!made)
      return tl::unexpected{made.error()};
    answers.push_back(*made);
  }
  return answers;
}

} // namespace jobd::storage
