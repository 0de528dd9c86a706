#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace jobd::actors {

/// What the thread of the actors serves beside them, such as sockets. Called by that thread, but for `wake`.
class event_source {
public:
  virtual ~event_source() = default;

  /// Serves a part of what there is now. False: there was nothing.
  virtual bool poll() = 0;
  /// Waits for something and serves it, or returns after a `wake`, also after one that came before it.
  virtual void wait() = 0;
  /// Thread-safe.
  virtual void wake() = 0;
};

/// Has all actors that are not detached run on one thread, which can serve an event source, too: what goes
/// from one to the other wakes nobody.
void use_event_loop(caf::actor_system_config& config);

/// From now on the thread of the actors serves `source`. False if it serves another one already.
[[nodiscard]] bool serve(caf::actor_system& system, event_source& source);
/// The end of that: returns when the thread has left `source`. Not to be called by an actor or by `source`.
void release(caf::actor_system& system, event_source& source);

} // namespace jobd::actors
