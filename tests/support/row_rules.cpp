#include "tests/support/row_rules.hpp"

namespace jobd::test {
namespace {

/// By the names that they had in the schema.
constexpr auto rules = R"sql(
alter table jobs
  add constraint jobs_running_is_owned check (
    status <> 'running' or (node_id is not null and start_time is not null and ready)),
  add constraint jobs_final_has_ended check (status in ('created', 'running') or end_time is not null),
  add constraint jobs_waiting_has_time check (
    ready or (status in ('created', 'cancelled') and run_at is not null)),
  add constraint jobs_blocked_waits check (not blocked or (status <> 'running' and object_limit = 1)),
  add constraint jobs_queue check (char_length(queue) between 1 and 64),
  add constraint jobs_type check (char_length(type) between 1 and 64),
  add constraint jobs_priority check (priority between 0 and 9),
  add constraint jobs_timeout check (timeout > 0),
  add constraint jobs_max_attempts check (max_attempts between 1 and 100),
  add constraint jobs_counts check (attempt >= 0 and failures >= 0 and recoveries >= 0),
  add constraint jobs_object_limit check (object_limit in (0, 1));
)sql";

} // namespace

void hold_row_rules(const postgres_server& server, const std::string& database) {
  server.query(database, rules);
}

} // namespace jobd::test
