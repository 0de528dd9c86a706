#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// Reading jobs. Each function is one statement.
namespace jobd::storage {

[[nodiscard]] sql_expected<std::vector<std::optional<job>>> read_jobs(postgres_connection& pg,
                                                                      std::span<const job_id> ids);
[[nodiscard]] sql_expected<job_page> read_page(postgres_connection& pg, const page_request& q);
/// Nothing if there is no such job.
[[nodiscard]] sql_expected<std::optional<std::vector<attempt_record>>> read_history(postgres_connection& pg,
                                                                                    job_id id);
[[nodiscard]] sql_expected<queue_heads> read_heads(postgres_connection& pg, int most);
/// Nothing if there is no such job.
[[nodiscard]] sql_expected<std::optional<explanation>> read_explanation(postgres_connection& pg, job_id id);
[[nodiscard]] sql_expected<std::vector<hint>> read_ready(postgres_connection& pg, const ready_query& q);

/// What `read_job` reads, in its order.
inline const std::string job_columns =
    "id, object_id, status, start_time, end_time, message, created_at, queue, type, payload, priority, "
    "run_at,"
    " ready, timeout, max_attempts, attempt, failures, recoveries, node_id, result, expires_at, object_limit,"
    " progress, cancel_requested, traceparent";
inline constexpr int job_column_count = 25;

/// A row that begins with `job_columns`.
[[nodiscard]] job read_job(const rows& r, int row);
/// A row that begins with id, object_id, type, queue, priority, status, attempt and the node where it runs.
[[nodiscard]] job_change read_change(const rows& r, int row);
/// A row that begins with id, queue and priority.
[[nodiscard]] hint read_hint(const rows& r, int row);

} // namespace jobd::storage
