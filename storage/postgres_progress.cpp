#include "storage/postgres_write.hpp"

namespace jobd::storage {
namespace {

constexpr auto update_progress = statement{"update_progress", R"sql(
with told as (
  select distinct on (id) * from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[])
    with ordinality as a(id, attempt, node, progress, place)
  order by id, place desc
), held as (
  select j.id, t.progress from jobs j join told t on t.id = j.id
  where j.attempt = t.attempt and j.node_id = t.node and j.status = 'running'
  order by j.id
  for update of j skip locked
)
update jobs j set progress = h.progress::jsonb from held h where j.id = h.id
)sql"};

} // namespace

sql_expected<void> write_progress(postgres_connection& pg, std::span<const progress_update> progresses) {
  if (progresses.empty())
    return {};
  column<std::int64_t> ids, nodes;
  column<std::int32_t> attempts;
  column<std::string_view> texts;
  for (const auto& p : progresses) {
    ids.emplace_back(p.run.id);
    attempts.emplace_back(p.run.attempt);
    nodes.emplace_back(p.node);
    texts.emplace_back(p.progress);
  }
  auto r = pg.exec(update_progress, parameters{}.add(ids).add(attempts).add(nodes).add(texts));
  if (!r)
    return tl::unexpected{r.error()};
  return {};
}

} // namespace jobd::storage
