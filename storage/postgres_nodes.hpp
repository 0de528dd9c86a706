#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

/// Nodes, their beats, and what is done about dead ones. Each function is one statement, but for a
/// rescue that others waited for (`object_limit`).
namespace jobd::storage {

[[nodiscard]] sql_expected<node_id> insert_node(postgres_connection& pg, const node_info& info);
[[nodiscard]] sql_expected<beat_report> renew_beat(postgres_connection& pg, node_id node,
                                                   const std::string& times);
[[nodiscard]] sql_expected<void> delete_node(postgres_connection& pg, node_id node);
[[nodiscard]] sql_expected<std::vector<job_change>> rescue_jobs(postgres_connection& pg,
                                                                const lease::suspect& dead);
[[nodiscard]] sql_expected<std::vector<worker_info>> read_workers(postgres_connection& pg);
[[nodiscard]] sql_expected<bool> host_has_beaten(postgres_connection& pg, const std::string& host);

} // namespace jobd::storage
