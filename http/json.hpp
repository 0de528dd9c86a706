#pragma once

#include "actors/interfaces.hpp"
#include "core/error.hpp"
#include "core/job.hpp"
#include "storage/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// `{"jobs":[{"job_id":1,"duplicate":false},…]}`
[[nodiscard]] std::string to_json(const std::vector<created_job>& created);

struct shown_page {
  std::string text;
  /// Where the page after this one begins: `before` of its request.
  std::optional<job_id> next;
};
/// A page ends after the job with which it grows over this: jobs may have large payloads and results.
inline constexpr std::size_t most_page_bytes = 16 << 20;
/// `{"jobs":[…],"next_cursor":"…"}`, the cursor null at the end.
[[nodiscard]] shown_page to_json(const storage::job_page& page);

/// `{"attempts":[{"attempt":1,"node_id":3,…}]}`
[[nodiscard]] std::string to_json(const std::vector<storage::attempt_record>& attempts);

/// `{"job_id":1,"status":"created","reasons":[{"code":"scheduled","detail":"…","until":"…"}]}`
[[nodiscard]] std::string to_json(const storage::explanation& e);

/// `{"name":"default","paused":false,"changed_at":null,"workers":2}`
[[nodiscard]] std::string to_json(const storage::queue_info& q);
/// `{"queues":[{"name":"default",…}]}`
[[nodiscard]] std::string to_json(const std::vector<storage::queue_info>& queues);

/// `{"workers":[{"node_id":3,"host":"a",…}]}`
[[nodiscard]] std::string to_json(const std::vector<storage::worker_info>& workers);

/// `{"queues":[{"queue":"default","created":1,…,"oldest_ready":0.5}]}`
[[nodiscard]] std::string to_json(const std::vector<storage::queue_stats>& stats);

/// `{"cancelled":1,"asked_to_end":0,"next_cursor":null}`
[[nodiscard]] std::string cancelled_json(int cancelled, int asked_to_end, const std::optional<job_id>& next);
/// `{"retried":1,"next_cursor":null}`
[[nodiscard]] std::string retried_json(int retried, const std::optional<job_id>& next);

/// `{"ready":false,"database":true,"progress":false,"reasons":[{"code":"no_progress","detail":"…"}]}`
[[nodiscard]] std::string to_json(const actors::readiness& r);

} // namespace jobd::http
