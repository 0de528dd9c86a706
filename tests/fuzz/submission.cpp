#include "tests/fuzz/submission.hpp"

#include "core/json_text.hpp"

#include <array>
#include <charconv>

namespace jobd::fuzz {
namespace {

/// The shortest text that reads back as the same number.
std::string number(seconds value) {
  auto digits = std::array<char, 32>{};
  auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value.count()).ptr;
  return std::string{digits.data(), end};
}

} // namespace

std::string submission(const job_spec& spec) {
  auto out = "{\"object_id\":" + std::to_string(spec.object_id);
  const auto add = [&out](std::string_view name, const std::string& value) {
    out.append(",\"").append(name).append("\":").append(value);
  };
  add("type", json_string(spec.type));
  add("queue", json_string(spec.queue));
  if (!spec.payload.empty())
    add("payload", spec.payload);
  add("priority", std::to_string(spec.priority));
  if (spec.timeout)
    add("timeout", number(*spec.timeout));
  add("max_attempts", std::to_string(spec.max_attempts));
  if (spec.run_at)
    add("run_at", json_string(to_rfc3339(*spec.run_at)));
  if (spec.delay)
    add("delay", number(*spec.delay));
  if (spec.expires_in)
    add("expires_in", number(*spec.expires_in));
  add("object_limit", std::to_string(spec.object_limit));
  return out + '}';
}

} // namespace jobd::fuzz
