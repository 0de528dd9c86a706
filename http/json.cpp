#include "http/json.hpp"

#include "core/json_text.hpp"
#include "http/cursor.hpp"
#include "http/explain.hpp"

#include <tao/json/events/from_input.hpp>
#include <tao/json/external/pegtl/memory_input.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <variant>

namespace jobd::http {
namespace {

namespace pegtl = tao::json::pegtl;

using input = pegtl::memory_input<pegtl::tracking_mode::lazy, pegtl::eol::lf_crlf, const char*>;

enum class field : std::uint8_t {
  object_id,
  type,
  queue,
  payload,
  priority,
  run_at,
  timeout,
  delay,
  max_attempts,
  expires_in,
  object_limit,
};
constexpr std::array<std::string_view, 11> field_names{
    "object_id", "type",  "queue",        "payload",    "priority",     "run_at",
    "timeout",   "delay", "max_attempts", "expires_in", "object_limit",
};
constexpr auto field_list =
    "object_id, type, queue, payload, priority, run_at, timeout, delay, max_attempts, "
    "expires_in and object_limit";

/// What each field may be, said whenever it is something else.
constexpr std::array<std::string_view, 11> field_rules{
    "object_id must be an integer from -9223372036854775808 to 9223372036854775807",
    "type must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
    "queue must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
    "payload must be JSON",
    "priority must be an integer from 0 (most urgent) to 9",
    "run_at must be a time as in 2026-01-31T12:00:00Z (RFC 3339)",
    "timeout must be a number of seconds from 0.001 to 604800",
    "delay must be a number of seconds from 0 to 31622400",
    "max_attempts must be an integer from 1 to 100",
    "expires_in must be a number of seconds from 0.001 to 31622400",
    "object_limit must be 1, or 0 for no limit",
};

constexpr std::string_view rule_of(field f) {
  return field_rules[static_cast<std::size_t>(f)];
}

std::optional<field> find_field(std::string_view name) noexcept {
  const auto found = std::ranges::find(field_names, name);
  if (found == field_names.end())
    return std::nullopt;
  return static_cast<field>(found - field_names.begin());
}

/// A scalar as the parser reports it; `nullptr` is null, `monostate` an array or object.
using scalar =
    std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

template <std::integral Integer>
bool read(const scalar& value, Integer& out) {
  if (const auto* u = std::get_if<std::uint64_t>(&value); u && std::in_range<Integer>(*u)) {
    out = static_cast<Integer>(*u);
    return true;
  }
  // The parser gives a signed zero only for `-0`, which no integer is written as.
  if (const auto* i = std::get_if<std::int64_t>(&value); i && *i != 0 && std::in_range<Integer>(*i)) {
    out = static_cast<Integer>(*i);
    return true;
  }
  return false;
}

bool read(const scalar& value, std::optional<seconds>& out) {
  if (const auto* u = std::get_if<std::uint64_t>(&value))
    out = seconds{static_cast<double>(*u)};
  else if (const auto* i = std::get_if<std::int64_t>(&value))
    out = seconds{static_cast<double>(*i)};
  else if (const auto* d = std::get_if<double>(&value))
    out = seconds{*d};
  else
    return false;
  return true;
}

bool read(scalar& value, std::string& out) {
  auto* text = std::get_if<std::string>(&value);
  if (text)
    out = std::move(*text);
  return text != nullptr;
}

bool read(const scalar& value, std::optional<timestamp>& out) {
  const auto* text = std::get_if<std::string>(&value);
  const auto time = text ? parse_rfc3339(*text) : fail(ec::invalid);
  if (time)
    out = *time;
  return time.has_value();
}

struct too_deep {};

/// Takes the parser's events and fills the job. The first broken rule is kept while the parser goes on, so
/// that text which is no JSON at all is reported as that.
class spec_reader {
public:
  explicit spec_reader(const input& in) : in_(in) {}

  // Events of taoJSON.
  void null() { take(nullptr); }
  void boolean(bool v) { take(v); }
  void number(std::int64_t v) { take(v); }
  void number(std::uint64_t v) { take(v); }
  void number(double v) { take(v); }
  void string(std::string&& v) { take(std::move(v)); }
  void begin_array() { go_deeper(); }
  void element() {}
  void end_array() { --depth_; }
  void begin_object() {
    is_object_ = is_object_ || depth_ == 0;
    go_deeper();
  }
  void end_object() { --depth_; }
  void key(std::string&& name) {
    if (depth_ == 1)
      start_field(name);
  }
  void member() {
    if (depth_ == 1 && at_ == field::payload)
      take_payload();
  }

  /// What the parser is in, for errors that it does not place itself.
  [[nodiscard]] std::string_view place() const {
    return depth_ > 0 && at_ == field::payload ? "payload" : "the body";
  }

  expected<job_spec> result() {
    if (!is_object_)
      return fail(ec::invalid, "the body must be a JSON object");
    if (!broken_rule_.empty())
      return fail(ec::invalid, std::move(broken_rule_));
    if (!has(field::object_id))
      return fail(ec::invalid, "object_id is missing: it must be an integer");
    if (auto valid = check_ranges(); !valid)
      return tl::unexpected(std::move(valid.error()));
    return std::move(spec_);
  }

private:
  [[nodiscard]] expected<void> check_ranges() const {
    const auto e = spec_.expires_in.value_or(limits::delay);
    if (!(e >= seconds{0.001} && e <= limits::delay))
      return fail(ec::invalid, std::string{rule_of(field::expires_in)});
    if (spec_.object_limit != 0 && spec_.object_limit != 1)
      return fail(ec::invalid, std::string{rule_of(field::object_limit)});
    return validate(spec_);
  }

  [[nodiscard]] bool has(field f) const { return (seen_ >> static_cast<unsigned>(f) & 1U) != 0; }

  void refuse(std::string rule) {
    if (broken_rule_.empty())
      broken_rule_ = std::move(rule);
  }

  /// The parser recurses with each level, so a bomb of brackets must end here and not on the stack. The
  /// payload is one level below the body.
  void go_deeper() {
    if (depth_ == 1 && at_ != field::payload)
      take(std::monostate{});
    if (++depth_ > limits::json_depth + 1)
      throw too_deep{};
  }

  void start_field(const std::string& name) {
    at_ = find_field(name);
    if (!at_)
      return refuse("unknown field " + json_string(name.substr(0, limits::name_bytes)) + ": there are "
                    + field_list);
    if (has(*at_))
      return refuse(name + " is given twice");
    seen_ |= 1U << static_cast<unsigned>(*at_);
    // The parser stands at the quote that ends the key.
    value_begin_ = in_.current() + 1;
  }

  void take(scalar value) {
    if (depth_ != 1 || !at_ || at_ == field::payload)
      return;
    const auto absent = std::holds_alternative<std::nullptr_t>(value) && at_ != field::object_id;
    if (!absent && !store(value))
      refuse(std::string{rule_of(*at_)});
  }

  bool store(scalar& value) {
    switch (*at_) {
    case field::object_id: return read(value, spec_.object_id);
    case field::type: return read(value, spec_.type);
    case field::queue: return read(value, spec_.queue);
    case field::priority: return read(value, spec_.priority);
    case field::run_at: return read(value, spec_.run_at);
    case field::timeout: return read(value, spec_.timeout);
    case field::delay: return read(value, spec_.delay);
    case field::max_attempts: return read(value, spec_.max_attempts);
    case field::expires_in: return read(value, spec_.expires_in);
    case field::object_limit: return read(value, spec_.object_limit);
    case field::payload: break;
    }
    return true;
  }

  void take_payload() {
    auto text = std::string_view{value_begin_, static_cast<std::size_t>(in_.current() - value_begin_)};
    text.remove_prefix(std::min(text.find_first_not_of(": \t\r\n"), text.size()));
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (auto fits = check_json(text); !fits)
      refuse("payload " + fits.error().context);
    else if (text != "null")
      spec_.payload = text;
  }

  const input& in_;
  job_spec spec_;
  std::string broken_rule_;
  std::optional<field> at_;
  const char* value_begin_ = nullptr;
  unsigned seen_ = 0;
  std::size_t depth_ = 0;
  bool is_object_ = false;
};

std::string place(const pegtl::parse_error& e) {
  if (e.positions().empty())
    return {};
  const auto& at = e.positions().front();
  return " at line " + std::to_string(at.line) + ", column " + std::to_string(at.column);
}

class object_writer {
public:
  void raw(std::string_view name, std::string_view value) {
    out_ += out_.empty() ? "{\"" : ",\"";
    out_ += name;
    out_ += "\":";
    out_ += value;
  }
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  template <class Number>
  void number(std::string_view name, Number value) {
    auto buffer = std::array<char, 32>{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    raw(name, {buffer.data(), end});
  }
  template <class Number>
  void number(std::string_view name, const std::optional<Number>& value) {
    value ? number(name, *value) : raw(name, "null");
  }
  void boolean(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  void time(std::string_view name, timestamp value) { text(name, to_rfc3339(value)); }
  void time(std::string_view name, const std::optional<timestamp>& value) {
    value ? time(name, *value) : raw(name, "null");
  }
  void cursor(const std::optional<job_id>& next) {
    next ? text("next_cursor", to_cursor(*next)) : raw("next_cursor", "null");
  }
  std::string finish() && { return std::move(out_ += '}'); }

private:
  std::string out_;
};

/// `[…]` of what `show` makes of each.
template <class Items, class Show>
std::string array_of(const Items& items, Show show) {
  auto out = std::string{"["};
  for (const auto& item : items)
    out.append(out.size() > 1 ? "," : "").append(show(item));
  return out + "]";
}

std::string show_created(const created_job& c) {
  auto out = object_writer{};
  out.number("job_id", c.id);
  out.boolean("duplicate", c.duplicate);
  return std::move(out).finish();
}

std::string show_attempt(const storage::attempt_record& a) {
  auto out = object_writer{};
  out.number("attempt", a.attempt);
  out.number("node_id", a.node);
  out.time("start_time", a.start_time);
  out.time("end_time", a.end_time);
  out.text("outcome", a.outcome);
  a.message ? out.text("message", *a.message) : out.raw("message", "null");
  return std::move(out).finish();
}

std::string show_worker(const storage::worker_info& w) {
  auto out = object_writer{};
  out.number("node_id", w.id);
  out.text("host", w.what.host);
  out.number("pid", w.what.pid);
  out.text("version", w.what.version);
  out.time("started_at", w.started_at);
  out.time("heartbeat_at", w.heartbeat_at);
  out.number("slots", w.what.slots);
  out.number("running", w.running);
  out.raw("queues", array_of(w.what.queues, json_string));
  out.raw("types", array_of(w.what.types, json_string));
  return std::move(out).finish();
}

std::string show_stats(const storage::queue_stats& q) {
  auto out = object_writer{};
  out.text("queue", q.queue);
  for (auto i = std::size_t{0}; i < q.jobs.size(); ++i)
    out.number(to_string(static_cast<job_status>(i)), q.jobs[i]);
  q.oldest_ready ? out.number("oldest_ready", q.oldest_ready->count()) : out.raw("oldest_ready", "null");
  return std::move(out).finish();
}

std::string show_reason(const reason& r) {
  auto out = object_writer{};
  out.text("code", r.code);
  out.text("detail", r.detail);
  if (r.until)
    out.time("until", *r.until);
  if (r.blocked_by)
    out.number("blocked_by", *r.blocked_by);
  if (r.node)
    out.number("node_id", *r.node);
  if (r.ahead)
    out.number("ahead", *r.ahead);
  return std::move(out).finish();
}

} // namespace

bool is_job_field(std::string_view name) noexcept {
  return find_field(name).has_value();
}

expected<job_spec> parse_job_spec(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(ec::invalid, "the body is empty: it must be a JSON object");
  auto in = input{body.data(), body.data() + body.size(), "body"};
  auto reader = spec_reader{in};
  try {
    tao::json::events::from_input(reader, in);
    return reader.result();
  } catch (const too_deep&) {
    return fail(ec::invalid, std::string{reader.place()} + " is nested deeper than 64 levels");
  } catch (const pegtl::parse_error& e) {
    if (!is_utf8(body))
      return fail(ec::invalid, "the body is not valid UTF-8");
    // A number that taoJSON cannot read for its length is still JSON.
    if (std::string_view{e.message()}.find("significant digits") != std::string_view::npos)
      return fail(ec::invalid, std::string{reader.place()}
                                   + " holds a number that is too long: " + std::string{e.message()});
    return fail(ec::invalid, "the body is not valid JSON" + place(e) + ": " + std::string{e.message()});
  } catch (const std::runtime_error&) {
    return fail(ec::invalid, std::string{reader.place()} + " holds a number out of the range of a double");
  }
}

std::string to_json(const job& j) {
  auto out = object_writer{};
  out.number("id", j.id);
  out.number("object_id", j.object_id);
  out.text("status", to_string(j.status));
  out.time("start_time", j.start_time);
  out.time("end_time", j.end_time);
  j.message ? out.text("message", *j.message) : out.raw("message", "null");
  out.time("created_at", j.created_at);
  out.text("queue", j.queue);
  out.text("type", j.type);
  out.raw("payload", j.payload ? *j.payload : "null");
  out.number("priority", j.priority);
  out.time("run_at", j.run_at);
  out.boolean("ready", j.ready);
  j.timeout ? out.number("timeout", j.timeout->count()) : out.raw("timeout", "null");
  out.number("max_attempts", j.max_attempts);
  out.number("attempt", j.attempt);
  out.number("failures", j.failures);
  out.number("recoveries", j.recoveries);
  out.number("node_id", j.node);
  out.raw("result", j.result ? *j.result : "null");
  out.time("expires_at", j.expires_at);
  out.number("object_limit", j.object_limit);
  out.raw("progress", j.progress ? *j.progress : "null");
  out.boolean("cancel_requested", j.cancel_requested);
  j.traceparent ? out.text("traceparent", *j.traceparent) : out.raw("traceparent", "null");
  return std::move(out).finish();
}

std::string to_json(const created_job& created) {
  return "{\"job_id\": " + std::to_string(created.id) + "}";
}

std::string to_json(const std::vector<created_job>& created) {
  return "{\"jobs\":" + array_of(created, show_created) + "}";
}

shown_page to_json(const storage::job_page& page) {
  auto out = object_writer{};
  auto jobs = std::string{"["};
  auto next = page.next;
  for (const auto& j : page.jobs) {
    jobs.append(jobs.size() > 1 ? "," : "").append(to_json(j));
    // The last one needs no cut: what follows it, if anything, is in `next` already.
    if (jobs.size() > most_page_bytes && &j != &page.jobs.back()) {
      next = j.id;
      break;
    }
  }
  out.raw("jobs", jobs + "]");
  out.cursor(next);
  return {std::move(out).finish(), next};
}

std::string to_json(const std::vector<storage::attempt_record>& attempts) {
  return "{\"attempts\":" + array_of(attempts, show_attempt) + "}";
}

std::string to_json(const storage::explanation& e) {
  auto out = object_writer{};
  out.number("job_id", e.what.id);
  out.text("status", to_string(e.what.status));
  out.raw("reasons", array_of(explain(e), show_reason));
  return std::move(out).finish();
}

std::string to_json(const storage::queue_info& q) {
  auto out = object_writer{};
  out.text("name", q.name);
  out.boolean("paused", q.paused);
  out.time("changed_at", q.changed_at);
  out.number("workers", q.workers);
  return std::move(out).finish();
}

std::string to_json(const std::vector<storage::queue_info>& queues) {
  return "{\"queues\":" + array_of(queues, [](const auto& q) { return to_json(q); }) + "}";
}

std::string to_json(const std::vector<storage::worker_info>& workers) {
  return "{\"workers\":" + array_of(workers, show_worker) + "}";
}

std::string to_json(const std::vector<storage::queue_stats>& stats) {
  return "{\"queues\":" + array_of(stats, show_stats) + "}";
}

std::string to_json(const actors::readiness& r) {
  const auto show = [](const actors::readiness::reason& why) {
    auto out = object_writer{};
    out.text("code", why.code);
    out.text("detail", why.detail);
    return std::move(out).finish();
  };
  auto out = object_writer{};
  out.boolean("ready", r.reasons.empty());
  out.boolean("database", r.database);
  r.progress ? out.boolean("progress", *r.progress) : out.raw("progress", "null");
  out.raw("reasons", array_of(r.reasons, show));
  return std::move(out).finish();
}

std::string cancelled_json(int cancelled, int asked_to_end, const std::optional<job_id>& next) {
  auto out = object_writer{};
  out.number("cancelled", cancelled);
  out.number("asked_to_end", asked_to_end);
  out.cursor(next);
  return std::move(out).finish();
}

std::string retried_json(int retried, const std::optional<job_id>& next) {
  auto out = object_writer{};
  out.number("retried", retried);
  out.cursor(next);
  return std::move(out).finish();
}

} // namespace jobd::http
