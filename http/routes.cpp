#include "http/routes.hpp"

#include <charconv>
#include <deque>
#include <string>
#include <vector>

namespace jobd::http {
namespace {

using kind = route::kind;

/// One method of a resource. HEAD goes where GET goes, if `head` says so.
struct verb {
  std::string_view method;
  kind what;
  bool head = false;
};

/// Something that has a path: what may be done with it, and the same as the header Allow says it.
struct resource {
  std::string_view path;
  std::span<const verb> verbs;
  std::string_view allowed;
};

constexpr auto jobs_path = std::string_view{"/v1/jobs"};
constexpr auto queues_path = std::string_view{"/v1/queues"};
constexpr auto batch_path = std::string_view{"/v1/jobs/batch"};

constexpr verb of_health[] = {{"GET", kind::healthz, true}};
constexpr verb of_ready[] = {{"GET", kind::readyz, true}};
constexpr verb of_openapi[] = {{"GET", kind::openapi, true}};
constexpr verb of_metrics[] = {{"GET", kind::metrics, true}};
constexpr verb of_jobs[] = {{"POST", kind::submit}, {"GET", kind::list, true}, {"DELETE", kind::cancel_all}};
constexpr verb of_batch[] = {{"POST", kind::submit_batch}};
constexpr verb of_retry_all[] = {{"POST", kind::retry_all}};
constexpr verb of_queues[] = {{"GET", kind::queues, true}};
constexpr verb of_workers[] = {{"GET", kind::workers, true}};
constexpr verb of_stats[] = {{"GET", kind::stats, true}};
constexpr verb of_events[] = {{"GET", kind::events}};
constexpr resource resources[] = {
    {jobs_path, of_jobs, "GET, HEAD, POST, DELETE"},
    {batch_path, of_batch, "POST"},
    {"/v1/jobs/retry", of_retry_all, "POST"},
    {"/v1/events", of_events, "GET"},
    {queues_path, of_queues, "GET, HEAD"},
    {"/v1/workers", of_workers, "GET, HEAD"},
    {"/v1/stats", of_stats, "GET, HEAD"},
    {"/healthz", of_health, "GET, HEAD"},
    {"/readyz", of_ready, "GET, HEAD"},
    {"/openapi.json", of_openapi, "GET, HEAD"},
    {"/metrics", of_metrics, "GET, HEAD"},
};

constexpr verb of_job[] = {{"GET", kind::get, true}, {"DELETE", kind::cancel}};
constexpr verb of_retry[] = {{"POST", kind::retry}};
constexpr verb of_history[] = {{"GET", kind::history, true}};
constexpr verb of_explain[] = {{"GET", kind::explain, true}};
constexpr verb of_job_events[] = {{"GET", kind::job_events}};
/// What follows `/v1/jobs/{id}`.
constexpr resource parts_of_a_job[] = {
    {"", of_job, "GET, HEAD, DELETE"},     {"/retry", of_retry, "POST"},
    {"/history", of_history, "GET, HEAD"}, {"/explain", of_explain, "GET, HEAD"},
    {"/events", of_job_events, "GET"},
};

constexpr verb of_pause[] = {{"POST", kind::pause}};
constexpr verb of_resume[] = {{"POST", kind::resume}};
/// What follows `/v1/queues/{name}`.
constexpr resource parts_of_a_queue[] = {
    {"/pause", of_pause, "POST"},
    {"/resume", of_resume, "POST"},
};

/// RFC 9112 §3.2.2: a server takes `http://host/path` for `/path`.
std::string_view without_authority(std::string_view target) noexcept {
  static constexpr auto scheme = std::string_view{"http://"};
  if (!target.starts_with(scheme))
    return target;
  const auto path = target.find('/', scheme.size());
  return path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
}

job_id parse_id(std::string_view text) noexcept {
  if (text.empty() || text.front() < '1' || text.front() > '9')
    return 0;
  auto id = job_id{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), id);
  return err == std::errc{} && end == text.data() + text.size() ? id : 0;
}

route by_method(std::string_view method, const resource& r, job_id id = 0) noexcept {
  for (const auto& v : r.verbs)
    if (v.method == method || (v.head && method == "HEAD"))
      return {v.what, id};
  return {kind::method_not_allowed, id, {}, r.allowed};
}

/// What follows the path of all jobs, or of all queues, and a slash; empty if it is something else.
std::string_view part_after(std::string_view parent, std::string_view path) noexcept {
  if (!path.starts_with(parent) || path.size() < parent.size() + 2 || path[parent.size()] != '/')
    return {};
  return path.substr(parent.size() + 1);
}

route by_queue(std::string_view method, std::string_view path) noexcept {
  const auto name = path.substr(0, path.find('/'));
  for (const auto& r : parts_of_a_queue)
    if (is_name(name) && r.path == path.substr(name.size())) {
      auto found = by_method(method, r);
      found.name = name;
      return found;
    }
  return {};
}

route by_path(std::string_view method, std::string_view path) noexcept {
  for (const auto& r : resources)
    if (r.path == path)
      return by_method(method, r);
  if (const auto queue = part_after(queues_path, path); !queue.empty())
    return by_queue(method, queue);
  const auto job = part_after(jobs_path, path);
  const auto id = job.substr(0, job.find('/'));
  for (const auto& r : parts_of_a_job)
    if (!id.empty() && r.path == job.substr(id.size()))
      return by_method(method, r, parse_id(id));
  return {};
}

std::vector<endpoint> list_endpoints() {
  static auto paths = std::deque<std::string>{};
  auto all = std::vector<endpoint>{};
  const auto add = [&](const std::string& start, const resource& r) {
    const auto& path = paths.emplace_back(start + std::string{r.path});
    for (const auto& v : r.verbs)
      all.push_back({v.method, path, v.what});
  };
  for (const auto& r : resources)
    add("", r);
  for (const auto& r : parts_of_a_job)
    add(std::string{jobs_path} + "/{id}", r);
  for (const auto& r : parts_of_a_queue)
    add(std::string{queues_path} + "/{name}", r);
  return all;
}

} // namespace

std::span<const endpoint> endpoints() {
  static const auto all = list_endpoints();
  return all;
}

route find_route(std::string_view method, std::string_view target) noexcept {
  target = without_authority(target);
  const auto mark = target.find('?');
  auto found = by_path(method, target.substr(0, mark));
  if (mark != std::string_view::npos)
    found.query = target.substr(mark + 1);
  return found;
}

std::string_view path_of(std::string_view target) noexcept {
  target = without_authority(target);
  return target.substr(0, target.find('?'));
}

std::size_t most_body_bytes(std::string_view method, std::string_view target) noexcept {
  const auto batch = method == "POST" && path_of(target) == batch_path;
  return batch ? limits::batch_bytes : limits::body_bytes;
}

} // namespace jobd::http
