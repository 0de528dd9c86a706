#pragma once

#include "core/error.hpp"

#include <string>

namespace jobd::storage {

/// Applies the migrations that the database lacks; the number of them. Safe to run twice, and from several
/// nodes at once: one does the work, the others wait for it. Each migration is one transaction together with
/// its row in `schema_migrations`. `ec::store_away` if the database cannot be reached, `ec::internal` if a
/// migration fails.
[[nodiscard]] expected<int> migrate(const std::string& database_url);

} // namespace jobd::storage
