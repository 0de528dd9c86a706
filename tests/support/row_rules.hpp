#pragma once

#include "tests/support/postgres_server.hpp"

#include <string>

namespace jobd::test {

/// From now on no statement leaves a row in `jobs` of this database that none should: it fails. Why
/// migrations do without such rules: migrations/0004_rules.sql.
void hold_row_rules(const postgres_server& server, const std::string& database);

} // namespace jobd::test
