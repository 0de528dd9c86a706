#include "core/job_event.hpp"

#include "core/json_text.hpp"

namespace jobd {

std::string to_json(const job_event& e) {
  auto text = "{\"job_id\":" + std::to_string(e.id) + ",\"object_id\":" + std::to_string(e.object_id)
              + ",\"type\":" + json_string(e.type) + ",\"queue\":" + json_string(e.queue) + ",\"status\":\"";
  text.append(to_string(e.status)).append("\",\"attempt\":").append(std::to_string(e.attempt));
  if (e.progress)
    text.append(",\"progress\":").append(*e.progress);
  return text + '}';
}

} // namespace jobd
