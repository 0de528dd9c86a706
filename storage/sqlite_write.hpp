#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

#include <span>
#include <vector>

/// The three parts of a flush. Each runs in the transaction that is open, which has the write lock: nothing
/// changes between its statements.
namespace jobd::storage {

[[nodiscard]] expected<std::vector<finish_answer>> write_finishes(sqlite_connection& db,
                                                                  std::span<const finish_request> finishes);

[[nodiscard]] expected<std::vector<std::vector<claimed_job>>>
write_claims(sqlite_connection& db, std::span<const claim_request> claims);

/// Without a window (absent or zero) each is a new job.
[[nodiscard]] expected<std::vector<expected<created_job>>>
write_creates(sqlite_connection& db, std::span<const job_spec> creates, std::optional<seconds> window);

/// Checks that this is JSON, and puts it on one line: a line break in it can only be between values.
[[nodiscard]] expected<std::string> json_line(std::string text);

} // namespace jobd::storage
