#pragma once

#include <span>
#include <string_view>

namespace jobd::storage {

/// One file of `migrations/`, or of `migrations/sqlite/`, compiled in so that any node can apply it.
struct migration {
  int version;
  std::string_view name;
  std::string_view sql;
};

/// All of them, oldest first. The last one's version is the schema that this program needs.
[[nodiscard]] std::span<const migration> migrations();
/// The same for the embedded store.
[[nodiscard]] std::span<const migration> sqlite_migrations();

} // namespace jobd::storage
