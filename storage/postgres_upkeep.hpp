#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

/// What is due: turning jobs ready, failing those that came too late, removing what is old.
namespace jobd::storage {

/// One statement.
[[nodiscard]] sql_expected<promotion> promote_due(postgres_connection& pg, int limit);
/// One statement.
[[nodiscard]] sql_expected<expiry> expire_due(postgres_connection& pg, int limit);
/// Five statements, each its own transaction.
[[nodiscard]] sql_expected<prune_report> prune_old(postgres_connection& pg, prune_cursor from,
                                                   seconds retention);

} // namespace jobd::storage
