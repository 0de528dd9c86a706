#pragma once

#include "core/config.hpp"

#include <span>
#include <string>
#include <string_view>

namespace jobd::app {

/// What the command line asks for.
struct request {
  /// One of `commands()`.
  std::string command;
  config settings;
};

/// How a program ended; documented in the README and by `--help`.
namespace exit_code {
inline constexpr int ok = 0;
/// The work could not be done: a taken port, an old schema, an unhealthy node.
inline constexpr int failed = 1;
/// The command line or a setting is wrong.
inline constexpr int usage = 2;
/// A part of the process crashed.
inline constexpr int crashed = 70;
} // namespace exit_code

struct command {
  std::string_view name;
  std::string_view help;
};

[[nodiscard]] std::span<const command> commands();
/// Whether a command reads a setting.
[[nodiscard]] bool reads(std::string_view command, const config_option& o);

/// Reads the command line and the environment. An int is the exit code of a program that is done already:
/// help and version were printed, or what is wrong was told on stderr.
[[nodiscard]] tl::expected<request, int> read_command_line(int argc, char** argv);

} // namespace jobd::app
