#pragma once

#include "core/job.hpp"

#include <cstdint>
#include <span>
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
    /// GET or HEAD /metrics
    metrics,
    /// GET or HEAD /readyz
    readyz,
    /// GET or HEAD /openapi.json
    openapi,
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
    /// GET or HEAD /v1/queues
    queues,
    /// POST /v1/queues/{name}/pause
    pause,
    /// POST /v1/queues/{name}/resume
    resume,
    /// GET or HEAD /v1/workers
    workers,
    /// GET or HEAD /v1/stats
    stats,
  };
  kind what = kind::not_found;
  /// Only where the path has an id; 0 if it is none that a job can have.
  job_id id = 0;
  /// What follows the `?`, a part of the target.
  std::string_view query = {};
  /// Only for `method_not_allowed`: the methods that are, for the header Allow.
  std::string_view allowed = {};
  /// Only where the path has the name of a queue; a part of the target.
  std::string_view name = {};

  friend bool operator==(const route&, const route&) = default;
};

/// Finds the route of a request line. An id is canonical: decimal digits without sign and leading zero, from
/// 1 to 2^63 - 1, so that each job has one address.
[[nodiscard]] route find_route(std::string_view method, std::string_view target) noexcept;

/// What is answered also where there is no job API.
[[nodiscard]] constexpr bool is_for_operators(route::kind k) noexcept {
  return k >= route::kind::healthz && k <= route::kind::openapi;
}

/// A route as it is documented: `{"GET", "/v1/jobs/{id}", kind::get}`.
struct endpoint {
  std::string_view method;
  std::string_view path;
  route::kind what = route::kind::not_found;
};
/// All of them, without those of HEAD.
[[nodiscard]] std::span<const endpoint> endpoints();

/// The path of a request line's target, without the query.
[[nodiscard]] std::string_view path_of(std::string_view target) noexcept;

/// How long the body of a request may be, in bytes.
[[nodiscard]] std::size_t most_body_bytes(std::string_view method, std::string_view target) noexcept;

/// True if the path speaks of one job.
[[nodiscard]] constexpr bool has_id(route::kind k) noexcept {
  return k >= route::kind::get && k <= route::kind::job_events;
}

} // namespace jobd::http
