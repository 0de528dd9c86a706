#include "app/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>

namespace jobd::app {
namespace {

constexpr command all_commands[] = {
    {"standalone", "Accept jobs and run them in one process, on a file, without PostgreSQL and Redis"},
    {"api", "Serve HTTP: accept jobs and tell how they went"},
    {"worker", "Claim jobs and run them"},
    {"migrate", "Bring the database's schema up to date; safe to run again, and from several nodes at once"},
    {"health", "Exit with 0 if a node of this host is alive, for container health checks"},
    {"token", "Print a new token for the API, and its entry for JOB_API_TOKENS_FILE"},
    {"completion", "Print the completion for bash: source <(jobd completion)"},
};

constexpr auto exit_codes = "Exit codes:\n"
                            "  0   it was asked to end, or has done its work\n"
                            "  1   it could not do its work: a taken port, an old schema, an unhealthy node\n"
                            "  2   the command line or a setting is wrong\n"
                            "  70  a part of the process crashed; start it again";

/// What was given as flags, by their names.
using flags = std::map<std::string, std::string, std::less<>>;

/// What a setting is; below it the variable and the default.
std::string describe(const config_option& o) {
  auto text = std::string{o.help} + "\n[" + std::string{o.env};
  if (o.secret)
    text += ", or " + std::string{o.env} + "_FILE";
  const auto value = o.show(config{});
  return text + "; default: " + (value.empty() ? "none" : value) + "]";
}

void add_command(CLI::App& cli, const command& c, flags& given) {
  auto* sub = cli.add_subcommand(std::string{c.name}, std::string{c.help});
  for (const auto& o : config_options())
    if (reads(c.name, o))
      sub->add_option_function<std::string>(
             "--" + std::string{o.flag},
             [&given, name = std::string{o.flag}](const std::string& value) { given[name] = value; },
             describe(o))
          ->type_name("");
  sub->footer(exit_codes);
}

std::optional<std::string> environment(std::string_view name) {
  const auto* value = std::getenv(std::string{name}.c_str());
  return value ? std::optional<std::string>{value} : std::nullopt;
}

tl::unexpected<int> refuse(std::string_view what) {
  std::cerr << "jobd: " << what << '\n';
  return tl::unexpected{exit_code::usage};
}

} // namespace

std::span<const command> commands() {
  return all_commands;
}

bool reads(std::string_view command, const config_option& o) {
  auto names = std::istringstream{std::string{o.commands}};
  return std::find(std::istream_iterator<std::string>{names}, {}, command)
         != std::istream_iterator<std::string>{};
}

tl::expected<request, int> read_command_line(int argc, char** argv) {
  auto cli = CLI::App{"jobd: a durable job service, on PostgreSQL and Redis or on a file\n"
                      "jobd COMMAND --help has the settings of a command, each a flag and a variable.",
                      "jobd"};
  cli.set_version_flag("--version", std::string{"jobd "} + JOBD_VERSION);
  cli.require_subcommand(1);
  cli.footer(exit_codes);
  auto given = flags{};
  for (const auto& c : commands())
    add_command(cli, c, given);
  // CLI11 would only say that a command is missing.
  const auto known = [&](const command& c) { return argv[1] == c.name; };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands(), known))
    return refuse(std::string{"there is no command "} + argv[1] + "; see jobd --help");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0)
      return tl::unexpected{cli.exit(e)};
    const auto sub = cli.get_subcommands();
    return refuse(e.what() + std::string{"; see jobd "} + (sub.empty() ? "" : sub[0]->get_name() + " ")
                  + "--help");
  }
  const auto flag = [&given](std::string_view name) -> std::optional<std::string> {
    const auto found = given.find(name);
    return found == given.end() ? std::nullopt : std::optional{found->second};
  };
  auto settings = read_config(flag, environment);
  if (!settings)
    return refuse(settings.error().context);
  return request{cli.get_subcommands().front()->get_name(), std::move(*settings)};
}

} // namespace jobd::app
