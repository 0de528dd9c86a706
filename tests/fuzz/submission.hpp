#pragma once

#include "core/job.hpp"

#include <string>

namespace jobd::fuzz {

/// The body of a submission that asks for exactly this job.
[[nodiscard]] std::string submission(const job_spec& spec);

} // namespace jobd::fuzz
