#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// What time does to jobs: turning due ones ready, failing expired ones, removing old ones. Each runs in a
/// transaction.
namespace jobd::storage {

[[nodiscard]] expected<promotion> promote_due(sqlite_connection& db, int limit);
[[nodiscard]] expected<expiry> expire_jobs(sqlite_connection& db, int limit);
[[nodiscard]] expected<prune_report> prune_old(sqlite_connection& db, prune_cursor from, seconds retention);

} // namespace jobd::storage
