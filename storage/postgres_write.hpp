#pragma once

#include "storage/postgres_connection.hpp"
#include "storage/store.hpp"

#include <span>
#include <string>
#include <vector>

/// The parts of a flush, and a submission. Each part runs in the transaction that is open, or commits by
/// itself if there is none.
namespace jobd::storage {

struct finished {
  std::vector<finish_answer> answers;
  /// Jobs that waited for one of them.
  std::vector<hint> unblocked;
};

[[nodiscard]] sql_expected<finished> write_finishes(postgres_connection& pg,
                                                    std::span<const finish_request> finishes);

/// The type and object of a job with `object_limit` that runs no more.
struct freed_object {
  std::string type;
  std::int64_t object_id = 0;
};

/// Turns the first job ready that waits for each of these. One that is being set aside just now is not seen:
/// it comes back by its time.
[[nodiscard]] sql_expected<std::vector<hint>> unblock(postgres_connection& pg,
                                                      std::span<const freed_object> freed);

/// Requests with hints are merged, so that many small ones cost as much as one.
[[nodiscard]] sql_expected<std::vector<std::vector<claimed_job>>>
write_claims(postgres_connection& pg, std::span<const claim_request> claims);

/// Without a window (absent or zero) each is a new job.
[[nodiscard]] sql_expected<std::vector<created_job>>
write_creates(postgres_connection& pg, std::span<const job_spec> creates, std::optional<seconds> window);

/// Runs in an open transaction. The inner error is `ec::key_reused`.
[[nodiscard]] sql_expected<expected<std::vector<created_job>>>
write_submission(postgres_connection& pg, const submission& s, std::optional<seconds> window);

/// Of several updates of one run the last one counts.
[[nodiscard]] sql_expected<void> write_progress(postgres_connection& pg,
                                                std::span<const progress_update> progresses);

} // namespace jobd::storage
