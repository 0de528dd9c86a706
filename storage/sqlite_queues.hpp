#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

#include <string>
#include <vector>

/// Queues as a whole.
namespace jobd::storage {

[[nodiscard]] expected<std::vector<queue_info>> read_queues(sqlite_connection& db);
[[nodiscard]] expected<std::vector<queue_stats>> read_stats(sqlite_connection& db);
/// Runs in the transaction that is open.
[[nodiscard]] expected<queue_info> pause_queue(sqlite_connection& db, const std::string& queue, bool paused);

} // namespace jobd::storage
