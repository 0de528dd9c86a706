#include "actors/errors.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace jobd::actors {

caf::error to_caf(const error& e) {
  return caf::make_error(e.code, e.context);
}

error from_caf(const caf::error& e) {
  static constexpr auto ours = caf::detail::error_factory<ec>::category;
  if (e.category() == ours) {
    auto context = std::string{};
    if (e.context().match_elements<std::string>())
      context = e.context().get_as<std::string>(0);
    return {static_cast<ec>(e.code()), std::move(context)};
  }
  if (e == caf::sec::request_timeout)
    return {ec::store_away, "no answer in time"};
  if (e == caf::sec::request_receiver_down || e.category() == caf::atom("exit"))
    return {ec::stopping, "the part that answers is gone"};
  return {ec::internal, caf::deep_to_string(e)};
}

} // namespace jobd::actors
