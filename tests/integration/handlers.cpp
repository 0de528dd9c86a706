#include "tests/integration/handlers.hpp"

#include <tao/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace jobd::test {
namespace {

/// A line is written in one piece, so those of different processes do not mix.
constexpr auto prelude = R"sh(
note() { echo "$1 $JOB_ID $JOB_ATTEMPT $WORKER $$ $(date +%s.%N)" >> "$FOLDER/notes"; }
)sh";

} // namespace

json script(const std::string& text) {
  return {{"command", json::array({"/bin/sh", "-c", prelude + text})}};
}

jobd_process& script_cluster::start_worker(const std::string& name, handler_entries handlers,
                                           settings extra) {
  json all = tao::json::empty_object;
  for (auto& [type, entry] : handlers) {
    if (entry.is_object() && entry.find("command"))
      entry["env"] = json{{"WORKER", name}, {"FOLDER", folder().string()}};
    all[type] = entry;
  }
  extra["JOB_HANDLERS"] = file("handlers-" + name + ".json", tao::json::to_string(all));
  return cluster::start_worker(extra);
}

std::int64_t script_cluster::submit(const std::string& members) {
  return new_job("{\"object_id\":" + std::to_string(++objects_) + (members.empty() ? "" : ",") + members
                 + "}");
}

std::vector<std::int64_t> script_cluster::submit(int times, const std::string& members) {
  auto ids = std::vector<std::int64_t>{};
  for (auto i = 0; i < times; ++i)
    ids.push_back(submit(members));
  return ids;
}

std::vector<note> script_cluster::all_notes() const {
  auto file = std::ifstream{folder() / "notes"};
  auto found = std::vector<note>{};
  for (auto n = note{}; file >> n.what >> n.job >> n.attempt >> n.worker >> n.pid >> n.at;)
    found.push_back(n);
  return found;
}

std::vector<note> script_cluster::notes(const std::string& what) const {
  auto found = all_notes();
  std::erase_if(found, [&](const note& n) { return n.what != what; });
  return found;
}

std::vector<note> script_cluster::notes(const std::string& what, std::int64_t job) const {
  auto found = notes(what);
  std::erase_if(found, [&](const note& n) { return n.job != job; });
  return found;
}

bool script_cluster::noted(const std::string& what, std::size_t times, std::chrono::milliseconds limit) {
  return eventually([&] { return notes(what).size() >= times; }, limit, 20ms);
}

bool script_cluster::jobs_are(const std::string& status, int jobs, std::chrono::milliseconds limit) {
  return becomes("select count(*) from jobs where status = '" + status + "'", std::to_string(jobs), limit);
}

std::string script_cluster::column(std::int64_t job, const std::string& expression) {
  return value("select " + expression + " from jobs where id = " + std::to_string(job));
}

std::vector<pid_t> script_cluster::pids_in(const std::string& name) const {
  auto file = std::ifstream{folder() / name};
  auto found = std::vector<pid_t>{};
  for (auto pid = pid_t{}; file >> pid;)
    found.push_back(pid);
  return found;
}

bool is_alive(pid_t pid) {
  auto file = std::ifstream{"/proc/" + std::to_string(pid) + "/stat"};
  auto text = std::string{};
  std::getline(file, text);
  // The name in parentheses may hold anything.
  const auto end = text.rfind(") ");
  return end != std::string::npos && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

bool all_die(const std::vector<pid_t>& pids, std::chrono::milliseconds limit) {
  return eventually([&] { return std::ranges::none_of(pids, is_alive); }, limit);
}

} // namespace jobd::test
