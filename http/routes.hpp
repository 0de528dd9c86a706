#pragma once

#include "core/job.hpp"

#include <cstdint>
#include <string_view>

namespace jobd::http {

/// What a request asks for.
struct route {
  enum class kind : std::uint8_t {
    /// POST /v1/jobs
    submit,
    /// GET or HEAD /v1/jobs/{id}
    get,
    /// GET or HEAD /healthz
    healthz,
    /// No such path.
    not_found,
    /// The path is there; `detail` is the list of what may be done with it.
    method_not_allowed,
    /// The query has a parameter that nobody knows: `detail`.
    unknown_parameter,
    /// `detail` is no id that a job can have.
    bad_id,
  };
  kind what = kind::not_found;
  /// Only for `get`.
  job_id id = 0;
  /// A part of the target, or a constant.
  std::string_view detail = {};

  friend bool operator==(const route&, const route&) = default;
};

/// Finds the route of a request line. An id is canonical: decimal digits without sign and leading zero, from
/// 1 to 2^63 - 1, so that each job has one address.
[[nodiscard]] route find_route(std::string_view method, std::string_view target) noexcept;

} // namespace jobd::http
