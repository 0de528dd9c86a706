#include "app/completion.hpp"

#include "app/options.hpp"

namespace jobd::app {
namespace {

std::string command_names() {
  auto names = std::string{"--help --version"};
  for (const auto& c : commands())
    names.append(" ").append(c.name);
  return names;
}

/// One line of the script's `case`: the flags of a command.
std::string flags_of(const command& c) {
  auto line = "    " + std::string{c.name} + ") words='--help";
  for (const auto& o : config_options())
    if (reads(c.name, o))
      line.append(" --").append(o.flag);
  return line + "' ;;\n";
}

} // namespace

std::string bash_completion() {
  auto script = std::string{R"(# Completion of jobd for bash, made by "jobd completion".
_jobd() {
  local current=${COMP_WORDS[COMP_CWORD]} words=
  case ${COMP_WORDS[COMP_CWORD-1]} in
    --data) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --handlers | --api-tokens | --tls-cert | --tls-key) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --log-level) words='debug info warn error' ;;
    --log-format) words='text json' ;;
    --*) return ;;
    *) case ${COMP_WORDS[1]} in
)"};
  for (const auto& c : commands())
    script += flags_of(c);
  script += "    *) words='" + command_names() + R"(' ;;
    esac ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -F _jobd jobd
)";
  return script;
}

} // namespace jobd::app
