#pragma once

#include "core/job.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>

/// What a run tells of itself while it goes on.
namespace jobd::execution {

/// How far a run is: the last percent, the last message, and the last lines of its log.
class progress_state {
public:
  static constexpr std::size_t log_lines = 20;
  /// As they stand in the JSON, quotes and escapes included. Of a longer text the beginning is kept, so that
  /// one text does not push out all others.
  static constexpr std::size_t most_message_bytes = limits::progress_bytes / 2;
  static constexpr std::size_t most_line_bytes = limits::progress_bytes / 8;

  /// What is outside 0 to 100 becomes the nearest of both; NaN changes nothing.
  void percent(double value);
  /// `text` may hold any bytes, here and in `log`.
  void message(std::string_view text);
  void log(std::string_view line);

  /// `{"percent":50,"message":"…","log":["…"]}` with what is known, in at most `limits::progress_bytes`: the
  /// oldest lines make room. It can be stored as it is.
  [[nodiscard]] std::string json() const;

private:
  void make_room();

  std::optional<double> percent_;
  // As JSON strings; empty if there is none.
  std::string message_;
  std::deque<std::string> log_;
};

/// Reads the lines that a command writes: JSON objects with any of `percent` (0 to 100), `message` and `log`
/// (texts). Other members are ignored. A line that is no such object, or is over `most_line`, is dropped.
class progress_reader {
public:
  /// Without the newline.
  static constexpr std::size_t most_line = 8 << 10;

  /// Takes what was read, in pieces of any size. True if it changed the state.
  bool add(std::string_view bytes);
  /// Nothing more comes: what is left is a line, too.
  bool end();

  [[nodiscard]] std::string json() const { return state_.json(); }
  /// What is wrong with the first line that was dropped; empty if none was.
  [[nodiscard]] const std::string& mistake() const { return mistake_; }

private:
  bool take_line();

  progress_state state_;
  /// The beginning of a line whose end has not come. It is one byte over the limit if the line is too long.
  std::string line_;
  std::string mistake_;
};

} // namespace jobd::execution
