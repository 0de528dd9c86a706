#pragma once

#include "core/job.hpp"
#include "execution/process.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace jobd::execution {

/// What a command wrote, as far as it is of use, and what it means.
class command_output {
public:
  /// Of stderr this much of the end is kept.
  static constexpr std::size_t stderr_bytes = 4 << 10;

  void add_stdout(std::string_view bytes);
  void add_stderr(std::string_view bytes);

  /// The outcome of a command that ended so. Result and message can be stored as they are.
  [[nodiscard]] outcome conclude(const exit_status& status) const;

private:
  [[nodiscard]] outcome result() const;

  std::string stdout_;
  std::string stderr_;
  bool too_much_ = false;
};

/// The outcome with a message and result that the store can hold: the message valid UTF-8 without NUL, at
/// most `limits::message_bytes`; a result that is no JSON or over `limits::result_bytes` is a failure.
[[nodiscard]] outcome storable(outcome o);

} // namespace jobd::execution
