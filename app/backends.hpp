#pragma once

#include "actors/connection.hpp"
#include "actors/queue.hpp"
#include "core/config.hpp"

namespace jobd::app {

/// Where the jobs of a process are kept, and how it hears of them.
struct backends {
  actors::store_factory make_store;
  actors::queue_factory make_queue;
  /// That write and read jobs; each process has one more, for its beat.
  int connections;
};

/// PostgreSQL and Redis, which all nodes share.
[[nodiscard]] backends on_servers(const config& settings);

/// A file, and hints in memory, for the one process that holds the file's folder.
[[nodiscard]] backends embedded(const config& settings, const std::string& file);

} // namespace jobd::app
