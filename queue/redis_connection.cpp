#include "queue/redis_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace jobd::queue {
namespace {

/// Lets the kernel find out about a dead peer while nothing is awaited. Best effort: a unix socket needs
/// neither.
void watch_peer(redisContext& c, std::chrono::milliseconds deadline) {
  const auto limit = static_cast<unsigned>(deadline.count());
  redisEnableKeepAlive(&c);
  setsockopt(c.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

} // namespace

redis_connection::redis_connection(expected<redis_address> to, std::chrono::milliseconds deadline)
    : address_(std::move(to)), deadline_(deadline) {}

expected<std::vector<redis_reply>> redis_connection::run(std::span<const redis_command> commands,
                                                         std::chrono::milliseconds wait) {
  const auto until = clock::now() + deadline_;
  if (auto done = connect(until); !done)
    return tl::unexpected(done.error());
  return exchange(commands, until + wait);
}

tl::unexpected<error> redis_connection::give_up(const std::string& why) {
  context_.reset();
  if (!address_)
    return fail(ec::queue_away, address_.error().context);
  return fail(ec::queue_away, "Redis at " + address_->shown() + ": " + why);
}

expected<void> redis_connection::connect(clock::time_point until) {
  if (context_)
    return {};
  if (!address_)
    return give_up({});
  const auto& to = *address_;
  context_.reset(to.path.empty() ? redisConnectNonBlock(to.host.c_str(), to.port)
                                 : redisConnectUnixNonBlock(to.path.c_str()));
  if (!context_)
    return give_up("out of memory");
  if (context_->err != 0)
    return give_up(context_->errstr);
  // A connection that is being made becomes writable when it stands or has failed.
  if (auto done = wait_for(POLLOUT, until); !done)
    return done;
  auto failure = 0;
  socklen_t size = sizeof failure;
  if (getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0)
    return give_up(std::strerror(failure != 0 ? failure : errno));
  if (to.path.empty())
    watch_peer(*context_, deadline_);
  return greet(until);
}

expected<void> redis_connection::greet(clock::time_point until) {
  auto commands = std::vector<redis_command>{};
  if (!address_->password.empty() && address_->user.empty())
    commands.push_back({"AUTH", address_->password});
  else if (!address_->password.empty())
    commands.push_back({"AUTH", address_->user, address_->password});
  if (address_->db != 0)
    commands.push_back({"SELECT", std::to_string(address_->db)});
  return exchange(commands, until).map([](const auto&) {});
}

expected<std::vector<redis_reply>> redis_connection::exchange(std::span<const redis_command> commands,
                                                              clock::time_point until) {
  for (const auto& words : commands) {
    auto texts = std::vector<const char*>{};
    auto sizes = std::vector<std::size_t>{};
    for (const auto& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data())
        != REDIS_OK)
      return give_up(context_->errstr);
  }
  if (auto done = send(until); !done)
    return tl::unexpected(done.error());
  auto replies = std::vector<redis_reply>{};
  while (replies.size() < commands.size()) {
    auto reply = receive(until);
    if (!reply)
      return tl::unexpected(reply.error());
    // READONLY, OOM, LOADING, NOAUTH, WRONGTYPE …: this Redis is of no use now. Perhaps the next connection
    // is.
    if ((*reply)->type == REDIS_REPLY_ERROR)
      return give_up({(*reply)->str, (*reply)->len});
    replies.push_back(std::move(*reply));
  }
  return replies;
}

expected<void> redis_connection::send(clock::time_point until) {
  for (auto all_sent = 0;;) {
    if (redisBufferWrite(context_.get(), &all_sent) != REDIS_OK)
      return give_up(context_->errstr);
    if (all_sent != 0)
      return {};
    if (auto ready = wait_for(POLLOUT, until); !ready)
      return ready;
  }
}

expected<redis_reply> redis_connection::receive(clock::time_point until) {
  for (void* reply = nullptr;;) {
    if (redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK)
      return give_up(context_->errstr);
    if (reply != nullptr)
      return redis_reply{static_cast<redisReply*>(reply)};
    if (auto ready = wait_for(POLLIN, until); !ready)
      return tl::unexpected(ready.error());
    if (redisBufferRead(context_.get()) != REDIS_OK)
      return give_up(context_->errstr);
  }
}

expected<void> redis_connection::wait_for(short events, clock::time_point until) {
  auto socket = pollfd{context_->fd, events, 0};
  for (;;) {
    // Rounded up: a rest of less than a millisecond must not become a busy loop.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    if (left <= 0)
      return give_up("no answer within the deadline");
    const auto found = poll(&socket, 1, static_cast<int>(left));
    if (found > 0)
      return {};
    if (found < 0 && errno != EINTR)
      return give_up(std::strerror(errno));
  }
}

} // namespace jobd::queue
