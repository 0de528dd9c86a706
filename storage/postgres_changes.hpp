#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <span>
#include <vector>

/// What clients ask of jobs that are there. Each function is one statement, which locks its rows in the order
/// of their ids.
namespace jobd::storage {

[[nodiscard]] sql_expected<std::vector<job_change>> cancel_jobs(postgres_connection& pg,
                                                                std::span<const job_id> ids);
[[nodiscard]] sql_expected<std::vector<job_change>> rerun_jobs(postgres_connection& pg,
                                                               std::span<const job_id> ids);

} // namespace jobd::storage
