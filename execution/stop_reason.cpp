#include "execution/stop_reason.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace jobd::execution {
namespace {

outcome timed_out(seconds timeout, const outcome& seen) {
  auto text = std::array<char, 64>{};
  std::snprintf(text.data(), text.size(), "timed out after %g s", timeout.count());
  auto message = std::string{text.data()};
  if (!seen.message.empty())
    message += "; " + seen.message;
  return outcome::failed(std::move(message));
}

/// Work that succeeded before it could be stopped has succeeded.
outcome cancelled(outcome seen) {
  if (seen.what == outcome::kind::success)
    return seen;
  return {outcome::kind::cancelled, {}, "cancelled" + (seen.message.empty() ? "" : "; " + seen.message)};
}

} // namespace

outcome outcome_of_stopped(stop_reason why, seconds timeout, outcome seen) {
  switch (why) {
  case stop_reason::timeout: return timed_out(timeout, seen);
  case stop_reason::cancelled: return cancelled(std::move(seen));
  case stop_reason::give_back:
  case stop_reason::lost: return outcome::given_back();
  }
  return seen;
}

} // namespace jobd::execution
