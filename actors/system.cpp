#include "actors/system.hpp"

#include "actors/interfaces.hpp"

#include <caf/deep_to_string.hpp>

namespace jobd::actors {

system_config::system_config(std::size_t threads) {
  add_message_types<caf::id_block::jobd>();
  add_error_category(caf::atom("jobd"), [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    return std::string{to_string(static_cast<ec>(code))} + caf::deep_to_string(context);
  });
  set("scheduler.max-threads", threads);
  // Idle threads wait to be woken. Those that steal work look for it thousands of times a second instead.
  set("scheduler.policy", caf::atom("sharing"));
}

} // namespace jobd::actors
