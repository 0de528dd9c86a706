#include "core/log.hpp"

#include "core/json_text.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <memory>

namespace jobd::log {
namespace {

struct level_names {
  spdlog::level::level_enum library;
  std::string_view text;
  std::string_view json;
};

constexpr std::array<level_names, 4> names{{
    {spdlog::level::debug, "DEBUG", "debug"},
    {spdlog::level::info, "INFO ", "info"},
    {spdlog::level::warn, "WARN ", "warn"},
    {spdlog::level::err, "ERROR", "error"},
}};

const level_names& names_of(level l) {
  return names[static_cast<std::size_t>(l)];
}

/// The library adds the time and writes whole lines; what is in a line is made here.
struct writer {
  format how = format::text;
  spdlog::logger out{"jobd", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  writer() { start(level::info, format::text); }

  void start(level least, format f) {
    how = f;
    const auto* pattern =
        f == format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %v";
    out.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    out.set_level(names_of(least).library);
  }
};

writer& the_writer() {
  static auto w = writer{};
  return w;
}

/// As it stands if it is harmless, else with the escapes of JSON.
std::string on_one_line(std::string_view text) {
  const auto quoted = json_string(storable_text(text));
  const auto inner = std::string_view{quoted}.substr(1, quoted.size() - 2);
  // Quotes and backslashes alone are no reason to make a sentence hard to read.
  const auto is_special = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const auto plain =
      std::ranges::none_of(text, is_special) && is_utf8(text) && text.find('\xC2') == std::string_view::npos;
  return std::string{plain ? text : inner};
}

/// Quoted where a reader could not tell where the value ends.
std::string text_value(const std::string& value) {
  auto quoted = json_string(storable_text(value));
  const auto plain = !value.empty() && quoted.size() == value.size() + 2 && is_utf8(value)
                     && value.find_first_of(" =") == std::string::npos;
  return plain ? value : quoted;
}

std::string text_line(level l, std::string_view sentence, fields with) {
  auto line = std::string{names_of(l).text} + ' ' + on_one_line(sentence);
  for (const auto& f : with)
    if (f.value)
      line.append(" ").append(f.key).append("=").append(text_value(*f.value));
  return line;
}

std::string json_line(level l, std::string_view sentence, fields with) {
  auto line = std::string{R"("level":")"}.append(names_of(l).json);
  line.append(R"(","message":)").append(json_string(storable_text(sentence)));
  for (const auto& f : with)
    if (f.value)
      line.append(",").append(json_string(f.key)).append(":").append(json_string(storable_text(*f.value)));
  return line;
}

} // namespace

field::field(std::string_view k, double v) : key(k), value(fmt::format("{}", v)) {}

void start(level least, format how) {
  the_writer().start(least, how);
}

void write(level l, std::string_view sentence, fields with) {
  auto& w = the_writer();
  const auto at = names_of(l).library;
  if (!w.out.should_log(at))
    return;
  const auto line = w.how == format::json ? json_line(l, sentence, with) : text_line(l, sentence, with);
  w.out.log(at, spdlog::string_view_t{line});
}

} // namespace jobd::log
