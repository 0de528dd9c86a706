#pragma once

#include "core/job.hpp"

#include <cstdint>
#include <string_view>

namespace jobd::http {

/// What a request asks for.
struct route {
  enum class kind : std::uint8_t {
    /// No such path.
    not_found,
    /// The path is there, but not for this method.
    method_not_allowed,
    /// GET or HEAD /healthz
    healthz,
    /// POST /v1/jobs
    submit,
    /// POST /v1/jobs/batch
    submit_batch,
    /// GET or HEAD /v1/jobs
    list,
    /// DELETE /v1/jobs
    cancel_all,
    /// POST /v1/jobs/retry
    retry_all,
    /// GET or HEAD /v1/jobs/{id}
    get,
    /// DELETE /v1/jobs/{id}
    cancel,
    /// POST /v1/jobs/{id}/retry
    retry,
    /// GET or HEAD /v1/jobs/{id}/history
    history,
    /// GET or HEAD /v1/jobs/{id}/explain
    explain,
    /// GET /v1/jobs/{id}/events
    job_events,
    /// GET /v1/events
    events,
  };
  kind what = kind::not_found;
  /// Only where the path has an id; 0 if it is none that a job can have.
  job_id id = 0;
  /// What follows the `?`, a part of the target.
  std::string_view query = {};
  /// Only for `method_not_allowed`: the methods that are, for the header Allow.
  std::string_view allowed = {};

  friend bool operator==(const route&, const route&) = default;
};

/// Finds the route of a request line. An id is canonical: decimal digits without sign and leading zero, from
/// 1 to 2^63 - 1, so that each job has one address.
[[nodiscard]] route find_route(std::string_view method, std::string_view target) noexcept;

/// The path of a request line's target, without the query.
[[nodiscard]] std::string_view path_of(std::string_view target) noexcept;

/// How long the body of a request may be, in bytes.
[[nodiscard]] std::size_t most_body_bytes(std::string_view method, std::string_view target) noexcept;

/// True if the path speaks of one job.
[[nodiscard]] constexpr bool has_id(route::kind k) noexcept {
  return k >= route::kind::get && k <= route::kind::job_events;
}

} // namespace jobd::http
