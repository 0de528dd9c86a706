#include "storage/migrate.hpp"

#include "storage/migrations.hpp"
#include "storage/postgres_connection.hpp"

#include <set>

namespace jobd::storage {
namespace {

using namespace std::chrono_literals;

/// For all migrations together, and for the wait while another node applies them.
constexpr std::chrono::milliseconds migration_time = 10min;
constexpr std::chrono::milliseconds connect_time = 10s;

/// Held by the session, so that it also covers the statements between the transactions. The number is ours
/// alone.
constexpr auto take_lock = "select pg_advisory_lock(7017017)";

/// No error if it is there already, and no notice that would need rights to be silent.
constexpr auto create_versions = "create table if not exists schema_migrations ("
                                 " version integer primary key,"
                                 " name text not null,"
                                 " applied_at timestamp(6) not null default timezone('utc', now()))";

constexpr auto read_versions = "select version from schema_migrations";

constexpr auto record_version = statement{
    "record_version", "insert into schema_migrations (version, name) values ($1::integer, $2::text)"};

sql_expected<void> apply(postgres_connection& pg, const migration& m) {
  for (const auto& sql : {std::string{"begin"}, std::string{m.sql}})
    if (auto done = pg.exec_text(sql); !done)
      return tl::unexpected{done.error()};
  if (auto done = pg.exec(record_version, parameters{}.add(m.version).add(m.name)); !done)
    return tl::unexpected{done.error()};
  if (auto done = pg.exec_text("commit"); !done)
    return tl::unexpected{done.error()};
  return {};
}

sql_expected<int> apply_missing(postgres_connection& pg) {
  for (const auto* sql :
       {"set statement_timeout = 0; set idle_in_transaction_session_timeout = 0", take_lock, create_versions})
    if (auto done = pg.exec_text(sql); !done)
      return tl::unexpected{done.error()};
  auto versions = pg.exec_text(read_versions);
  if (!versions)
    return tl::unexpected{versions.error()};
  auto present = std::set<int>{};
  for (auto row = 0; row < versions->size(); ++row)
    present.insert(versions->number<int>(row, 0));

  auto applied = 0;
  for (const auto& m : migrations()) {
    if (present.contains(m.version))
      continue;
    if (auto done = apply(pg, m); !done) {
      auto problem = done.error();
      problem.context = "migration " + std::string{m.name} + ": " + problem.context;
      return tl::unexpected{problem};
    }
    ++applied;
  }
  return applied;
}

} // namespace

expected<int> migrate(const std::string& database_url) {
  auto pg = postgres_connection::open(database_url, connect_time, connect_time);
  if (!pg)
    return tl::unexpected{to_error(pg.error())};
  pg->allow(migration_time);
  auto applied = apply_missing(*pg);
  if (!applied)
    return tl::unexpected{to_error(applied.error())};
  return *applied;
}

} // namespace jobd::storage
