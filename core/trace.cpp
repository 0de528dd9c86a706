#include "core/trace.hpp"

#include <algorithm>

namespace jobd {
namespace {

// `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`
constexpr std::size_t id_at = 3;
constexpr std::size_t id_size = 32;
constexpr std::size_t parent_at = 36;
constexpr std::size_t parent_size = 16;
constexpr std::size_t flags_at = 53;
constexpr std::size_t size = 55;

/// Of the flags of version 00 there is one.
constexpr auto sampled = 1;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

int digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

} // namespace

std::optional<std::string> read_traceparent(std::string_view text) {
  if (text.size() < size || text[2] != '-' || text[parent_at - 1] != '-' || text[flags_at - 1] != '-')
    return std::nullopt;
  const auto version = text.substr(0, 2);
  const auto id = text.substr(id_at, id_size);
  const auto parent = text.substr(parent_at, parent_size);
  const auto flags = text.substr(flags_at, 2);
  if (!is_hex(version) || !is_hex(id) || !is_hex(parent) || !is_hex(flags) || is_zero(id) || is_zero(parent)
      || version == "ff")
    return std::nullopt;
  if (version == "00")
    return text.size() == size ? std::optional{std::string{text}} : std::nullopt;
  if (text.size() > size && text[size] != '-')
    return std::nullopt;
  const auto is_sampled = (digit(flags[1]) & sampled) != 0;
  return "00" + std::string{text.substr(2, flags_at - 2)} + (is_sampled ? "01" : "00");
}

std::optional<std::string_view> trace_id(std::string_view traceparent) noexcept {
  return traceparent.size() == size ? std::optional{traceparent.substr(id_at, id_size)} : std::nullopt;
}

} // namespace jobd
