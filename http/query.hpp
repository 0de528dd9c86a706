#pragma once

#include "storage/store.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// The part of an address after the `?`.
namespace jobd::http {

enum class parameter : std::uint8_t { status, type, queue, object_id, created_after, limit, cursor, wait };

/// A set of parameters: those that a route knows.
class parameters {
public:
  constexpr parameters() = default;
  constexpr parameters(std::initializer_list<parameter> all) {
    for (const auto p : all)
      bits_ |= bit(p);
  }
  [[nodiscard]] constexpr bool has(parameter p) const { return (bits_ & bit(p)) != 0; }
  constexpr void add(parameter p) { bits_ |= bit(p); }

private:
  static constexpr unsigned bit(parameter p) { return 1U << static_cast<unsigned>(p); }
  unsigned bits_ = 0;
};

/// What a query says; what is absent was not given.
struct query {
  storage::job_filter filter;
  std::optional<int> limit;
  /// From the cursor.
  std::optional<job_id> before;
  std::optional<std::chrono::milliseconds> wait;

  [[nodiscard]] bool has_filter() const {
    return filter.status || filter.type || filter.queue || filter.object_id || filter.created_after;
  }
};

/// The longest wait that may be asked for.
inline constexpr auto longest_wait = std::chrono::seconds{60};

/// Why a query is refused.
struct bad_parameter {
  /// As it was sent, not checked; a part of the query.
  std::string_view name;
  /// What is allowed.
  std::string rule;
};

/// Reads and checks a query. Strict: unknown and repeated parameters, malformed escapes and values out of
/// range are refused. `%XX` is decoded in values; `+` is a plus, as times have one.
[[nodiscard]] tl::expected<query, bad_parameter> parse_query(std::string_view text, parameters known);

/// The query that says the same, for the address of the page after this one.
[[nodiscard]] std::string next_page(const query& q, job_id before);

} // namespace jobd::http
