#pragma once

#include "core/error.hpp"
#include "core/job.hpp"

#include <optional>

/// The states of a job and what may change them. This is the only place that decides; SQL only guards.
/// tests/model/protocol.pml is a model of what follows from it between nodes that die; it has the same
/// changes by the same names, and a test compares them.
namespace jobd::lifecycle {

/// What can happen to a job.
enum class event : std::uint8_t {
  /// A node takes it: created → running, and `attempt` grows by one.
  claim,
  /// Its handler ended well: running → success.
  succeed,
  /// Its handler failed and no attempt is left: running → failed.
  fail,
  /// Its handler failed and attempts are left: running → created, not ready until the backoff is over.
  retry,
  /// Its node gave it up alive: running → created, and no retry is spent.
  release,
  /// Its node died: running → created, and `recoveries` grows by one.
  rescue,
  /// Its nodes died too often: running → failed, with evidence.
  quarantine,
  /// A client withdrew it: created | running → cancelled. A running one is first asked to end.
  cancel,
  /// It was not started in time: created → failed.
  expire,
  /// A client wants it to run again: failed | cancelled → created, with all its attempts before it.
  rerun,
};

[[nodiscard]] std::string_view to_string(event e) noexcept;

/// The status after `e`; nothing if `e` is not allowed in `from`.
[[nodiscard]] std::optional<job_status> next(job_status from, event e) noexcept;

/// Node deaths that a job survives; the next one quarantines it.
inline constexpr int max_recoveries = 3;
/// Node deaths that make a job a suspect: a node runs one suspect at a time. So of the jobs that died
/// together, only the one that is the cause goes on dying, and the others are not quarantined with it.
inline constexpr int suspect_after = 2;

[[nodiscard]] constexpr bool is_suspect(int recoveries) noexcept {
  return recoveries >= suspect_after;
}

/// What follows from the end of a run.
struct conclusion {
  event what = event::fail;
  /// Only for `retry`: how long until the job is ready again.
  std::optional<seconds> retry_in;

  friend bool operator==(const conclusion&, const conclusion&) = default;
};

/// Decides what the end of a run means for the job. `jitter` is a uniform random number in [0, 1).
[[nodiscard]] conclusion conclude(const claimed_job& j, const outcome& o, double jitter) noexcept;

/// The wait before a retry: 1 s doubled with each failure, at most one hour, within ±25 % by `jitter` in [0,
/// 1) so that jobs that failed together do not come back together.
[[nodiscard]] seconds backoff(int failures, double jitter) noexcept;

} // namespace jobd::lifecycle
