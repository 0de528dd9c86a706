#include "execution/builtin.hpp"

#include <tao/json.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace jobd::execution::builtin {
namespace {

/// The only member of a payload that must be an object with this one; nothing otherwise.
std::optional<tao::json::value> only_member(const std::string& payload, const std::string& name) {
  try {
    const auto value = tao::json::from_string(payload);
    if (value.is_object() && value.get_object().size() == 1)
      if (const auto* member = value.find(name))
        return *member;
  } catch (const std::exception&) {
    // not JSON
  }
  return {};
}

} // namespace

outcome echo(const claimed_job& j, std::stop_token) {
  return outcome::succeeded(j.payload);
}

outcome sleep(const claimed_job& j, std::stop_token stop) {
  const auto member = only_member(j.payload, "seconds");
  const auto length = member && member->is_number() ? member->as<double>() : -1;
  if (!(length >= 0 && length <= limits::timeout.count()))
    return outcome::failed("builtin:sleep takes a payload like {\"seconds\": 0.5}, with 0 to "
                           + std::to_string(static_cast<int>(limits::timeout.count())) + " seconds");
  std::mutex guard;
  std::condition_variable_any never;
  std::unique_lock lock(guard);
  const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(seconds(length));
  never.wait_for(lock, stop, time, [] { return false; });
  return stop.stop_requested() ? outcome::failed("was asked to stop") : outcome::succeeded();
}

outcome fail(const claimed_job& j, std::stop_token) {
  const auto member = only_member(j.payload, "message");
  if (!member || !member->is_string_type())
    return outcome::failed("builtin:fail takes a payload like {\"message\": \"why\"}");
  return outcome::failed(member->as<std::string>());
}

} // namespace jobd::execution::builtin
