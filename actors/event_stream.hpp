#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "core/job_event.hpp"

#include <memory>
#include <optional>
#include <string>

namespace jobd::actors {

/// One reader of events. All calls are thread-safe and never block.
class event_reader {
public:
  virtual ~event_reader() = default;

  /// Gives it an event; false if it is gone or too slow: it gets no more.
  virtual bool deliver(const std::string& id, const job_event& e) = 0;
  /// No more will come. `why` is `ec::none` at the natural end, and may be `ec::not_found` before anything
  /// was sent.
  virtual void end(const error& why) = 0;
  /// True once it is gone. Whoever keeps readers asks now and then and forgets those, for who waits for
  /// events that never come gets no `deliver`.
  [[nodiscard]] virtual bool gone() const { return false; }
};

/// What a reader wants to see: one job, or all of a type, of a queue, of both, or of any.
struct event_subscription {
  std::optional<job_id> id;
  std::optional<std::string> type;
  std::optional<std::string> queue;
  /// What the client has seen already; empty if nothing.
  std::string last_event_id;
  std::shared_ptr<event_reader> reader;
};

} // namespace jobd::actors
