#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// Reading jobs.
namespace jobd::storage {

[[nodiscard]] expected<std::vector<std::optional<job>>> read_jobs(sqlite_connection& db,
                                                                  std::span<const job_id> ids);
[[nodiscard]] expected<std::vector<hint>> read_ready(sqlite_connection& db, const ready_query& q);

/// A row of id, queue and priority.
[[nodiscard]] inline hint read_hint(const sqlite_row& r) {
  return {r.number<job_id>(0), r.text(1), r.number<int>(2)};
}

} // namespace jobd::storage
