#pragma once

#include "core/error.hpp"
#include "core/job.hpp"

#include <string_view>
#include <vector>

/// Many jobs in one body.
namespace jobd::http {

enum class batch_format : std::uint8_t {
  /// A JSON array.
  array,
  /// One job a line (application/x-ndjson); blank lines are skipped.
  lines,
};

/// Reads 1 to `limits::batch_jobs` jobs, each as `parse_job_spec` does. `ec::invalid` names the first bad one
/// by its index: `jobs[3].priority must be …`.
[[nodiscard]] expected<std::vector<job_spec>> parse_batch(std::string_view body, batch_format format);

} // namespace jobd::http
