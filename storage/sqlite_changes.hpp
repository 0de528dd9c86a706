#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// What clients do to jobs that stand. Each runs in a transaction.
namespace jobd::storage {

[[nodiscard]] expected<std::vector<job_change>> cancel_jobs(sqlite_connection& db,
                                                            std::span<const job_id> ids);
[[nodiscard]] expected<std::vector<job_change>> rerun_jobs(sqlite_connection& db,
                                                           std::span<const job_id> ids);

} // namespace jobd::storage
