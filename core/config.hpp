#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "core/log.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobd {

/// Everything that can be set. Each member is one row of `options()`.
struct config {
  std::string database_url = "postgresql:///jobd";
  std::string redis_url = "redis://127.0.0.1:6379/0";
  int database_connections = 2;
  /// Path, for standalone; empty: a folder under the user's data home.
  std::string data_folder;

  std::string http_host = "127.0.0.1";
  int http_port = 3000;
  int http_threads = 1;
  /// Requests that may wait for an answer; the next one gets 503.
  int http_pending = 10'000;
  /// Where a worker serves its metrics; 0: nowhere.
  int metrics_port = 0;
  /// Ready jobs of which none was started for so long are no progress.
  seconds job_stuck_after{60};

  /// Path; empty: the API needs no tokens.
  std::string api_tokens_file;
  /// Paths, both or none; empty: the API speaks plain HTTP.
  std::string tls_cert;
  std::string tls_key;

  seconds job_timeout{300};
  int job_prefetch = 16;
  int job_concurrency = 8;
  /// Served strictly in this order.
  std::vector<std::string> job_queues{"default"};
  /// Path; empty: only the builtins.
  std::string job_handlers;
  seconds job_dedupe_window{300};
  seconds job_retention{7 * 24 * 3600.0};
  seconds job_shutdown_grace{25};
  /// Between TERM and KILL when a job runs out of its time.
  seconds job_kill_grace{5};

  log::level log_level = log::level::info;
  log::format log_format = log::format::text;
};

/// One setting: `--name`, its environment variable, and how its text is read.
struct config_option {
  /// As a flag, without the dashes.
  std::string_view flag;
  std::string_view env;
  /// What it is, with its unit, and what is allowed.
  std::string_view help;
  /// The commands that read it, with spaces between; the others ignore the variable and refuse the flag.
  std::string_view commands;
  /// The value holds a secret: never printed, and `<ENV>_FILE` may name a file that holds it.
  bool secret = false;
  /// Reads `text` into the config; the error says what is allowed.
  expected<void> (*set)(config&, std::string_view text);
  /// The value as text that `set` reads.
  std::string (*show)(const config&);
};

[[nodiscard]] std::span<const config_option> config_options();

/// Looks a name up; nothing if it is not set.
using lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Reads all options: the flag if it is given, else the environment variable, else `<ENV>_FILE` for secrets,
/// else the default. `ec::invalid` names the setting, its value (unless secret) and what is allowed.
[[nodiscard]] expected<config> read_config(const lookup& flag, const lookup& env);

} // namespace jobd
