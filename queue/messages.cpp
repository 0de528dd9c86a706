#include "queue/job_queue.hpp"

#include <charconv>

namespace jobd::queue {
namespace {

template <class Number>
std::optional<Number> read_number(std::string_view text) noexcept {
  auto n = Number{};
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), n);
  return err == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
}

} // namespace

std::optional<place> read_place(std::string_view id) noexcept {
  const auto dash = id.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto first = read_number<std::uint64_t>(id.substr(0, dash));
  const auto second = read_number<std::uint64_t>(id.substr(dash + 1));
  if (!first || !second)
    return std::nullopt;
  return place{*first, *second};
}

std::string to_text(const run_key& run) {
  return std::to_string(run.id) + ' ' + std::to_string(run.attempt);
}

std::optional<run_key> read_run(std::string_view text) noexcept {
  const auto space = text.find(' ');
  if (space == std::string_view::npos)
    return std::nullopt;
  const auto id = read_number<job_id>(text.substr(0, space));
  const auto attempt = read_number<attempt_no>(text.substr(space + 1));
  return id && attempt ? std::optional{run_key{*id, *attempt}} : std::nullopt;
}

} // namespace jobd::queue
