#pragma once

#include "core/config.hpp"

#include <string>

namespace jobd::app {

/// What the command line asks for.
struct request {
  /// `standalone`, `api`, `worker`, `migrate` or `health`.
  std::string command;
  config settings;
};

/// How a program ended; documented in the README.
namespace exit_code {
inline constexpr int ok = 0;
/// The work could not be done: a taken port, an old schema, an unhealthy node.
inline constexpr int failed = 1;
/// The command line or a setting is wrong.
inline constexpr int usage = 2;
/// A part of the process crashed.
inline constexpr int crashed = 70;
} // namespace exit_code

/// Reads the command line and the environment. An int is the exit code of a program that is done already:
/// help and version were printed, or what is wrong was told on stderr.
[[nodiscard]] tl::expected<request, int> read_command_line(int argc, char** argv);

} // namespace jobd::app
