#include "execution/command_output.hpp"

#include "core/json_text.hpp"

#include <cstring>
#include <utility>

namespace jobd::execution {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string describe(const exit_status& status) {
  if (status.code)
    return "exit code " + std::to_string(*status.code);
  if (!status.signal)
    return "its exit status was lost";
  const char* name = ::sigabbrev_np(*status.signal); // none for real-time signals
  return "killed by signal " + std::to_string(*status.signal)
         + (name ? " (SIG" + std::string(name) + ")" : "");
}

} // namespace

void command_output::add_stdout(std::string_view bytes) {
  too_much_ = too_much_ || stdout_.size() + bytes.size() > limits::result_bytes;
  if (too_much_)
    stdout_.clear();
  else
    stdout_ += bytes;
}

void command_output::add_stderr(std::string_view bytes) {
  stderr_ += bytes;
  if (stderr_.size() > 4 * stderr_bytes) // now and then, so that a byte is not moved each time
    stderr_.erase(0, stderr_.size() - stderr_bytes);
}

outcome command_output::conclude(const exit_status& status) const {
  if (status.code == 0)
    return result();
  const auto tail = trimmed(utf8_tail(stderr_, stderr_bytes));
  auto message = describe(status) + (tail.empty() ? "" : ": ");
  const auto shown = storable_text(tail); // may have grown
  message += utf8_tail(shown, limits::message_bytes - message.size());
  return outcome::failed(std::move(message));
}

outcome command_output::result() const {
  if (too_much_)
    return outcome::failed("stdout went over 1 MiB");
  const auto text = trimmed(stdout_);
  if (text.empty())
    return outcome::succeeded();
  if (check_json(text))
    return outcome::succeeded(std::string(text));
  auto quoted = json_string(storable_text(text));
  if (quoted.size() > limits::result_bytes)
    return outcome::failed("stdout went over 1 MiB as a JSON string");
  return outcome::succeeded(std::move(quoted));
}

outcome storable(outcome o) {
  if (o.result.size() > limits::result_bytes)
    o = outcome::failed("the result is over 1 MiB");
  else if (const auto checked = o.result.empty() ? expected<void>{} : check_json(o.result); !checked)
    o = outcome::failed("the result " + checked.error().context);
  o.message = storable_text(o.message);
  if (o.message.size() > limits::message_bytes)
    o.message = std::string(utf8_tail(o.message, limits::message_bytes));
  return o;
}

} // namespace jobd::execution
