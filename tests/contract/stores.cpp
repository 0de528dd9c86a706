#include "tests/contract/stores.hpp"

#include "storage/migrate.hpp"
#include "storage/postgres_store.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/support/row_rules.hpp"

namespace jobd::test {
namespace {

void connect(storage::store& s) {
  const auto done = s.connect();
  BOOST_REQUIRE_MESSAGE(done.has_value(), done.error().context);
}

std::string aged(const std::vector<std::string>& columns, const std::string& interval, job_id id) {
  auto text = std::string{};
  for (const auto& column : columns)
    text += (text.empty() ? "update jobs set " : ", ") + column + " = " + column + " - " + interval;
  return text + " where id = " + std::to_string(id);
}

const auto job_times = std::vector<std::string>{"created_at", "end_time", "run_at", "expires_at"};

const auto sqlite_now = std::string{"cast((julianday('now') - 2440587.5) * 86400000000 as integer)"};

} // namespace

// ---------------------------------------------------------------- PostgreSQL

postgres_server& postgres_backend::server() {
  static auto shared = postgres_server{};
  return shared;
}

const std::string& postgres_backend::migrated() {
  static const auto name = [] {
    auto fresh = server().create_database();
    if (const auto done = storage::migrate(server().url(fresh)); !done)
      throw std::runtime_error{done.error().context};
    hold_row_rules(server(), fresh);
    return fresh;
  }();
  return name;
}

postgres_backend::postgres_backend(const std::string& from) : database(server().create_database(from)) {}

store_ptr postgres_backend::closed(std::optional<seconds> window, std::chrono::milliseconds deadline) const {
  return storage::make_postgres_store({server().url(database), window, deadline});
}

store_ptr postgres_backend::open(std::optional<seconds> window, std::chrono::milliseconds deadline) const {
  auto made = closed(window, deadline);
  connect(*made);
  return made;
}

void postgres_backend::expire_keys(seconds ago) const {
  sql("update job_dedupe set expires_at = timezone('utc', now()) - " + interval(ago));
}

void postgres_backend::expire_idempotency(seconds ago) const {
  sql("update job_idempotency set expires_at = timezone('utc', now()) - " + interval(ago));
}

void postgres_backend::age_beat(node_id node, seconds by) const {
  sql("update nodes set heartbeat_at = heartbeat_at - " + interval(by)
      + " where id = " + std::to_string(node));
}

void postgres_backend::age_job(job_id id, seconds by) const {
  sql(aged(job_times, interval(by), id));
}

void postgres_backend::end_all(seconds ago) const {
  sql("update jobs set status = 'success', end_time = created_at - " + interval(ago)
      + ", created_at = created_at - " + interval(ago));
}

int postgres_backend::count(const std::string& what) const {
  return std::stoi(value("select count(*) from " + what));
}

std::string postgres_backend::row(job_id id) const {
  return value("select jobs::text from jobs where id = " + std::to_string(id));
}

std::string postgres_backend::interval(seconds s) {
  return std::to_string(s.count()) + " * interval '1 second'";
}

// ---------------------------------------------------------------- SQLite

sqlite_session::sqlite_session(const std::string& path) {
  sqlite3_open(path.c_str(), &db);
  sqlite3_busy_timeout(db, 10'000);
}

sqlite_session::~sqlite_session() {
  sqlite3_close(db);
}

std::string sqlite_session::query(const std::string& text) const {
  auto out = std::string{};
  const auto collect = [](void* to, int columns, char** fields, char**) {
    for (auto i = 0; i < columns; ++i)
      *static_cast<std::string*>(to) += std::string{fields[i] ? fields[i] : "null"} + '|';
    return 0;
  };
  const auto done = sqlite3_exec(db, text.c_str(), collect, &out, nullptr);
  BOOST_REQUIRE_MESSAGE(done == SQLITE_OK, text << ": " << sqlite3_errmsg(db));
  return out;
}

sqlite_backend::sqlite_backend() {
  (void)open();
}

store_ptr sqlite_backend::closed(std::optional<seconds> window, std::chrono::milliseconds deadline) const {
  return storage::make_sqlite_store({path, window, deadline});
}

store_ptr sqlite_backend::open(std::optional<seconds> window, std::chrono::milliseconds deadline) const {
  auto made = closed(window, deadline);
  connect(*made);
  return made;
}

void sqlite_backend::expire_keys(seconds ago) const {
  sql("update job_dedupe set expires_at = " + sqlite_now + " - " + interval(ago));
}

void sqlite_backend::expire_idempotency(seconds ago) const {
  sql("update job_idempotency set expires_at = " + sqlite_now + " - " + interval(ago));
}

void sqlite_backend::age_beat(node_id node, seconds by) const {
  sql("update nodes set heartbeat_at = heartbeat_at - " + interval(by)
      + " where id = " + std::to_string(node));
}

void sqlite_backend::age_job(job_id id, seconds by) const {
  sql(aged(job_times, interval(by), id));
}

void sqlite_backend::end_all(seconds ago) const {
  sql("update jobs set status = 'success', end_time = created_at - " + interval(ago)
      + ", created_at = created_at - " + interval(ago));
}

int sqlite_backend::count(const std::string& what) const {
  return std::stoi(sql("select count(*) from " + what));
}

std::string sqlite_backend::row(job_id id) const {
  return sql("select * from jobs where id = " + std::to_string(id));
}

std::string sqlite_backend::sql(const std::string& text) const {
  return sqlite_session{path}.query(text);
}

std::string sqlite_backend::interval(seconds s) {
  return std::to_string(std::chrono::round<std::chrono::microseconds>(s).count());
}

// ---------------------------------------------------------------- jobs and nodes

job_spec spec_of(std::int64_t object_id, const std::string& type, int priority, const std::string& queue) {
  auto spec = job_spec{};
  spec.object_id = object_id;
  spec.type = type;
  spec.priority = priority;
  spec.queue = queue;
  return spec;
}

job_spec limited(std::int64_t object_id, int priority) {
  auto spec = spec_of(object_id, "default", priority);
  spec.object_limit = 1;
  return spec;
}

std::vector<expected<created_job>> create(storage::store& s, std::vector<job_spec> specs) {
  return must(s.flush({{}, {}, std::move(specs)})).creates;
}

created_job create(storage::store& s, const job_spec& spec) {
  return must(create(s, std::vector{spec}).at(0));
}

id_list create_many(storage::store& s, int n, const std::string& type) {
  auto specs = std::vector<job_spec>{};
  for (auto i = 0; i < n; ++i)
    specs.push_back(spec_of(i, type));
  auto ids = id_list{};
  for (const auto& made : create(s, std::move(specs)))
    ids.push_back(must(made).id);
  return ids;
}

storage::claim_request hinted(node_id node, id_list ids, int limit) {
  return {node, std::move(ids), {}, {"default"}, limit};
}

storage::claim_request heads(node_id node, int limit, std::vector<std::string> queues) {
  return {node, {}, std::move(queues), {"default"}, limit};
}

std::vector<claimed_job> claim(storage::store& s, const storage::claim_request& request) {
  return must(s.flush({{}, {request}, {}})).claims.at(0);
}

storage::finish_request ended(node_id node, run_key run, event what, std::string result,
                              std::string message) {
  auto retry_in = what == event::retry ? std::optional<seconds>{60s} : std::nullopt;
  return {node, run, {what, retry_in}, std::move(result), std::move(message)};
}

finish_answer finish(storage::store& s, const storage::finish_request& f) {
  return must(s.flush({{f}, {}, {}})).finishes.at(0);
}

job read(storage::store& s, job_id id) {
  auto found = must(s.find(std::vector{id})).at(0);
  BOOST_REQUIRE(found.has_value());
  return *found;
}

node_id new_node(storage::store& s, const std::string& host) {
  return must(s.register_node({host, 42, "1.0", 8, {"default"}, {"default"}}));
}

lease::suspect seen(storage::store& observer, node_id observer_id, node_id node) {
  for (const auto& s : must(observer.beat(observer_id)).overdue)
    if (s.node == node)
      return s;
  BOOST_FAIL("node " << node << " is not overdue");
  return {};
}

run_key running_job(storage::store& s, node_id node, const job_spec& spec) {
  const auto id = create(s, spec).id;
  const auto jobs = claim(s, hinted(node, {id}));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  return {id, jobs[0].attempt};
}

run_key running_job(storage::store& s, node_id node, std::int64_t object_id) {
  return running_job(s, node, spec_of(object_id));
}

std::vector<std::string> outcomes(storage::store& s, job_id id) {
  auto out = std::vector<std::string>{};
  for (const auto& a : must(s.history(id)))
    out.push_back(std::to_string(a.attempt) + ' ' + a.outcome);
  return out;
}

// ---------------------------------------------------------------- locks

other_session::other_session(const postgres_backend& b)
    : pg(std::move(storage::postgres_connection::open(b.server().url(b.database), 10s, 10s).value())) {}

void other_session::exec(const std::string& sql) {
  pg.allow(10s);
  const auto done = pg.exec_text(sql);
  BOOST_REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().context));
}

void await_blocked(const postgres_backend& b) {
  BOOST_REQUIRE(eventually([&] {
    return b.value("select count(*) from pg_stat_activity where datname = '" + b.database
                   + "' and wait_event_type = 'Lock'")
           != "0";
  }));
}

} // namespace jobd::test
