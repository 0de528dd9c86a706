#include "core/config.hpp"

#include "core/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

namespace jobd {
namespace {

constexpr int most_queues = 64;
constexpr int ten_years = 10 * 366 * 24 * 3600;

/// The whole text as a number, or nothing: no sign, space, infinity or hexadecimal.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  auto value = Number{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto starts_well = !text.empty() && text.front() >= '0' && text.front() <= '9';
  if (!starts_well || err != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

template <auto Member, int Least, int Most>
expected<void> set_integer(config& c, std::string_view text) {
  const auto value = parse_number<int>(text);
  if (!value || *value < Least || *value > Most)
    return fail(ec::invalid,
                "must be an integer from " + std::to_string(Least) + " to " + std::to_string(Most));
  c.*Member = *value;
  return {};
}

template <auto Member>
std::string show_integer(const config& c) {
  return std::to_string(c.*Member);
}

std::string seconds_text(seconds value) {
  auto text = std::array<char, 32>{};
  const auto [end, err] = std::to_chars(text.begin(), text.end(), value.count());
  return err == std::errc{} ? std::string{text.begin(), end} : std::string{};
}

/// `LeastMillis` is in milliseconds, since a template takes no fraction that reads well.
template <auto Member, int LeastMillis, int Most>
expected<void> set_seconds(config& c, std::string_view text) {
  constexpr auto least = seconds{std::chrono::milliseconds{LeastMillis}};
  const auto value = parse_number<double>(text);
  if (!value || seconds{*value} < least || *value > Most)
    return fail(ec::invalid,
                "must be a number of seconds from " + seconds_text(least) + " to " + std::to_string(Most));
  c.*Member = seconds{*value};
  return {};
}

template <auto Member>
std::string show_seconds(const config& c) {
  return seconds_text(c.*Member);
}

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <auto Member>
expected<void> set_text(config& c, std::string_view text) {
  if (text.empty() || !is_printable(text))
    return fail(ec::invalid, "must be one line of text");
  c.*Member = text;
  return {};
}

template <auto Member>
std::string show_text(const config& c) {
  return c.*Member;
}

/// An empty path stands for none.
template <auto Member>
expected<void> set_path(config& c, std::string_view text) {
  if (!is_printable(text))
    return fail(ec::invalid, "must be a path");
  c.*Member = text;
  return {};
}

expected<void> set_queues(config& c, std::string_view text) {
  auto names = std::vector<std::string>{};
  for (auto rest = text;;) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto name = rest.substr(0, comma);
    if (!is_name(name) || std::ranges::find(names, name) != names.end() || names.size() == most_queues)
      return fail(ec::invalid, "must be 1 to 64 different names, separated by commas, each of 1 to 64 of the "
                               "characters A-Z a-z 0-9 . _ : -");
    names.emplace_back(name);
    if (comma == rest.size())
      break;
    rest.remove_prefix(comma + 1);
  }
  c.job_queues = std::move(names);
  return {};
}

std::string show_queues(const config& c) {
  auto text = std::string{};
  for (const auto& name : c.job_queues)
    text += (text.empty() ? "" : ",") + name;
  return text;
}

constexpr std::array<std::pair<log::level, std::string_view>, 4> level_names{{
    {log::level::debug, "debug"},
    {log::level::info, "info"},
    {log::level::warn, "warn"},
    {log::level::error, "error"},
}};

expected<void> set_log_level(config& c, std::string_view text) {
  const auto* found = std::ranges::find(level_names, text, &std::pair<log::level, std::string_view>::second);
  if (found == level_names.end())
    return fail(ec::invalid, "must be debug, info, warn or error");
  c.log_level = found->first;
  return {};
}

std::string show_log_level(const config& c) {
  return std::string{level_names[static_cast<std::size_t>(c.log_level)].second};
}

expected<void> set_log_format(config& c, std::string_view text) {
  if (text != "text" && text != "json")
    return fail(ec::invalid, "must be text or json");
  c.log_format = text == "json" ? log::format::json : log::format::text;
  return {};
}

std::string show_log_format(const config& c) {
  return c.log_format == log::format::json ? "json" : "text";
}

/// Which commands read a setting.
constexpr std::string_view everyone = "standalone api worker migrate health";
constexpr std::string_view everyone_on_servers = "api worker migrate health";
constexpr std::string_view nodes = "standalone api worker";
constexpr std::string_view nodes_on_servers = "api worker";
constexpr std::string_view servers_of_http = "standalone api";
constexpr std::string_view runners = "standalone worker";
constexpr std::string_view standalone = "standalone";

template <auto Member, int Least, int Most>
constexpr config_option integer(std::string_view flag, std::string_view env, std::string_view help,
                                std::string_view commands) {
  return {flag, env, help, commands, false, set_integer<Member, Least, Most>, show_integer<Member>};
}

template <auto Member, int LeastMillis, int Most>
constexpr config_option duration(std::string_view flag, std::string_view env, std::string_view help,
                                 std::string_view commands) {
  return {flag, env, help, commands, false, set_seconds<Member, LeastMillis, Most>, show_seconds<Member>};
}

template <auto Member>
constexpr config_option text(std::string_view flag, std::string_view env, std::string_view help,
                             std::string_view commands, bool secret = false) {
  return {flag, env, help, commands, secret, set_text<Member>, show_text<Member>};
}

template <auto Member>
constexpr config_option path(std::string_view flag, std::string_view env, std::string_view help,
                             std::string_view commands) {
  return {flag, env, help, commands, false, set_path<Member>, show_text<Member>};
}

using c = config;
constexpr std::array options{
    text<&c::database_url>("database-url", "DATABASE_URL", "PostgreSQL: URL or connection string of libpq",
                           everyone_on_servers, true),
    text<&c::redis_url>("redis-url", "REDIS_URL",
                        "Redis: redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N]",
                        nodes_on_servers, true),
    integer<&c::database_connections, 1, 64>("database-connections", "DATABASE_CONNECTIONS",
                                             "connections that write and read jobs, 1 to 64",
                                             nodes_on_servers),
    path<&c::data_folder>("data", "JOBD_DATA",
                          "folder of the jobs; none: $XDG_DATA_HOME/jobd, or ~/.local/share/jobd",
                          standalone),
    text<&c::http_host>("http-host", "HTTP_HOST", "address to listen on", nodes),
    integer<&c::http_port, 0, 65'535>("http-port", "HTTP_PORT",
                                      "port to listen on, 0 to 65535; 0: any free one", servers_of_http),
    integer<&c::http_threads, 1, 64>("http-threads", "HTTP_THREADS", "threads that serve HTTP, 1 to 64",
                                     servers_of_http),
    integer<&c::http_pending, 1, 1'000'000>(
        "http-pending", "HTTP_PENDING",
        "requests that may wait for an answer, 1 to 1000000; the next one gets 503", servers_of_http),
    integer<&c::metrics_port, 0, 65'535>(
        "metrics-port", "METRICS_PORT",
        "port where a worker serves /metrics, /readyz and /healthz, 0 to 65535; 0: nowhere", "worker"),
    duration<&c::job_stuck_after, 10, 86'400>(
        "stuck-after", "JOB_STUCK_AFTER",
        "seconds after which ready jobs of which none was started make /readyz fail, 0.01 to 86400", nodes),
    path<&c::api_tokens_file>(
        "api-tokens", "JOB_API_TOKENS_FILE",
        "file of the tokens that the API demands, read again on SIGHUP; none: it is open", servers_of_http),
    path<&c::tls_cert>(
        "tls-cert", "JOB_TLS_CERT",
        "certificate of the API in PEM, with its chain, read again on SIGHUP; none: plain HTTP",
        servers_of_http),
    path<&c::tls_key>("tls-key", "JOB_TLS_KEY", "key of the certificate in PEM, without a passphrase",
                      servers_of_http),
    duration<&c::job_timeout, 1, 604'800>(
        "timeout", "JOB_TIMEOUT",
        "seconds that a job may run if neither it nor its handler says, up to 604800", runners),
    integer<&c::job_prefetch, 1, 10'000>(
        "prefetch", "JOB_PREFETCH", "jobs that a worker holds, waiting and running, 1 to 10000", runners),
    integer<&c::job_concurrency, 1, 1'000>("concurrency", "JOB_CONCURRENCY",
                                           "jobs that a worker runs at a time, 1 to 1000", runners),
    config_option{"queues", "JOB_QUEUES",
                  "queues that a worker serves, strictly in this order, with commas between", runners, false,
                  set_queues, show_queues},
    path<&c::job_handlers>("handlers", "JOB_HANDLERS",
                           "file that says what runs each type of job; none: only the builtins", runners),
    duration<&c::job_dedupe_window, 0, 31'622'400>(
        "dedupe-window", "JOB_DEDUPE_WINDOW",
        "seconds in which the same type and object_id gets the same job, up to 31622400; 0: never", nodes),
    duration<&c::job_retention, 60'000, ten_years>(
        "retention", "JOB_RETENTION",
        "seconds that a finished job is kept, 60 to 316224000; not less than JOB_DEDUPE_WINDOW", nodes),
    duration<&c::job_shutdown_grace, 0, 86'400>("shutdown-grace", "JOB_SHUTDOWN_GRACE",
                                                "seconds that running jobs get at a shutdown, up to 86400",
                                                nodes),
    duration<&c::job_kill_grace, 0, 3'600>(
        "kill-grace", "JOB_KILL_GRACE", "seconds between TERM and KILL when a job is out of time, up to 3600",
        runners),
    config_option{"log-level", "LOG_LEVEL", "debug, info, warn or error", everyone, false, set_log_level,
                  show_log_level},
    config_option{"log-format", "LOG_FORMAT", "text, or json for one object a line", everyone, false,
                  set_log_format, show_log_format},
};

/// A value and the name under which the user gave it, for errors.
struct given {
  std::string name;
  std::string value;
};

std::optional<std::string> not_empty(std::optional<std::string> value) {
  return value && value->empty() ? std::nullopt : std::move(value);
}

/// The content of a secret's file without the end of its line.
expected<std::string> read_secret(const std::string& name, const std::string& path) {
  auto text = std::ostringstream{};
  // Copying nothing counts as a failure, too. A directory opens well and only fails to be read.
  if (!(text << std::ifstream{path, std::ios::binary}.rdbuf()))
    return fail(ec::invalid,
                name + " names " + json_string(storable_text(path)) + ", which cannot be read or is empty");
  auto content = std::move(text).str();
  if (content.ends_with('\n'))
    content.pop_back();
  if (content.ends_with('\r'))
    content.pop_back();
  return content;
}

expected<std::optional<given>> find_value(const config_option& o, const lookup& flag, const lookup& env) {
  if (auto value = flag(o.flag))
    return given{"--" + std::string{o.flag}, std::move(*value)};
  const auto name = std::string{o.env};
  auto value = not_empty(env(name));
  const auto path = o.secret ? not_empty(env(name + "_FILE")) : std::nullopt;
  if (value && path)
    return fail(ec::invalid, name + " and " + name + "_FILE are both set: give one of them");
  if (value)
    return given{name, std::move(*value)};
  if (!path)
    return std::nullopt;
  return read_secret(name + "_FILE", *path).map([&](std::string content) {
    return std::optional{given{name + "_FILE", std::move(content)}};
  });
}

/// Rules between settings.
expected<void> check_together(const config& settings) {
  if (settings.job_retention < settings.job_dedupe_window)
    return fail(ec::invalid, "JOB_RETENTION is \"" + seconds_text(settings.job_retention)
                                 + "\": it must not be less than JOB_DEDUPE_WINDOW ("
                                 + seconds_text(settings.job_dedupe_window) + ")");
  if (settings.tls_cert.empty() != settings.tls_key.empty())
    return fail(ec::invalid, "JOB_TLS_CERT and JOB_TLS_KEY belong together: only "
                                 + std::string{settings.tls_key.empty() ? "the first" : "the second"}
                                 + " is set");
  return {};
}

} // namespace

std::span<const config_option> config_options() {
  return options;
}

expected<config> read_config(const lookup& flag, const lookup& env) {
  auto settings = config{};
  for (const auto& o : options) {
    const auto found = find_value(o, flag, env);
    if (!found)
      return tl::unexpected(found.error());
    const auto& value = *found;
    if (!value)
      continue;
    if (const auto done = o.set(settings, value->value); !done) {
      const auto shown = o.secret ? std::string{} : " is " + json_string(storable_text(value->value));
      return fail(ec::invalid, value->name + shown + ": it " + done.error().context);
    }
  }
  return check_together(settings).map([&] { return std::move(settings); });
}

} // namespace jobd
