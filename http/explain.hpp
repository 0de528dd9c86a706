#pragma once

#include "storage/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobd::http {

/// Why a job is in the status that it is in.
struct reason {
  /// `final`, `running`, `scheduled` (for a time that its client gave), `retry_at` (after a failure),
  /// `object_busy`, `paused`, `no_worker`, `suspect` (`lifecycle::is_suspect`) or `queued`.
  std::string_view code;
  /// For people.
  std::string detail;
  /// When this reason ends by itself.
  std::optional<timestamp> until = {};
  /// `object_busy`: the job that it waits for.
  std::optional<job_id> blocked_by = {};
  /// `running`: where.
  std::optional<node_id> node = {};
  /// `queued`, `suspect`: jobs before it, counted up to `storage::most_ahead`.
  std::optional<std::int64_t> ahead = {};

  friend bool operator==(const reason&, const reason&) = default;
};

/// All that hold, at least one.
[[nodiscard]] std::vector<reason> explain(const storage::explanation& e);

} // namespace jobd::http
