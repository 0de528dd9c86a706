#pragma once

#include "core/error.hpp"
#include "http/channel.hpp"

#include <memory>
#include <optional>

namespace jobd::http {

/// The way back of one request. It sends exactly one reply: the one that it is given, or, if it is dropped
/// without one (whoever held it has died), the one for `if_dropped`.
class responder {
public:
  explicit responder(std::unique_ptr<channel> to) : to_(std::move(to)) {}
  responder(responder&&) noexcept = default;
  responder& operator=(responder&&) = delete;
  ~responder();

  void operator()(reply r);
  /// Answers with the problem that `e` is, or with what was settled for.
  void refuse(const error& e);

  void if_dropped(error e) { if_dropped_ = std::move(e); }
  /// From now on this is answered instead of any failure.
  void settle_for(reply r) { instead_ = std::move(r); }

  /// For a stream: from here on it is the caller who answers.
  [[nodiscard]] std::unique_ptr<channel> release() { return std::move(to_); }

private:
  std::unique_ptr<channel> to_;
  error if_dropped_{ec::internal, "a request was dropped without an answer"};
  std::optional<reply> instead_;
};

} // namespace jobd::http
