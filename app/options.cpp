#include "app/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>

namespace jobd::app {
namespace {

struct command {
  const char* name;
  const char* help;
};

constexpr command commands[] = {
    {"standalone", "Accept jobs and run them in one process, on a file, without PostgreSQL and Redis"},
    {"api", "Serve HTTP: accept jobs and tell how they went"},
    {"worker", "Claim jobs and run them"},
    {"migrate", "Bring the database's schema up to date; safe to run again, and from several nodes at once"},
    {"health", "Exit with 0 if a node of this host is alive, for container health checks"},
};

std::string describe(const config_option& o) {
  auto text = std::string{o.help} + " [" + std::string{o.env};
  if (o.secret)
    text += ", or " + std::string{o.env} + "_FILE";
  const auto value = o.show(config{});
  return text + "; default: " + (value.empty() ? "none" : value) + "]";
}

std::optional<std::string> environment(std::string_view name) {
  const auto* value = std::getenv(std::string{name}.c_str());
  return value ? std::optional<std::string>{value} : std::nullopt;
}

} // namespace

tl::expected<request, int> read_command_line(int argc, char** argv) {
  auto cli = CLI::App{"jobd: a durable job service, on PostgreSQL and Redis or on a file", "jobd"};
  cli.set_version_flag("--version", std::string{"jobd "} + JOBD_VERSION);
  cli.require_subcommand(1);
  auto flags = std::map<std::string, std::string, std::less<>>{};
  for (const auto& c : commands) {
    auto* sub = cli.add_subcommand(c.name, c.help);
    for (const auto& o : config_options())
      sub->add_option_function<std::string>(
             "--" + std::string{o.flag},
             [&flags, name = std::string{o.flag}](const std::string& value) { flags[name] = value; },
             describe(o))
          ->type_name("");
  }
  // CLI11 would only say that a command is missing.
  const auto known = [&](const command& c) { return std::string_view{argv[1]} == c.name; };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, known)) {
    std::cerr << "jobd: there is no command " << argv[1] << "; see jobd --help\n";
    return tl::unexpected{exit_code::usage};
  }
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0)
      return tl::unexpected{cli.exit(e)};
    std::cerr << "jobd: " << e.what() << "; see jobd --help\n";
    return tl::unexpected{exit_code::usage};
  }
  const auto flag = [&flags](std::string_view name) -> std::optional<std::string> {
    const auto found = flags.find(name);
    return found == flags.end() ? std::nullopt : std::optional{found->second};
  };
  auto settings = read_config(flag, environment);
  if (!settings) {
    std::cerr << "jobd: " << settings.error().context << '\n';
    return tl::unexpected{exit_code::usage};
  }
  return request{cli.get_subcommands().front()->get_name(), std::move(*settings)};
}

} // namespace jobd::app
