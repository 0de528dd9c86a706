#include "http/routes.hpp"

#include <charconv>
#include <optional>

namespace jobd::http {
namespace {

using kind = route::kind;

constexpr auto jobs_path = std::string_view{"/v1/jobs"};
constexpr auto health_path = std::string_view{"/healthz"};
constexpr auto to_read = std::string_view{"GET, HEAD"};
constexpr auto to_submit = std::string_view{"POST"};

/// RFC 9112 §3.2.2: a server takes `http://host/path` for `/path`.
std::string_view without_authority(std::string_view target) noexcept {
  static constexpr auto scheme = std::string_view{"http://"};
  if (!target.starts_with(scheme))
    return target;
  const auto path = target.find('/', scheme.size());
  return path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
}

std::optional<job_id> parse_id(std::string_view text) noexcept {
  if (text.empty() || text.front() < '1' || text.front() > '9')
    return std::nullopt;
  auto id = job_id{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (err != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return id;
}

/// The name of the first parameter: none is known so far.
std::string_view first_parameter(std::string_view query) noexcept {
  const auto start = query.find_first_not_of('&');
  return start == std::string_view::npos ? std::string_view{}
                                         : query.substr(start, query.find_first_of("=&", start) - start);
}

route by_path(std::string_view method, std::string_view path) noexcept {
  const auto reads = method == "GET" || method == "HEAD";
  if (path == jobs_path)
    return method == "POST" ? route{kind::submit} : route{kind::method_not_allowed, 0, to_submit};
  if (path == health_path)
    return reads ? route{kind::healthz} : route{kind::method_not_allowed, 0, to_read};
  if (!path.starts_with(jobs_path) || path.size() < jobs_path.size() + 2 || path[jobs_path.size()] != '/')
    return {};

  const auto id = path.substr(jobs_path.size() + 1);
  if (id.find('/') != std::string_view::npos)
    return {};
  if (!reads)
    return {kind::method_not_allowed, 0, to_read};
  if (const auto number = parse_id(id))
    return {kind::get, *number};
  return {kind::bad_id, 0, id};
}

} // namespace

route find_route(std::string_view method, std::string_view target) noexcept {
  target = without_authority(target);
  const auto mark = target.find('?');
  const auto found = by_path(method, target.substr(0, mark));
  if (mark == std::string_view::npos || found.what == kind::not_found
      || found.what == kind::method_not_allowed)
    return found;
  const auto parameter = first_parameter(target.substr(mark + 1));
  return parameter.empty() ? found : route{kind::unknown_parameter, 0, parameter};
}

} // namespace jobd::http
