#include "http/responder.hpp"

#include "core/log.hpp"
#include "http/problem.hpp"

#include <utility>

namespace jobd::http {

responder::~responder() {
  if (!to_)
    return;
  try {
    refuse(if_dropped_);
  } catch (const std::exception& e) {
    log::error("Answer could not be sent", {{"error", e.what()}});
  }
}

void responder::operator()(reply r) {
  if (const auto to = std::exchange(to_, nullptr))
    to->answer(std::move(r));
}

void responder::refuse(const error& e) {
  if (to_)
    (*this)(instead_ ? std::move(*instead_) : problem::from(e));
}

} // namespace jobd::http
