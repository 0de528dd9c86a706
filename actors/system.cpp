#include "actors/system.hpp"

#include "actors/event_loop.hpp"
#include "actors/interfaces.hpp"

#include <caf/deep_to_string.hpp>

namespace jobd::actors {

system_config::system_config() {
  add_message_types<caf::id_block::jobd>();
  add_error_category(caf::atom("jobd"), [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    return std::string{to_string(static_cast<ec>(code))} + caf::deep_to_string(context);
  });
  // Actors pass messages on, and a further thread costs more in wake-ups than it does; whatever takes long
  // has a thread of its own.
  use_event_loop(*this);
}

} // namespace jobd::actors
