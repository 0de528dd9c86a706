#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace jobd {

/// What can go wrong. One file per edge translates: `http/problem.cpp` to HTTP, `app/` to exit codes.
enum class ec : std::uint8_t {
  none,
  /// The input breaks a rule; the context names the field and what is allowed.
  invalid,
  /// No such job.
  not_found,
  /// The job's status does not allow it; the context says which status that is.
  conflict,
  /// The Idempotency-Key was used for another request.
  key_reused,
  /// Another attempt owns the job by now; the write changed nothing.
  stale_attempt,
  /// The store cannot be reached; nothing was written.
  store_away,
  /// The connection broke after the commit was sent: the write may or may not have happened.
  store_uncertain,
  /// The queue (Redis) cannot be reached.
  queue_away,
  /// The schema is older than this program, or is not there.
  schema_old,
  /// More is pending than this process accepts.
  overloaded,
  /// The process is shutting down.
  stopping,
  /// A broken assumption; the context is for the log.
  internal,
};

[[nodiscard]] std::string_view to_string(ec code) noexcept;

/// A failure as a value: the code decides what happens, the context is for people.
struct error {
  ec code = ec::none;
  std::string context;

  friend bool operator==(const error&, const error&) = default;
};

[[nodiscard]] std::string to_string(const error& e);

template <class T>
using expected = tl::expected<T, error>;

[[nodiscard]] inline tl::unexpected<error> fail(ec code, std::string context = {}) {
  return tl::unexpected<error>(error{code, std::move(context)});
}

} // namespace jobd
