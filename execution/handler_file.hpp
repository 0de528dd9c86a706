#pragma once

#include "core/error.hpp"
#include "execution/registry.hpp"

#include <map>
#include <string>

namespace jobd::execution {

/// Reads a handler file's text, strictly. `known` is asked for native names. `name` stands for the file in
/// errors, and its folder is where relative programs with a slash are looked for. `ec::invalid` names file,
/// type, field and what is allowed.
[[nodiscard]] expected<std::map<std::string, handler>>
read_handlers(const std::string& text, const std::string& name, const registry& known);

} // namespace jobd::execution
