#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <span>

/// Reading jobs. Each function is one statement.
namespace jobd::storage {

[[nodiscard]] sql_expected<std::vector<std::optional<job>>> read_jobs(postgres_connection& pg,
                                                                      std::span<const job_id> ids);
[[nodiscard]] sql_expected<std::vector<hint>> read_ready(postgres_connection& pg, const ready_query& q);

/// A row that begins with id, queue and priority.
[[nodiscard]] hint read_hint(const rows& r, int row);

} // namespace jobd::storage
