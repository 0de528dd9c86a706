#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

#include <span>
#include <vector>

/// The parts of a flush, and submissions. Each runs in the transaction that is open, which has the write
/// lock: nothing changes between its statements.
namespace jobd::storage {

struct finish_report {
  std::vector<finish_answer> answers;
  /// Jobs that waited for one of the runs that ended.
  std::vector<hint> unblocked;
};

[[nodiscard]] expected<finish_report> write_finishes(sqlite_connection& db,
                                                     std::span<const finish_request> finishes);

[[nodiscard]] expected<std::vector<std::vector<claimed_job>>>
write_claims(sqlite_connection& db, std::span<const claim_request> claims);

/// Without a window (absent or zero) each is a new job.
[[nodiscard]] expected<std::vector<expected<created_job>>>
write_creates(sqlite_connection& db, std::span<const job_spec> creates, std::optional<seconds> window);

/// One that cannot be stored is left out.
[[nodiscard]] expected<void> write_progresses(sqlite_connection& db,
                                              std::span<const progress_update> progresses);

/// All or none: an error takes the transaction back.
[[nodiscard]] expected<std::vector<created_job>> write_submission(sqlite_connection& db, const submission& s,
                                                                  std::optional<seconds> window);

/// Checks that this is JSON, and puts it on one line: a line break in it can only be between values.
[[nodiscard]] expected<std::string> json_line(std::string text);

} // namespace jobd::storage
