#pragma once

#include "core/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobd::storage {

/// A column of values, as one array parameter.
template <class T>
using column = std::vector<std::optional<T>>;

/// The parameters of one statement, in order. Arrays travel in PostgreSQL's binary format: there is nothing
/// to escape, no byte of a text is special, and a batch of any size is one statement.
class parameters {
public:
  struct value {
    std::optional<std::string> bytes;
    bool binary = false;
  };

  parameters& add(std::int64_t number);
  parameters& add(std::optional<double> number);
  parameters& add(timestamp t);
  /// The text must hold no NUL.
  parameters& add(std::string_view text);
  template <class T>
  parameters& add(const std::optional<T>& some) {
    return some ? add(*some) : add_null();
  }
  parameters& add_null();

  parameters& add(const column<std::int64_t>& values);
  parameters& add(const column<std::int32_t>& values);
  parameters& add(const column<double>& values);
  parameters& add(const column<timestamp>& values);
  parameters& add(const column<std::string_view>& values);
  parameters& add(const column<bool>& values);
  parameters& add(const std::vector<std::string>& values);

  [[nodiscard]] const std::vector<value>& values() const noexcept { return values_; }

private:
  std::vector<value> values_;
};

} // namespace jobd::storage
