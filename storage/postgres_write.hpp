#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <span>
#include <vector>

/// The three parts of a flush. Each runs in the transaction that is open, or commits by itself if there is
/// none.
namespace jobd::storage {

[[nodiscard]] sql_expected<std::vector<finish_answer>>
write_finishes(postgres_connection& pg, std::span<const finish_request> finishes);

/// Requests with hints are merged, so that many small ones cost as much as one.
[[nodiscard]] sql_expected<std::vector<std::vector<claimed_job>>>
write_claims(postgres_connection& pg, std::span<const claim_request> claims);

/// Without a window (absent or zero) each is a new job.
[[nodiscard]] sql_expected<std::vector<created_job>>
write_creates(postgres_connection& pg, std::span<const job_spec> creates, std::optional<seconds> window);

} // namespace jobd::storage
