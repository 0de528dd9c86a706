#include "http/cursor.hpp"

#include <charconv>
#include <cstdint>

namespace jobd::http {
namespace {

/// Says what follows. Another meaning gets another letter, and then old cursors are refused.
constexpr auto version = 'a';

constexpr auto digits = std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

/// RFC 4648 §5, without padding.
std::string to_base64url(std::string_view bytes) {
  auto out = std::string{};
  auto bits = std::uint32_t{0};
  auto count = 0;
  for (const auto c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      out += digits[bits >> (count - 6) & 0x3FU];
  }
  if (count > 0)
    out += digits[bits << (6 - count) & 0x3FU];
  return out;
}

/// Takes more than is allowed: whoever calls it encodes again and compares.
std::string from_base64url(std::string_view text) {
  auto out = std::string{};
  auto bits = std::uint32_t{0};
  auto count = 0;
  for (const auto c : text) {
    bits = bits << 6U | static_cast<std::uint32_t>(digits.find(c) & 0x3FU);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFFU);
    }
  }
  return out;
}

} // namespace

std::string to_cursor(job_id before) {
  return to_base64url(version + std::to_string(before));
}

std::optional<job_id> parse_cursor(std::string_view text) {
  const auto plain = from_base64url(text.substr(0, 32));
  auto id = job_id{0};
  if (plain.size() > 1)
    std::from_chars(plain.data() + 1, plain.data() + plain.size(), id);
  if (id < 1 || to_cursor(id) != text)
    return std::nullopt;
  return id;
}

} // namespace jobd::http
