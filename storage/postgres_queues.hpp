#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <string>
#include <vector>

/// Queues as a whole. Each function is one statement.
namespace jobd::storage {

[[nodiscard]] sql_expected<std::vector<queue_info>> read_queues(postgres_connection& pg);
[[nodiscard]] sql_expected<std::vector<queue_stats>> read_stats(postgres_connection& pg);
[[nodiscard]] sql_expected<queue_info> pause_queue(postgres_connection& pg, const std::string& queue,
                                                   bool paused);

} // namespace jobd::storage
