#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobd {

using job_id = std::int64_t;
using node_id = std::int64_t;
/// Claims so far: the fence. Every write about a run names the attempt that it speaks of.
using attempt_no = std::int32_t;
/// Seconds, as the API speaks of them.
using seconds = std::chrono::duration<double>;

enum class job_status : std::uint8_t { created, running, success, failed, cancelled };

[[nodiscard]] std::string_view to_string(job_status s) noexcept;
[[nodiscard]] std::optional<job_status> parse_status(std::string_view text) noexcept;
[[nodiscard]] constexpr bool is_final(job_status s) noexcept {
  return s == job_status::success || s == job_status::failed || s == job_status::cancelled;
}

/// What the API allows. Each is named in the answer to an input that breaks it.
namespace limits {
inline constexpr std::size_t body_bytes = 1 << 20;
inline constexpr std::size_t result_bytes = 1 << 20;
inline constexpr std::size_t message_bytes = 8 << 10;
inline constexpr std::size_t name_bytes = 64;
inline constexpr std::size_t json_depth = 64;
inline constexpr int lowest_priority = 9;
inline constexpr int max_attempts = 100;
inline constexpr seconds timeout{7 * 24 * 3600.0};
inline constexpr seconds delay{366 * 24 * 3600.0};
/// Jobs of one submission, and the bytes of its body.
inline constexpr std::size_t batch_jobs = 10'000;
inline constexpr std::size_t batch_bytes = 32 << 20;
/// Of a run's progress, as JSON.
inline constexpr std::size_t progress_bytes = 8 << 10;
inline constexpr std::size_t idempotency_key_bytes = 255;
/// Jobs of one page, and of one cancel or retry by filter.
inline constexpr int page_jobs = 1'000;
} // namespace limits

/// What a client asks for: a job before it has an id.
struct job_spec {
  std::int64_t object_id = 0;
  std::string type = "default";
  std::string queue = "default";
  /// JSON text; empty is null.
  std::string payload;
  /// 0 most urgent … 9.
  int priority = 5;
  /// Absent: the handler's own, or the worker's JOB_TIMEOUT.
  std::optional<seconds> timeout;
  int max_attempts = 1;
  /// At most one of the two is given.
  std::optional<timestamp> run_at;
  std::optional<seconds> delay;
  /// A job that has not started by then fails with the message `expired`. From acceptance on.
  std::optional<seconds> expires_in;
  /// How many jobs of the same type and object may run at a time: 1, or 0 for no limit.
  int object_limit = 0;
  /// As `read_traceparent` gives it; empty: none.
  std::string traceparent;

  friend bool operator==(const job_spec&, const job_spec&) = default;
};

/// Checks the ranges of §limits; `ec::invalid` names the field and what is allowed.
[[nodiscard]] expected<void> validate(const job_spec& spec);
/// `type` and `queue`: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

/// Names with commas between; nothing if empty.
[[nodiscard]] std::vector<std::string> split_names(std::string_view text);

/// The answer to a submission.
struct created_job {
  job_id id = 0;
  /// True if the id is of a job that stood already for the same type and object.
  bool duplicate = false;
  /// When it becomes ready; absent if it is ready now.
  std::optional<timestamp> run_at;
};

/// A job as it is stored.
struct job {
  job_id id = 0;
  std::int64_t object_id = 0;
  job_status status = job_status::created;
  std::optional<timestamp> start_time;
  std::optional<timestamp> end_time;
  std::optional<std::string> message;
  timestamp created_at;
  std::string queue;
  std::string type;
  std::optional<std::string> payload;
  int priority = 5;
  std::optional<timestamp> run_at;
  bool ready = true;
  std::optional<seconds> timeout;
  int max_attempts = 1;
  attempt_no attempt = 0;
  int failures = 0;
  int recoveries = 0;
  std::optional<node_id> node;
  std::optional<std::string> result;
  std::optional<timestamp> expires_at;
  int object_limit = 0;
  /// JSON: what the run told last.
  std::optional<std::string> progress;
  /// It runs, and a client asked for its end.
  bool cancel_requested = false;
  std::optional<std::string> traceparent;
};

/// What a worker needs of a job that it has claimed.
struct claimed_job {
  job_id id = 0;
  attempt_no attempt = 0;
  std::int64_t object_id = 0;
  std::string type;
  std::string queue;
  std::string payload;
  int priority = 5;
  std::optional<seconds> timeout;
  int max_attempts = 1;
  int failures = 0;
  int recoveries = 0;
  int object_limit = 0;
  /// W3C trace context of the request that made the job; empty: none.
  std::string traceparent;
  /// By the store's clock, from when it was ready to now. Absent from the second attempt on: when a job that
  /// was given back was ready again is kept nowhere.
  std::optional<seconds> waited = {};
};

/// One run of one job: the pair that every write about the run names.
struct run_key {
  job_id id = 0;
  attempt_no attempt = 0;

  friend auto operator<=>(const run_key&, const run_key&) = default;
};

/// A note in the queue that a job is ready. Losing it or writing it twice changes nothing but speed.
struct hint {
  job_id id = 0;
  std::string queue = "default";
  int priority = 5;

  friend bool operator==(const hint&, const hint&) = default;
};

/// How a run ended, as its executor saw it.
struct outcome {
  enum class kind : std::uint8_t {
    success,
    failure,
    /// The node gave the run up (shutdown, lost lease): the job goes back and no retry is spent.
    released,
    /// It was ended because a client asked for it.
    cancelled,
  };
  kind what = kind::failure;
  /// JSON text, on success; empty is null.
  std::string result;
  /// Why it failed, or what a user should know about a success.
  std::string message;

  static outcome succeeded(std::string result = {}, std::string message = {}) {
    return {kind::success, std::move(result), std::move(message)};
  }
  static outcome failed(std::string message) { return {kind::failure, {}, std::move(message)}; }
  static outcome given_back() { return {kind::released, {}, {}}; }
  friend bool operator==(const outcome&, const outcome&) = default;
};

} // namespace jobd
