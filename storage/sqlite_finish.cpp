#include "storage/sqlite_object_limit.hpp"
#include "storage/sqlite_write.hpp"

#include "core/json_text.hpp"

#include <cassert>

namespace jobd::storage {
namespace {

using lifecycle::event;

/// Only a row that still runs on this node under this attempt is written. A retry keeps its node, so that the
/// same finish again is known; a release does not, so that nothing is left of it.
constexpr auto finish_running = R"sql(
update jobs set
  status = ?4,
  ready = ?5 <> 'retry',
  run_at = case ?5 when 'retry' then ?6 else run_at end,
  start_time = case ?5 when 'release' then null else start_time end,
  end_time = case ?5 when 'release' then null else ?7 end,
  node_id = case ?5 when 'release' then null else node_id end,
  failures = failures + (?5 in ('fail', 'retry')),
  message = case ?5 when 'release' then message else ?8 end,
  result = case ?5 when 'succeed' then ?9 end,
  cancel_requested = 0
where id = ?1 and attempt = ?2 and node_id = ?3 and status = 'running'
)sql";

/// What this finish came to that was recorded when the job went back, or that the row has already. A release
/// or a rescue leaves no node on the row: the one is known by its record, and the other has taken the run
/// from its node.
constexpr auto read_finished = R"sql(
select outcome, 0 as place from job_attempts
where job_id = ?1 and attempt = ?2 and node_id = ?3 and outcome not in ('lost', 'refused')
union all
select status, 1 from jobs where id = ?1 and attempt = ?2 and status <> 'running' and node_id = ?3
order by place
limit 1
)sql";

/// The attempt of a job that goes back. None is written if it was asked to end.
constexpr auto record_attempt = R"sql(
insert or replace into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time, message)
select id, attempt, ?4, node_id, start_time, ?5, ?6 from jobs
where id = ?1 and attempt = ?2 and node_id = ?3 and status = 'running' and not cancel_requested
)sql";

/// Nothing for a job that is gone, since its history went with it, nor for an attempt that never was. The
/// first one stays.
constexpr auto record_refused = R"sql(
insert into job_attempts (job_id, attempt, outcome, node_id, end_time, message)
select id, ?2, 'refused', ?3, ?4, ?5 from jobs where id = ?1 and ?2 between 1 and attempt
on conflict do nothing
)sql";

constexpr auto update_progress = R"sql(
update jobs set progress = ?4 where id = ?1 and attempt = ?2 and node_id = ?3 and status = 'running'
)sql";

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

/// The run is over and must not be lost because of what it left behind: the same end without it, as a
/// failure.
finish_request without_result(finish_request f, const std::string& why) {
  f.result.clear();
  f.message = "the result could not be stored: " + why;
  if (f.what.what == event::succeed)
    f.what = {event::fail, std::nullopt};
  return f;
}

/// The finish as it can be stored.
finish_request storable(const finish_request& f) {
  auto kept = f;
  if (!is_utf8(f.message) || f.message.find('\0') != std::string::npos)
    return without_result(f, "the message is no text");
  if (f.result.empty())
    return kept;
  auto line = json_line(f.result);
  if (!line)
    return without_result(f, line.error().context);
  kept.result = std::move(*line);
  return kept;
}

bool goes_back(event what) {
  return what == event::retry || what == event::release;
}

/// What the finish does to its row, if that still runs: a retry or a release leaves a record behind, and is a
/// cancel if the job was asked to end.
expected<event> record(sqlite_connection& db, const finish_request& f, timestamp now) {
  const auto what = f.what.what;
  if (!goes_back(what))
    return what;
  const auto* outcome = what == event::retry ? "failed" : "released";
  return db.run(record_attempt, f.run.id, f.run.attempt, f.node, outcome, now, unless_empty(f.message))
      .map([&] { return db.changed() > 0 ? what : event::cancel; });
}

/// True if the row was still the run's.
expected<bool> end_run(sqlite_connection& db, const finish_request& f, event what, timestamp now) {
  const auto status = to_string(lifecycle::next(job_status::running, what).value());
  const auto retry_at = after(now, f.what.retry_in.value_or(seconds{0}));
  return db
      .run(finish_running, f.run.id, f.run.attempt, f.node, status, lifecycle::to_string(what), retry_at, now,
           unless_empty(f.message), unless_empty(f.result))
      .map([&] { return db.changed() > 0; });
}

/// The finish has found no run: it is the one that was written, or it comes too late.
expected<finish_answer> judge(sqlite_connection& db, const finish_request& f, timestamp now) {
  auto outcome = std::string{};
  auto read = db.each(
      read_finished, [&](const sqlite_row& r) { outcome = r.text(0); }, f.run.id, f.run.attempt, f.node);
  if (!read)
    return tl::unexpected{read.error()};
  if (!outcome.empty())
    return goes_back(f.what.what) && outcome == to_string(job_status::cancelled) ? finish_answer::cancelled
                                                                                 : finish_answer::accepted;
  return db.run(record_refused, f.run.id, f.run.attempt, f.node, now, unless_empty(f.message)).map([] {
    return finish_answer::stale;
  });
}

/// Adds to `ended` if it ends a run.
expected<finish_answer> write_finish(sqlite_connection& db, const finish_request& f,
                                     std::vector<job_id>& ended) {
  assert(lifecycle::next(job_status::running, f.what.what));
  const auto now = time_now();
  const auto what = record(db, f, now);
  const auto written = what.and_then([&](event e) { return end_run(db, f, e, now); });
  if (!written)
    return tl::unexpected{written.error()};
  if (!*written)
    return judge(db, f, now);
  ended.push_back(f.run.id);
  return *what == f.what.what ? finish_answer::accepted : finish_answer::cancelled;
}

} // namespace

expected<finish_report> write_finishes(sqlite_connection& db, std::span<const finish_request> finishes) {
  auto answers = std::vector<finish_answer>{};
  auto ended = std::vector<job_id>{};
  for (const auto& f : finishes) {
    auto answer = write_finish(db, storable(f), ended);
    if (!answer)
      return tl::unexpected{answer.error()};
    answers.push_back(*answer);
  }
  return unblock(db, ended).map([&](std::vector<hint> unblocked) {
    return finish_report{std::move(answers), std::move(unblocked)};
  });
}

expected<void> write_progresses(sqlite_connection& db, std::span<const progress_update> progresses) {
  for (const auto& p : progresses) {
    const auto line =
        p.progress.size() <= limits::progress_bytes ? json_line(p.progress) : fail(ec::invalid, "too large");
    // The next one tells more.
    if (!line)
      continue;
    if (auto written = db.run(update_progress, p.run.id, p.run.attempt, p.node, *line); !written)
      return written;
  }
  return {};
}

expected<std::string> json_line(std::string text) {
  if (auto valid = check_json(text); !valid)
    return tl::unexpected{valid.error()};
  for (auto& c : text)
    if (c == '\n' || c == '\r')
      c = ' ';
  return text;
}

} // namespace jobd::storage
