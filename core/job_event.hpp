#pragma once

#include "core/job.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jobd {

/// What happened to a job, for those who watch it. Losing one changes nothing but what they see.
struct job_event {
  job_id id = 0;
  std::int64_t object_id = 0;
  std::string type;
  std::string queue;
  job_status status = job_status::created;
  attempt_no attempt = 0;
  /// JSON: the run told how far it is. Absent: the status changed.
  std::optional<std::string> progress;

  friend bool operator==(const job_event&, const job_event&) = default;
};

/// As it travels between nodes: `id object_id status attempt type queue`, and its progress, if there is any.
[[nodiscard]] std::string to_text(const job_event& e);
/// Nothing if it is none.
[[nodiscard]] std::optional<job_event> read_job_event(std::string_view text);

/// As clients see it: a JSON object on one line,
/// `{"job_id":1,"object_id":7,"type":"mail","queue":"default","status":"running","attempt":1}`, with
/// `progress` if there is one.
[[nodiscard]] std::string to_json(const job_event& e);

} // namespace jobd
