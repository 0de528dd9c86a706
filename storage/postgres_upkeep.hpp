#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

/// Turning due jobs ready, and removing what is old.
namespace jobd::storage {

/// One statement.
[[nodiscard]] sql_expected<promotion> promote_due(postgres_connection& pg, int limit);
/// Two statements, each its own transaction.
[[nodiscard]] sql_expected<prune_report> prune_old(postgres_connection& pg, prune_cursor from,
                                                   seconds retention);

} // namespace jobd::storage
