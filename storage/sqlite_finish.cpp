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
  result = case ?5 when 'succeed' then ?9 end
where id = ?1 and attempt = ?2 and node_id = ?3 and status = 'running'
)sql";

/// Whether this is the finish that the row has already.
constexpr auto read_finished = R"sql(
select 1 from jobs
where id = ?1 and attempt = ?2 and status <> 'running' and (node_id = ?3 or ?4 = 'release')
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

expected<finish_answer> write_finish(sqlite_connection& db, const finish_request& f, timestamp now) {
  const auto what = f.what.what;
  assert(what == event::succeed || what == event::fail || what == event::retry || what == event::release);
  const auto name = lifecycle::to_string(what);
  const auto status = to_string(lifecycle::next(job_status::running, what).value());
  const auto retry_at = after(now, f.what.retry_in.value_or(seconds{0}));
  if (auto written = db.run(finish_running, f.run.id, f.run.attempt, f.node, status, name, retry_at, now,
                            unless_empty(f.message), unless_empty(f.result));
      !written)
    return tl::unexpected{written.error()};
  if (db.changed() > 0)
    return finish_answer::accepted;
  auto answer = finish_answer::stale;
  auto read = db.each(
      read_finished, [&](const sqlite_row&) { answer = finish_answer::accepted; }, f.run.id, f.run.attempt,
      f.node, name);
  return read.map([&] { return answer; });
}

} // namespace

expected<std::vector<finish_answer>> write_finishes(sqlite_connection& db,
                                                    std::span<const finish_request> finishes) {
  auto answers = std::vector<finish_answer>{};
  for (const auto& f : finishes) {
    auto answer = write_finish(db, storable(f), time_now());
    if (!answer)
      return tl::unexpected{answer.error()};
    answers.push_back(*answer);
  }
  return answers;
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
