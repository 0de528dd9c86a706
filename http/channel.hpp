#pragma once

#include "http/reply.hpp"

#include <cstddef>
#include <string>

namespace jobd::http {

/// Where the answer to one request goes: either one reply, or a stream of text that is opened, written and
/// closed. One call at a time, from any thread; none blocks.
class channel {
public:
  virtual ~channel() = default;

  /// The whole answer.
  virtual void answer(reply r) = 0;

  /// Starts a stream: status and headers are those of `r`. Only now may the rest be called.
  virtual void open(reply r) = 0;
  virtual void write(std::string text) = 0;
  /// Ends the stream, and the connection with it, when all is written.
  virtual void close() = 0;
  /// Ends the connection at once.
  virtual void abort() = 0;

  /// What the client has not taken yet.
  struct backlog {
    std::size_t writes = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] virtual backlog waiting() const = 0;
  /// True once a write has failed: the client is gone.
  [[nodiscard]] virtual bool broken() const = 0;
};

} // namespace jobd::http
