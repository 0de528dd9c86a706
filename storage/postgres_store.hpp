#pragma once

#include "storage/store.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace jobd::storage {

struct postgres_options {
  /// `postgresql://…` or libpq's `key=value` form.
  std::string url;
  /// How long a (type, object_id) stands for one job; absent or zero: each create makes a job.
  std::optional<seconds> dedupe_window;
  /// For each call, whatever it takes inside.
  std::chrono::milliseconds deadline{10'000};
};

/// `ec::invalid` says what is wrong, without a word of the URL: it may hold a password.
[[nodiscard]] expected<void> check_database_url(const std::string& url);

/// The store that all nodes share. All times are PostgreSQL's own. It is made closed.
[[nodiscard]] std::unique_ptr<store> make_postgres_store(postgres_options o);

} // namespace jobd::storage
