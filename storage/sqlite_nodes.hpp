#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// Nodes, their beats, and what is done about dead ones. What has several statements runs in a transaction.
namespace jobd::storage {

[[nodiscard]] expected<node_id> insert_node(sqlite_connection& db, const node_info& info);
[[nodiscard]] expected<beat_report> renew_beat(sqlite_connection& db, node_id node, const std::string& times);
[[nodiscard]] expected<void> delete_node(sqlite_connection& db, node_id node);
[[nodiscard]] expected<void> delete_all_nodes(sqlite_connection& db);
[[nodiscard]] expected<std::vector<job_change>> rescue_jobs(sqlite_connection& db,
                                                            const lease::suspect& dead);
[[nodiscard]] expected<std::vector<worker_info>> read_workers(sqlite_connection& db);
[[nodiscard]] expected<bool> host_has_beaten(sqlite_connection& db, const std::string& host);

} // namespace jobd::storage
