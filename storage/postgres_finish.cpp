#include "storage/postgres_write.hpp"

#include <cassert>

namespace jobd::storage {
namespace {

using lifecycle::event;

/// Only a row that still runs on this node under this attempt is written. Rows are locked in the order of
/// their ids. A retry keeps its node, so that the same finish again is known; a release does not, so that
/// nothing is left of it.
constexpr auto finish_running = statement{"finish_running", R"sql(
with asked as (
  select * from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::float8[],
                       $7::text[], $8::text[])
    with ordinality as a(id, attempt, node, event, status, retry_in, result, message, place)
), held as (
  select j.id, a.place
  from jobs j join asked a on a.id = j.id
  where j.attempt = a.attempt and j.node_id = a.node and j.status = 'running'
  order by j.id
  for update of j
)
update jobs j set
  status = a.status,
  ready = a.event <> 'retry',
  run_at = case a.event when 'retry' then timezone('utc', now()) + a.retry_in * interval '1 second'
                        else j.run_at end,
  start_time = case a.event when 'release' then null else j.start_time end,
  end_time = case a.event when 'release' then null else timezone('utc', now()) end,
  node_id = case a.event when 'release' then null else j.node_id end,
  failures = j.failures + case when a.event in ('fail', 'retry') then 1 else 0 end,
  message = case a.event when 'release' then j.message else a.message end,
  result = case a.event when 'succeed' then a.result::jsonb end
from held h join asked a on a.place = h.place
where j.id = h.id
returning a.place
)sql"};

/// What became of the runs that were not running.
constexpr auto read_finished = statement{"read_finished", R"sql(
select a.place
from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[])
  with ordinality as a(id, attempt, node, event, place)
join jobs j on j.id = a.id
where j.attempt = a.attempt and j.status <> 'running' and (j.node_id = a.node or a.event = 'release')
)sql"};

struct columns {
  column<std::int64_t> ids;
  column<std::int32_t> attempts;
  column<std::int64_t> nodes;
  column<std::string_view> events;
  column<std::string_view> statuses;
  column<double> retry_ins;
  column<std::string_view> results;
  column<std::string_view> messages;
};

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

columns columns_of(std::span<const finish_request> finishes) {
  auto c = columns{};
  for (const auto& f : finishes) {
    const auto what = f.what.what;
    assert(what == event::succeed || what == event::fail || what == event::retry || what == event::release);
    c.ids.emplace_back(f.run.id);
    c.attempts.emplace_back(f.run.attempt);
    c.nodes.emplace_back(f.node);
    c.events.emplace_back(lifecycle::to_string(what));
    c.statuses.emplace_back(to_string(lifecycle::next(job_status::running, what).value()));
    c.retry_ins.emplace_back(f.what.retry_in.value_or(seconds{0}).count());
    c.results.emplace_back(unless_empty(f.result));
    c.messages.emplace_back(unless_empty(f.message));
  }
  return c;
}

/// Marks the places that were returned; the number of them.
int accept(const rows& places, std::vector<finish_answer>& answers) {
  for (auto row = 0; row < places.size(); ++row)
    answers[places.number<std::size_t>(row, 0) - 1] = finish_answer::accepted;
  return places.size();
}

} // namespace

sql_expected<std::vector<finish_answer>> write_finishes(postgres_connection& pg,
                                                        std::span<const finish_request> finishes) {
  auto answers = std::vector<finish_answer>(finishes.size(), finish_answer::stale);
  if (finishes.empty())
    return answers;
  const auto c = columns_of(finishes);
  auto written = pg.exec(finish_running, parameters{}
                                             .add(c.ids)
                                             .add(c.attempts)
                                             .add(c.nodes)
                                             .add(c.events)
                                             .add(c.statuses)
                                             .add(c.retry_ins)
                                             .add(c.results)
                                             .add(c.messages));
  if (!written)
    return tl::unexpected{written.error()};
  if (accept(*written, answers) == static_cast<int>(finishes.size()))
    return answers;

  // A statement of its own, since the first may have waited for the very write that it must see now.
  auto found = pg.exec(read_finished, parameters{}.add(c.ids).add(c.attempts).add(c.nodes).add(c.events));
  if (!found)
    return tl::unexpected{after_writing(found.error())};
  accept(*found, answers);
  return answers;
}

} // namespace jobd::storage
