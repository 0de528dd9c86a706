#pragma once

#include "core/error.hpp"
#include "core/job.hpp"

#include <string>
#include <string_view>

namespace jobd::http {

/// Reads and checks the body of a submission. The payload stays the client's own text. Strict: unknown and
/// repeated fields, wrong types and values out of range are `ec::invalid`, with one line that names the field
/// first and says what is allowed. `null` stands for an absent field, but not for `object_id`.
[[nodiscard]] expected<job_spec> parse_job_spec(std::string_view body);

/// True if a submission has a field of that name.
[[nodiscard]] bool is_job_field(std::string_view name) noexcept;

/// A job as the API shows it: all fields, absent ones null, payload and result as they were given.
[[nodiscard]] std::string to_json(const job& j);

/// `{"job_id": 1}`
[[nodiscard]] std::string to_json(const created_job& created);

} // namespace jobd::http
