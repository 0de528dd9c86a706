#pragma once

#include "storage/store.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace jobd::storage {

struct sqlite_options {
  /// The file; it is made if it is not there.
  std::string path;
  /// How long a (type, object_id) stands for one job; absent or zero: each create makes a job.
  std::optional<seconds> dedupe_window;
  /// For the wait until another connection has written, which is all that a call on a local file waits for.
  std::chrono::milliseconds deadline{10'000};
};

/// The store of one process, which may open its file many times; see `data_folder`. All times are the
/// process's own. It is made closed; `connect` brings the schema up to date.
[[nodiscard]] std::unique_ptr<store> make_sqlite_store(sqlite_options o);

/// For a process that starts, and is the only one on the file: brings the schema up to date, and removes the
/// nodes of the processes before, so that what they ran are orphans and need not wait for a judgement.
[[nodiscard]] expected<void> take_over_sqlite(const sqlite_options& o);

} // namespace jobd::storage
