#include "http/query.hpp"

#include "core/json_text.hpp"
#include "http/cursor.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace jobd::http {
namespace {

constexpr std::array<std::string_view, 8> names{
    "status", "type", "queue", "object_id", "created_after", "limit", "cursor", "wait",
};

/// What each may be, said whenever it is something else.
constexpr std::array<std::string_view, 8> rules{
    "status must be one of created, running, success, failed and cancelled",
    "type must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
    "queue must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
    "object_id must be an integer from -9223372036854775808 to 9223372036854775807",
    "created_after must be a time as in 2026-01-31T12:00:00Z (RFC 3339)",
    "limit must be an integer from 1 to 1000",
    "cursor must be the next_cursor of an answer",
    "wait must be a number of seconds from 0 to 60",
};
static_assert(limits::page_jobs == 1'000 && longest_wait.count() == 60);

std::optional<parameter> find_parameter(std::string_view name, parameters known) {
  const auto found = std::ranges::find(names, name);
  const auto p = static_cast<parameter>(found - names.begin());
  if (found == names.end() || !known.has(p))
    return std::nullopt;
  return p;
}

std::string known_names(parameters known) {
  auto out = std::string{};
  for (auto i = std::size_t{0}; i < names.size(); ++i)
    if (known.has(static_cast<parameter>(i)))
      out.append(out.empty() ? "" : ", ").append(names[i]);
  return out.empty() ? "none is known here" : "known here: " + out;
}

std::optional<std::string> decode(std::string_view text) {
  auto out = std::string{};
  out.reserve(text.size());
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto byte = 0U;
    const auto code = text.substr(i + 1, 2);
    const auto [end, err] = std::from_chars(code.data(), code.data() + code.size(), byte, 16);
    if (code.size() < 2 || err != std::errc{} || end != code.data() + 2)
      return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

/// All of `text` as a number; `format` is for floating point.
template <class Number, class... Format>
std::optional<Number> whole_number(std::string_view text, Format... format) {
  auto value = Number{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (err != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

bool read_name(const std::string& text, std::optional<std::string>& out) {
  if (is_name(text))
    out = text;
  return out.has_value();
}

bool read_time(const std::string& text, std::optional<timestamp>& out) {
  if (const auto time = parse_rfc3339(text))
    out = *time;
  return out.has_value();
}

bool read_limit(const std::string& text, std::optional<int>& out) {
  out = whole_number<int>(text);
  return out && *out >= 1 && *out <= limits::page_jobs;
}

bool read_wait(const std::string& text, std::optional<std::chrono::milliseconds>& out) {
  const auto value = whole_number<double>(text, std::chars_format::fixed);
  // Not the other way round: `nan` is read as a number, too.
  if (!value || !(*value >= 0 && *value <= seconds{longest_wait}.count()))
    return false;
  out = std::chrono::ceil<std::chrono::milliseconds>(seconds{*value});
  return true;
}

bool store(parameter p, const std::string& text, query& q) {
  switch (p) {
  case parameter::status: return (q.filter.status = parse_status(text)).has_value();
  case parameter::type: return read_name(text, q.filter.type);
  case parameter::queue: return read_name(text, q.filter.queue);
  case parameter::object_id: return (q.filter.object_id = whole_number<std::int64_t>(text)).has_value();
  case parameter::created_after: return read_time(text, q.filter.created_after);
  case parameter::limit: return read_limit(text, q.limit);
  case parameter::cursor: return (q.before = parse_cursor(text)).has_value();
  case parameter::wait: return read_wait(text, q.wait);
  }
  return false;
}

} // namespace

tl::expected<query, bad_parameter> parse_query(std::string_view text, parameters known) {
  auto out = query{};
  auto seen = parameters{};
  const auto refuse = [](std::string_view name, std::string rule) {
    return tl::unexpected(bad_parameter{name, std::move(rule)});
  };
  while (!text.empty()) {
    const auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty())
      continue;
    const auto name = part.substr(0, part.find('='));
    const auto p = find_parameter(name, known);
    if (!p)
      return refuse(name, "unknown query parameter " + json_string(storable_text(name)) + ": "
                              + known_names(known));
    if (seen.has(*p))
      return refuse(name, std::string{name} + " is given twice");
    seen.add(*p);
    const auto value = decode(part.substr(std::min(name.size() + 1, part.size())));
    if (!value)
      return refuse(name, std::string{name} + " has a % that is not followed by two hexadecimal digits");
    if (!store(*p, *value, out))
      return refuse(name, std::string{rules[static_cast<std::size_t>(*p)]});
  }
  return out;
}

/// Nothing needs an escape: names, numbers and times have no character that means something in a query.
std::string next_page(const query& q, job_id before) {
  auto out = std::string{};
  const auto add = [&out](parameter p, std::string_view value) {
    out.append(names[static_cast<std::size_t>(p)]).append("=").append(value).append("&");
  };
  if (q.filter.status)
    add(parameter::status, to_string(*q.filter.status));
  if (q.filter.type)
    add(parameter::type, *q.filter.type);
  if (q.filter.queue)
    add(parameter::queue, *q.filter.queue);
  if (q.filter.object_id)
    add(parameter::object_id, std::to_string(*q.filter.object_id));
  if (q.filter.created_after)
    add(parameter::created_after, to_rfc3339(*q.filter.created_after));
  if (q.limit)
    add(parameter::limit, std::to_string(*q.limit));
  return out + "cursor=" + to_cursor(before);
}

} // namespace jobd::http
