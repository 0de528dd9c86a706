#include "execution/progress.hpp"

#include "core/json_text.hpp"

#include <tao/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

namespace jobd::execution {
namespace {

/// The beginning of `text`, at most `most` bytes, not ending inside a UTF-8 sequence.
std::string_view head(std::string_view text, std::size_t most) {
  if (text.size() <= most)
    return text;
  // A sequence has at most three continuation bytes: more of them are no sequence that was cut.
  for (int cut = 0; cut < 3 && most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U; ++cut)
    --most;
  return text.substr(0, most);
}

/// The beginning of `text` as a JSON string of at most `most` bytes.
std::string quoted_head(std::string_view text, std::size_t most) {
  const auto storable = storable_text(head(text, most)); // may have grown
  auto kept = head(storable, most);
  auto quoted = json_string(kept);
  while (quoted.size() > most) { // a byte takes six at most
    kept = head(kept, kept.size() - (quoted.size() - most + 5) / 6);
    quoted = json_string(kept);
  }
  return quoted;
}

std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, std::end(digits), value).ptr};
}

/// What one line says.
struct update {
  std::optional<double> percent;
  std::optional<std::string> message;
  std::optional<std::string> log;
};

expected<update> read_members(const tao::json::value& object) {
  update u;
  for (const auto& [name, value] : object.get_object()) {
    if (name == "percent") {
      u.percent = value.is_number() ? value.as<double>() : -1;
      if (!(*u.percent >= 0 && *u.percent <= 100))
        return fail(ec::invalid, "percent must be a number from 0 to 100");
    } else if (name == "message" || name == "log") {
      if (!value.is_string_type())
        return fail(ec::invalid, name + " must be a text");
      (name == "log" ? u.log : u.message) = value.as<std::string>();
    }
  }
  if (!u.percent && !u.message && !u.log)
    return fail(ec::invalid, "has none of percent, message and log");
  return u;
}

expected<update> read_update(std::string_view line) {
  const auto text = storable_text(line);
  // It bounds the depth, which the parser does not.
  if (const auto checked = check_json(text); !checked)
    return tl::unexpected(checked.error());
  try {
    const auto object = tao::json::from_string(text);
    if (!object.is_object())
      return fail(ec::invalid, "is no object");
    return read_members(object);
  } catch (const std::exception& e) {
    return fail(ec::invalid, e.what());
  }
}

} // namespace

void progress_state::percent(double value) {
  if (!std::isnan(value))
    percent_ = std::clamp(value, 0.0, 100.0);
}

void progress_state::message(std::string_view text) {
  message_ = quoted_head(text, most_message_bytes);
  make_room();
}

void progress_state::log(std::string_view line) {
  log_.push_back(quoted_head(line, most_line_bytes));
  if (log_.size() > log_lines)
    log_.pop_front();
  make_room();
}

void progress_state::make_room() {
  constexpr std::size_t names_and_percent = 64;
  auto size = names_and_percent + message_.size();
  for (const auto& line : log_)
    size += line.size() + 1;
  for (; size > limits::progress_bytes; log_.pop_front())
    size -= log_.front().size() + 1;
}

std::string progress_state::json() const {
  std::string out;
  const auto member = [&out](const char* name) { ((out += out.empty() ? "{\"" : ",\"") += name) += "\":"; };
  if (percent_) {
    member("percent");
    out += number_text(*percent_);
  }
  if (!message_.empty()) {
    member("message");
    out += message_;
  }
  if (!log_.empty()) {
    member("log");
    for (char before = '['; const auto& line : log_)
      (out += std::exchange(before, ',')) += line;
    out += ']';
  }
  return out.empty() ? "{}" : out + '}';
}

bool progress_reader::add(std::string_view bytes) {
  bool changed = false;
  for (;;) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    line_ += part.substr(0, most_line + 1 - line_.size());
    if (end == bytes.npos)
      return changed;
    changed = take_line() || changed;
    bytes.remove_prefix(end + 1);
  }
}

bool progress_reader::end() {
  return !line_.empty() && take_line();
}

bool progress_reader::take_line() {
  const auto line = std::exchange(line_, {});
  const auto u = line.size() > most_line ? fail(ec::invalid, "is over 8 KiB") : read_update(line);
  if (!u) {
    if (mistake_.empty())
      mistake_ = u.error().context;
    return false;
  }
  if (u->percent)
    state_.percent(*u->percent);
  if (u->message)
    state_.message(*u->message);
  if (u->log)
    state_.log(*u->log);
  return true;
}

} // namespace jobd::execution
