#include "execution/command_input.hpp"

#include "core/json_text.hpp"
#include "execution/process.hpp"
#include "execution/process_tree.hpp"

#include <cstdlib>

namespace jobd::execution {

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path && *path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

std::vector<std::string> command_environment(const claimed_job& j, const handler& h) {
  std::map<std::string, std::string, std::less<>> all{{"PATH", search_path()}};
  for (const char* name : {"HOME", "LANG"})
    if (const char* value = std::getenv(name))
      all[name] = value;
  for (const auto& [name, value] : h.env)
    all[name] = value;
  // Last, since the processes of a run are told by these.
  all[std::string(id_variable)] = std::to_string(j.id);
  all[std::string(attempt_variable)] = std::to_string(j.attempt);
  all["JOB_OBJECT_ID"] = std::to_string(j.object_id);
  all["JOB_TYPE"] = j.type;
  if (!j.traceparent.empty())
    all["TRACEPARENT"] = j.traceparent;
  all["JOB_PROGRESS_FD"] = std::to_string(progress_descriptor);
  std::vector<std::string> list;
  list.reserve(all.size());
  for (const auto& [name, value] : all)
    list.push_back(name + '=' + value);
  return list;
}

std::string command_stdin(const claimed_job& j) {
  return "{\"id\":" + std::to_string(j.id) + ",\"object_id\":" + std::to_string(j.object_id)
         + ",\"type\":" + json_string(j.type) + ",\"queue\":" + json_string(j.queue)
         + ",\"attempt\":" + std::to_string(j.attempt) + ",\"max_attempts\":" + std::to_string(j.max_attempts)
         + ",\"priority\":" + std::to_string(j.priority)
         + ",\"payload\":" + (j.payload.empty() ? "null" : j.payload) + "}\n";
}

} // namespace jobd::execution
