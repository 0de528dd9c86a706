#include "core/clock.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace jobd {
namespace {

/// Takes exactly `digits` digits off the front of `text`.
bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits)
    return false;
  const auto* end = text.data() + digits;
  const auto [ptr, err] = std::from_chars(text.data(), end, out);
  if (err != std::errc{} || ptr != end || text[0] == '-')
    return false;
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos)
    return false;
  text.remove_prefix(1);
  return true;
}

/// `.123456789`, cut to microseconds; no fraction is zero.
bool take_fraction(std::string_view& text, std::chrono::microseconds& out) {
  out = {};
  if (!take_char(text, "."))
    return true;
  auto digits = std::size_t{0};
  auto micros = 0L;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9' && digits < 9) {
    if (digits < 6)
      micros = micros * 10 + (text[0] - '0');
    ++digits;
    text.remove_prefix(1);
  }
  for (auto i = digits; i < 6; ++i)
    micros *= 10;
  out = std::chrono::microseconds{micros};
  return digits > 0;
}

/// `Z` or `±hh:mm`.
bool take_offset(std::string_view& text, std::chrono::minutes& out) {
  out = {};
  if (take_char(text, "Zz"))
    return true;
  const auto sign = !text.empty() && text[0] == '-' ? -1 : 1;
  auto hours = 0;
  auto minutes = 0;
  if (!take_char(text, "+-") || !take_number(text, 2, hours) || !take_char(text, ":")
      || !take_number(text, 2, minutes) || hours > 23 || minutes > 59)
    return false;
  out = std::chrono::minutes{sign * (hours * 60 + minutes)};
  return true;
}

} // namespace

std::string to_rfc3339(timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const auto date = std::chrono::year_month_day{day};
  const auto time = std::chrono::hh_mm_ss{t - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(time.hours().count()),
                int(time.minutes().count()), int(time.seconds().count()), int(time.subseconds().count()));
  return text.data();
}

expected<timestamp> parse_rfc3339(std::string_view text) {
  const auto bad = [] { return fail(ec::invalid, "an RFC 3339 time such as 2026-01-31T12:00:00Z"); };
  auto year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  auto fraction = std::chrono::microseconds{};
  auto offset = std::chrono::minutes{};
  const auto read = take_number(text, 4, year) && take_char(text, "-") && take_number(text, 2, month)
                    && take_char(text, "-") && take_number(text, 2, day) && take_char(text, "Tt ")
                    && take_number(text, 2, hour) && take_char(text, ":") && take_number(text, 2, minute)
                    && take_char(text, ":") && take_number(text, 2, second) && take_fraction(text, fraction)
                    && take_offset(text, offset) && text.empty();
  // RFC 3339 allows second 60; it means the first of the next minute.
  if (!read || year < 1970 || hour > 23 || minute > 59 || second > 60)
    return bad();
  const auto date = std::chrono::year_month_day{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                                                std::chrono::day(unsigned(day))};
  if (!date.ok())
    return bad();
  const auto t = timestamp{std::chrono::sys_days{date}} + std::chrono::hours{hour}
                 + std::chrono::minutes{minute} + std::chrono::seconds{second} + fraction - offset;
  // The offset or a leap second may have moved it out of the years that are allowed.
  if (t < timestamp{} || t >= std::chrono::sys_days{std::chrono::January / 1 / 10'000})
    return bad();
  return t;
}

} // namespace jobd
