#include "http/routes.hpp"

#include <charconv>
#include <optional>
#include <span>

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
constexpr auto batch_path = std::string_view{"/v1/jobs/batch"};

constexpr verb of_health[] = {{"GET", kind::healthz, true}};
constexpr verb of_jobs[] = {{"POST", kind::submit}, {"GET", kind::list, true}, {"DELETE", kind::cancel_all}};
constexpr verb of_batch[] = {{"POST", kind::submit_batch}};
constexpr verb of_retry_all[] = {{"POST", kind::retry_all}};
constexpr verb of_events[] = {{"GET", kind::events}};
constexpr resource resources[] = {
    {jobs_path, of_jobs, "GET, HEAD, POST, DELETE"},
    {batch_path, of_batch, "POST"},
    {"/v1/jobs/retry", of_retry_all, "POST"},
    {"/v1/events", of_events, "GET"},
    {"/healthz", of_health, "GET, HEAD"},
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

route by_path(std::string_view method, std::string_view path) noexcept {
  for (const auto& r : resources)
    if (r.path == path)
      return by_method(method, r);
  if (!path.starts_with(jobs_path) || path.size() < jobs_path.size() + 2 || path[jobs_path.size()] != '/')
    return {};
  path.remove_prefix(jobs_path.size() + 1);
  const auto id = path.substr(0, path.find('/'));
  for (const auto& r : parts_of_a_job)
    if (!id.empty() && r.path == path.substr(id.size()))
      return by_method(method, r, parse_id(id));
  return {};
}

} // namespace

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
