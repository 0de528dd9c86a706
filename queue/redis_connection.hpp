#pragma once

#include "core/error.hpp"
#include "queue/redis_address.hpp"

#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace jobd::queue {

/// A command as Redis takes it: its name and its arguments.
using redis_command = std::vector<std::string>;

struct free_reply {
  void operator()(redisReply* r) const noexcept { freeReplyObject(r); }
};
using redis_reply = std::unique_ptr<redisReply, free_reply>;

/// One connection to Redis, opened when it is needed, closed after every error.
///
/// hiredis formats and parses; the socket is non-blocking and this class polls it, so that a call ends at its
/// deadline whatever the other side does or does not do.
class redis_connection {
public:
  /// `deadline` is for a call, connecting included. An `ec::invalid` address is the error of every call.
  redis_connection(expected<redis_address> to, std::chrono::milliseconds deadline);

  /// Sends all commands at once and collects one reply each, none of them an error. `wait` is how long Redis
  /// itself may hold the answer back; the deadline starts after it. Every failure is `ec::queue_away`.
  [[nodiscard]] expected<std::vector<redis_reply>> run(std::span<const redis_command> commands,
                                                       std::chrono::milliseconds wait = {});

  /// Closes the connection over a reply that makes no sense.
  [[nodiscard]] tl::unexpected<error> give_up(const std::string& why);

private:
  using clock = std::chrono::steady_clock;

  struct free_context {
    void operator()(redisContext* c) const noexcept { redisFree(c); }
  };

  [[nodiscard]] expected<void> connect(clock::time_point until);
  [[nodiscard]] expected<void> greet(clock::time_point until);
  [[nodiscard]] expected<std::vector<redis_reply>> exchange(std::span<const redis_command> commands,
                                                            clock::time_point until);
  [[nodiscard]] expected<void> send(clock::time_point until);
  [[nodiscard]] expected<redis_reply> receive(clock::time_point until);
  /// Waits for `events` of poll(2) on the socket.
  [[nodiscard]] expected<void> wait_for(short events, clock::time_point until);

  expected<redis_address> address_;
  std::chrono::milliseconds deadline_;
  std::unique_ptr<redisContext, free_context> context_;
};

} // namespace jobd::queue
