#include "queue/job_queue.hpp"

#include <charconv>

namespace jobd::queue {
namespace {

std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
  auto n = std::uint64_t{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), n);
  return err == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
}

} // namespace

std::optional<place> read_place(std::string_view id) noexcept {
  const auto dash = id.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto first = read_number(id.substr(0, dash));
  const auto second = read_number(id.substr(dash + 1));
  if (!first || !second)
    return std::nullopt;
  return place{*first, *second};
}

} // namespace jobd::queue
