#pragma once

#include "core/error.hpp"
#include "queue/job_queue.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace jobd::queue {

struct redis_options {
  /// `redis://[[user]:password@]host[:port][/db]` or `unix://[[user]:password@]/path[?db=N]`.
  std::string url;
  /// For a whole call, connecting included. Only the look-up of a host name is not bounded by it.
  std::chrono::milliseconds deadline{2'000};
};

/// `ec::invalid` says what is wrong with the URL without repeating it: it may hold a password.
[[nodiscard]] expected<void> check_redis_url(std::string_view url);

/// A queue on one connection to Redis 7, which is opened by the first call. The process must ignore SIGPIPE.
[[nodiscard]] std::unique_ptr<job_queue> make_redis_queue(redis_options options);

} // namespace jobd::queue
