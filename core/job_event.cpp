#include "core/job_event.hpp"

#include "core/json_text.hpp"

#include <algorithm>
#include <charconv>

namespace jobd {
namespace {

/// Takes what stands before the next space.
std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

template <class Number>
bool read_number(std::string_view word, Number& out) {
  const auto [end, err] = std::from_chars(word.data(), word.data() + word.size(), out);
  return err == std::errc{} && end == word.data() + word.size();
}

} // namespace

std::string to_text(const job_event& e) {
  auto text = std::to_string(e.id) + ' ' + std::to_string(e.object_id) + ' ';
  text.append(to_string(e.status)).append(" ").append(std::to_string(e.attempt));
  text.append(" ").append(e.type).append(" ").append(e.queue);
  return e.progress ? text + ' ' + *e.progress : text;
}

std::optional<job_event> read_job_event(std::string_view text) {
  auto e = job_event{};
  const auto has_id = read_number(take_word(text), e.id);
  const auto has_object = read_number(take_word(text), e.object_id);
  const auto status = parse_status(take_word(text));
  const auto has_attempt = read_number(take_word(text), e.attempt);
  e.type = take_word(text);
  e.queue = take_word(text);
  if (!has_id || !has_object || !status || !has_attempt || !is_name(e.type) || !is_name(e.queue))
    return std::nullopt;
  e.status = *status;
  if (!text.empty())
    e.progress = text;
  return e;
}

std::string to_json(const job_event& e) {
  auto text = "{\"job_id\":" + std::to_string(e.id) + ",\"object_id\":" + std::to_string(e.object_id)
              + ",\"type\":" + json_string(e.type) + ",\"queue\":" + json_string(e.queue) + ",\"status\":\"";
  text.append(to_string(e.status)).append("\",\"attempt\":").append(std::to_string(e.attempt));
  if (e.progress)
    text.append(",\"progress\":").append(*e.progress);
  return text + '}';
}

} // namespace jobd
