#include "execution/registry.hpp"

#include "execution/builtin.hpp"
#include "execution/handler_file.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace jobd::execution {

registry::registry() {
  add_native("builtin:echo", builtin::echo);
  add_native("builtin:sleep", builtin::sleep);
  add_native("builtin:fail", builtin::fail);
  handlers_["default"].native = "builtin:echo";
}

expected<void> registry::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) // a folder opens, but cannot be read
    return fail(ec::invalid, path + ": cannot be read, a handler file of JSON or JAXN is needed");
  return parse(text.str(), path);
}

expected<void> registry::parse(const std::string& text, const std::string& name) {
  auto read = read_handlers(text, name, *this);
  if (!read)
    return tl::unexpected(read.error());
  for (auto& [type, h] : *read)
    handlers_.insert_or_assign(type, std::move(h));
  return {};
}

void registry::add_native(const std::string& name, native_function f) {
  natives_.insert_or_assign(name, std::move(f));
  handler h;
  h.native = name;
  handlers_.insert_or_assign(name, std::move(h));
}

const handler* registry::find(const std::string& type) const {
  const auto found = handlers_.find(type);
  return found == handlers_.end() ? nullptr : &found->second;
}

std::vector<std::string> registry::types() const {
  std::vector<std::string> names;
  for (const auto& [type, h] : handlers_)
    names.push_back(type);
  return names;
}

std::vector<std::string> registry::natives() const {
  std::vector<std::string> names;
  for (const auto& [name, f] : natives_)
    names.push_back(name);
  return names;
}

const native_function* registry::find_native(const std::string& name) const {
  const auto found = natives_.find(name);
  return found == natives_.end() ? nullptr : &found->second;
}

} // namespace jobd::execution
