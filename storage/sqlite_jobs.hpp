#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// Reading jobs.
namespace jobd::storage {

[[nodiscard]] expected<std::vector<std::optional<job>>> read_jobs(sqlite_connection& db,
                                                                  std::span<const job_id> ids);
[[nodiscard]] expected<std::vector<hint>> read_ready(sqlite_connection& db, const ready_query& q);
[[nodiscard]] expected<job_page> list_jobs(sqlite_connection& db, const page_request& q);
[[nodiscard]] expected<std::vector<attempt_record>> read_history(sqlite_connection& db, job_id id);
[[nodiscard]] expected<queue_heads> read_heads(sqlite_connection& db, int most);
[[nodiscard]] expected<explanation> explain_job(sqlite_connection& db, job_id id);

/// A row of id, queue and priority.
[[nodiscard]] inline hint read_hint(const sqlite_row& r) {
  return {r.number<job_id>(0), r.text(1), r.number<int>(2)};
}

/// A row of id, object_id, type, queue, priority, status, attempt, and the node where it runs.
[[nodiscard]] job_change read_change(const sqlite_row& r);

} // namespace jobd::storage
