#include "core/error.hpp"

namespace jobd {

std::string_view to_string(ec code) noexcept {
  switch (code) {
  case ec::none: return "none";
  case ec::invalid: return "invalid";
  case ec::not_found: return "not found";
  case ec::conflict: return "conflict";
  case ec::key_reused: return "key reused";
  case ec::stale_attempt: return "stale attempt";
  case ec::store_away: return "store away";
  case ec::store_uncertain: return "store uncertain";
  case ec::queue_away: return "queue away";
  case ec::schema_old: return "schema too old";
  case ec::overloaded: return "overloaded";
  case ec::stopping: return "stopping";
  case ec::internal: return "internal";
  }
  return "unknown";
}

std::string to_string(const error& e) {
  auto text = std::string{to_string(e.code)};
  if (!e.context.empty())
    text += ": " + e.context;
  return text;
}

} // namespace jobd
