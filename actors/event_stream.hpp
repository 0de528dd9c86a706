#pragma once

#include "core/error.hpp"
#include "core/job_event.hpp"

#include <memory>
#include <optional>
#include <string>

namespace jobd::actors {

/// One reader of events, an HTTP connection say. The calls are thread-safe and never block.
class event_reader {
public:
  virtual ~event_reader() = default;
  /// Gives it an event; `id` is empty for one that has no place in the stream. False if the reader is gone or
  /// too slow: it gets no more.
  virtual bool deliver(const std::string& id, const job_event& e) = 0;
  /// No more will come: `ec::none` after a job's last event, `ec::not_found` if there is no such job.
  virtual void end(const error& why) = 0;
  /// False once nobody reads it any more.
  [[nodiscard]] virtual bool alive() const = 0;
};

/// What a reader wants to hear.
struct event_subscription {
  /// Of one job: first how it is now, then what happens to it, to its end. Absent: of all.
  std::optional<job_id> id;
  std::optional<std::string> type;
  std::optional<std::string> queue;
  /// Go on after this one. Empty: from now on.
  std::string last_event_id;
  std::shared_ptr<event_reader> reader;
};

} // namespace jobd::actors
