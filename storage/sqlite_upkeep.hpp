#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// Turning due jobs ready, and removing what is old. Both run in a transaction.
namespace jobd::storage {

[[nodiscard]] expected<promotion> promote_due(sqlite_connection& db, int limit);
[[nodiscard]] expected<prune_report> prune_old(sqlite_connection& db, prune_cursor from, seconds retention);

} // namespace jobd::storage
