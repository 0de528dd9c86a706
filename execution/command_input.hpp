#pragma once

#include "core/job.hpp"
#include "execution/registry.hpp"

#include <string>
#include <vector>

/// What a command is told about its job.
namespace jobd::execution {

/// The worker's PATH, or the usual folders if it has none.
[[nodiscard]] std::string search_path();

/// The whole environment of a command, as `NAME=value`: PATH, HOME and LANG of the worker, the handler's own,
/// and the job's. Nothing else of the worker's environment, which holds its secrets.
[[nodiscard]] std::vector<std::string> command_environment(const claimed_job& j, const handler& h);

/// What a command reads from stdin: the job as one JSON object and a newline.
[[nodiscard]] std::string command_stdin(const claimed_job& j);

} // namespace jobd::execution
