#include "execution/handler_file.hpp"

#include "core/json_text.hpp"
#include "execution/command_input.hpp"
#include "execution/process_tree.hpp"

#include <tao/json.hpp>
#include <tao/json/jaxn.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace jobd::execution {
namespace {

using tao::json::value;
namespace fs = std::filesystem;

constexpr int most_memory_mb = 1 << 20;

/// What is wrong, without its place; caught in `read_handlers`.
struct mistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What taoJSON lets pass. It keeps the first of two equal keys and says nothing, which would hide a handler
/// here, and recurses with each level, which would overflow the stack.
template <class Consumer>
struct strict : Consumer {
  std::size_t depth = 0;
  std::vector<std::set<std::string, std::less<>>> seen;

  void go_deeper() {
    if (++depth > limits::json_depth)
      throw mistake("is nested deeper than " + std::to_string(limits::json_depth) + " levels");
  }
  void begin_array(std::size_t size = 0) {
    go_deeper();
    Consumer::begin_array(size);
  }
  void end_array(std::size_t size = 0) {
    --depth;
    Consumer::end_array(size);
  }
  void begin_object(std::size_t size = 0) {
    go_deeper();
    seen.emplace_back();
    Consumer::begin_object(size);
  }
  void key(std::string_view k) {
    if (!seen.back().emplace(k).second)
      throw mistake(json_string(storable_text(k)) + " stands there twice");
    Consumer::key(k);
  }
  void key(std::string&& k) { key(std::string_view(k)); }
  void key(const char* k) { key(std::string_view(k)); }
  void end_object(std::size_t size = 0) {
    --depth;
    seen.pop_back();
    Consumer::end_object(size);
  }
};

bool has_nul(const std::string& text) {
  return text.find('\0') != text.npos;
}

bool is_program(const fs::path& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The path of `program`, from `folder` if it has a slash, else from PATH.
std::string find_program(const std::string& program, const fs::path& folder) {
  if (program.find('/') != program.npos) {
    const auto path = (folder / program).lexically_normal();
    if (!is_program(path))
      throw mistake("command: " + json_string(storable_text(path.string())) + " is not an executable file");
    return path.string();
  }
  const auto path = search_path();
  for (std::string_view rest = path;;) {
    const auto entry = rest.substr(0, rest.find(':'));
    const auto candidate = fs::path(entry.empty() ? "." : entry) / program;
    if (is_program(candidate))
      return fs::absolute(candidate).string();
    if (entry.size() == rest.size())
      throw mistake("command: there is no program " + json_string(program) + " in PATH");
    rest.remove_prefix(entry.size() + 1);
  }
}

std::vector<std::string> read_command(const value& v, const fs::path& folder) {
  constexpr auto allowed = "command must be a list of texts without NUL, the program first";
  std::vector<std::string> argv;
  if (!v.is_array())
    throw mistake(allowed);
  for (const auto& part : v.get_array()) {
    if (!part.is_string_type() || has_nul(part.as<std::string>()))
      throw mistake(allowed);
    argv.push_back(part.as<std::string>());
  }
  if (argv.empty() || argv[0].empty())
    throw mistake(allowed);
  argv[0] = find_program(argv[0], folder);
  return argv;
}

std::string read_native(const value& v, const registry& known) {
  const auto name = v.is_string_type() ? v.as<std::string>() : "";
  if (known.find_native(name))
    return name;
  std::string names;
  for (const auto& type : known.natives())
    names += (names.empty() ? "" : ", ") + type;
  throw mistake("native must be one of " + names);
}

seconds read_timeout(const value& v) {
  const auto length = v.is_number() ? v.as<double>() : 0;
  if (!(length > 0 && length <= limits::timeout.count()))
    throw mistake("timeout must be a number of seconds, over 0 and at most "
                  + std::to_string(static_cast<int>(limits::timeout.count())));
  return seconds(length);
}

int read_memory(const value& v) {
  const bool fits = (v.is_signed() && v.get_signed() >= 1 && v.get_signed() <= most_memory_mb)
                    || (v.is_unsigned() && v.get_unsigned() >= 1
                        && v.get_unsigned() <= static_cast<unsigned>(most_memory_mb));
  if (!fits)
    throw mistake("memory_mb must be a whole number from 1 to " + std::to_string(most_memory_mb));
  return v.as<int>();
}

std::map<std::string, std::string> read_environment(const value& v) {
  static const std::set<std::string, std::less<>> ours{
      std::string(id_variable), std::string(attempt_variable),
      "JOB_OBJECT_ID",          "JOB_TYPE",
      "JOB_PROGRESS_FD",        "TRACEPARENT"};
  if (!v.is_object())
    throw mistake("env must be an object from name to text");
  std::map<std::string, std::string> all;
  for (const auto& [name, text] : v.get_object()) {
    if (name.empty() || has_nul(name) || name.find('=') != name.npos)
      throw mistake("env: a name must not be empty nor hold = or NUL");
    if (ours.contains(name))
      throw mistake("env: " + name + " is set by jobd itself");
    if (!text.is_string_type() || has_nul(text.as<std::string>()))
      throw mistake("env: the value of " + json_string(name) + " must be a text without NUL");
    all[name] = text.as<std::string>();
  }
  return all;
}

handler read_object(const value& v, const fs::path& folder, const registry& known) {
  handler h;
  for (const auto& [field, content] : v.get_object()) {
    if (field == "command")
      h.command = read_command(content, folder);
    else if (field == "native")
      h.native = read_native(content, known);
    else if (field == "timeout")
      h.timeout = read_timeout(content);
    else if (field == "memory_mb")
      h.memory_mb = read_memory(content);
    else if (field == "env")
      h.env = read_environment(content);
    else if (field == "exclusive" && content.is_boolean())
      h.exclusive = content.get_boolean();
    else if (field == "exclusive")
      throw mistake("exclusive must be true or false");
    else
      throw mistake("unknown field " + json_string(storable_text(field))
                    + ", known are command, native, timeout, memory_mb, exclusive and env");
  }
  if (h.command.empty() == h.native.empty())
    throw mistake("exactly one of command and native must be given");
  if (!h.native.empty() && (h.memory_mb || v.find("env")))
    throw mistake("memory_mb and env are for a command only");
  return h;
}

handler read_handler(const std::string& type, const value& v, const fs::path& folder, const registry& known) {
  try {
    if (!is_name(type))
      throw mistake("a type is 1 to 64 of A-Z a-z 0-9 . _ : -");
    if (v.is_object())
      return read_object(v, folder, known);
    if (!v.is_string_type())
      throw mistake("must be the name of a native function, or an object with command or native");
    handler h;
    h.native = read_native(v, known);
    return h;
  } catch (const mistake& m) {
    throw mistake("type " + json_string(storable_text(type)) + ": " + m.what());
  }
}

} // namespace

expected<std::map<std::string, handler>> read_handlers(const std::string& text, const std::string& name,
                                                       const registry& known) {
  try {
    const auto v = tao::json::jaxn::from_string<strict>(text, name);
    if (!v.is_object())
      return fail(ec::invalid, name + ": must be an object from job type to handler");
    const auto folder = fs::absolute(name).parent_path();
    std::map<std::string, handler> handlers;
    for (const auto& [type, content] : v.get_object())
      handlers.emplace(type, read_handler(type, content, folder, known));
    return handlers;
  } catch (const tao::json::pegtl::parse_error& e) { // says file, line and column itself
    return fail(ec::invalid, std::string(e.what()) + ": a handler file is JSON or JAXN");
  } catch (const std::exception& e) {
    return fail(ec::invalid, name + ": " + e.what());
  }
}

} // namespace jobd::execution
