#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Log lines are sentences, subject verb object, with what varies as fields. They go to stderr.
namespace jobd::log {

enum class level : std::uint8_t { debug, info, warn, error };
enum class format : std::uint8_t { text, json };

/// `key=value` beside the sentence. Numbers and texts convert by themselves. One without a value is left out.
struct field {
  std::string_view key;
  std::optional<std::string> value;

  field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  field(std::string_view k, std::string_view v) : key(k), value(v) {}
  field(std::string_view k, const char* v) : key(k), value(v) {}
  field(std::string_view k, std::optional<std::string_view> v) : key(k), value(v) {}
  /// The shortest text that reads back as `v`.
  field(std::string_view k, double v);
  template <std::integral Integer>
  field(std::string_view k, Integer v) : key(k), value(std::to_string(v)) {}
};
using fields = std::initializer_list<field>;

/// Called once, before threads start. Without it lines are text from `info` on.
void start(level least, format how);

/// One line on stderr, thread-safe. What a terminal could obey or a reader take for a new line is escaped.
///
///     2026-01-31T12:00:00.123Z INFO  The worker claimed 3 jobs. node=7 jobs=3
///     {"time":"2026-01-31T12:00:00.123Z","level":"info","message":"The worker claimed 3 jobs.","node":"7"}
void write(level l, std::string_view sentence, fields with);

inline void debug(std::string_view sentence, fields with = {}) {
  write(level::debug, sentence, with);
}
inline void info(std::string_view sentence, fields with = {}) {
  write(level::info, sentence, with);
}
inline void warn(std::string_view sentence, fields with = {}) {
  write(level::warn, sentence, with);
}
inline void error(std::string_view sentence, fields with = {}) {
  write(level::error, sentence, with);
}

} // namespace jobd::log
