#include "storage/postgres_store.hpp"

#include "core/json_text.hpp"
#include "storage/migrations.hpp"
#include "storage/postgres_changes.hpp"
#include "storage/postgres_jobs.hpp"
#include "storage/postgres_nodes.hpp"
#include "storage/postgres_queues.hpp"
#include "storage/postgres_upkeep.hpp"
#include "storage/postgres_write.hpp"

#include <algorithm>
#include <utility>

namespace jobd::storage {
namespace {

using kind = sql_error::kind;

constexpr auto read_version = "select coalesce(max(version), 0) from schema_migrations";
constexpr std::string_view no_such_table = "42P01";

/// Deadlocks in a row after which something else is wrong.
constexpr auto most_tries = 5;

/// Whether a call leaves something behind: a lost answer to a read is no uncertainty.
enum class access : std::uint8_t { read, write };

/// Moves the elements `from` up to `from + n` over; both then count on behind `all`.
template <class T>
void take_part(std::vector<T>& to, const std::vector<T>& all, std::size_t& from, std::size_t& n) {
  const auto first = std::min(from, all.size());
  const auto count = std::min(n, all.size() - first);
  to.insert(to.end(), all.begin() + static_cast<std::ptrdiff_t>(first),
            all.begin() + static_cast<std::ptrdiff_t>(first + count));
  from -= first;
  n -= count;
}

/// `n` elements of a batch, counted through its parts in their order, from `from` on.
batch part_of(const batch& b, std::size_t from, std::size_t n) {
  auto part = batch{};
  take_part(part.finishes, b.finishes, from, n);
  take_part(part.claims, b.claims, from, n);
  take_part(part.creates, b.creates, from, n);
  take_part(part.progresses, b.progresses, from, n);
  return part;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// True if the batch is one statement, which is a transaction by itself. What follows it belongs to the
/// answer, or makes a wait shorter, and not to the transaction.
bool is_one_statement(const batch& b) {
  if (b.size() == 0 || !b.claims.empty())
    return b.size() <= 1;
  const auto parts = {b.finishes.empty(), b.creates.empty(), b.progresses.empty()};
  return std::ranges::count(parts, false) == 1;
}

/// Why PostgreSQL cannot hold this job, in the words of the API if it has some.
error refusal(const job_spec& spec, const sql_error& why) {
  if (auto valid = validate(spec); !valid)
    return valid.error();
  return {ec::invalid, "payload cannot be stored: " + why.context};
}

/// The run is over and must not be lost because of what it left behind: the same end without it, as a
/// failure.
finish_request without_result(finish_request f, const sql_error& why) {
  f.result.clear();
  f.message = "the result could not be stored: " + why.context;
  if (f.what.what == lifecycle::event::succeed)
    f.what = {lifecycle::event::fail, std::nullopt};
  return f;
}

/// What was found, or that there is no such job.
template <class T>
expected<T> there(job_id id, expected<std::optional<T>> found) {
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return fail(ec::not_found, "there is no job " + std::to_string(id));
  return std::move(**found);
}

class postgres_store final : public store {
public:
  explicit postgres_store(postgres_options o) : options_(std::move(o)) {}

  expected<void> connect() override { return open(options_.deadline); }

  expected<batch_result> flush(const batch& b) override;

  expected<std::vector<std::optional<job>>> find(std::span<const job_id> ids) override {
    return call(access::read, [&] { return read_jobs(*pg_, ids); });
  }
  expected<std::vector<created_job>> submit(const submission& s) override;
  expected<job_page> list(const page_request& q) override {
    return call(access::read, [&] { return read_page(*pg_, q); });
  }
  expected<std::vector<job_change>> cancel(std::span<const job_id> ids) override {
    return call(access::write, [&] { return cancel_jobs(*pg_, ids); });
  }
  expected<std::vector<job_change>> rerun(std::span<const job_id> ids) override {
    return call(access::write, [&] { return rerun_jobs(*pg_, ids); });
  }
  expected<expiry> expire(int limit) override {
    return call(access::write, [&] { return expire_due(*pg_, limit); });
  }
  expected<std::vector<attempt_record>> history(job_id id) override {
    return there(id, call(access::read, [&] { return read_history(*pg_, id); }));
  }
  expected<explanation> explain(job_id id) override {
    return there(id, call(access::read, [&] { return read_explanation(*pg_, id); }));
  }
  expected<std::vector<queue_info>> queues() override {
    return call(access::read, [&] { return read_queues(*pg_); });
  }
  expected<queue_info> pause(const std::string& queue, bool paused) override {
    return call(access::write, [&] { return pause_queue(*pg_, queue, paused); });
  }
  expected<std::vector<queue_stats>> stats() override {
    return call(access::read, [&] { return read_stats(*pg_); });
  }
  expected<std::vector<worker_info>> workers() override {
    return call(access::read, [&] { return read_workers(*pg_); });
  }
  expected<node_id> register_node(const node_info& info) override {
    return call(access::write, [&] { return insert_node(*pg_, info); });
  }
  expected<beat_report> beat(node_id node) override {
    return call(access::write, [&] { return renew_beat(*pg_, node); });
  }
  expected<void> unregister_node(node_id node) override {
    return call(access::write, [&] { return delete_node(*pg_, node); });
  }
  expected<std::vector<job_change>> rescue(const lease::suspect& dead) override {
    return call(access::write, [&] { return rescue_jobs(*pg_, dead); });
  }
  expected<bool> host_is_alive(const std::string& host) override {
    return call(access::read, [&] { return host_has_beaten(*pg_, host); });
  }
  expected<queue_heads> heads(int most) override {
    return call(access::read, [&] { return read_heads(*pg_, most); });
  }
  expected<std::vector<hint>> ready_jobs(const ready_query& q) override {
    return call(access::read, [&] { return read_ready(*pg_, q); });
  }
  expected<promotion> promote(int limit) override {
    return call(access::write, [&] { return promote_due(*pg_, limit); });
  }
  expected<prune_report> prune(prune_cursor from, seconds retention) override {
    return call(access::write, [&] { return prune_old(*pg_, from, retention); });
  }

private:
  expected<void> open(std::chrono::milliseconds deadline);
  expected<void> check_schema();

  /// One call that is not a flush: its deadline, its retries, and what its error means.
  template <class F>
  auto call(access how, F f) -> expected<typename decltype(f())::value_type>;
  /// Runs `f` again as long as it loses a race or is the victim of a deadlock.
  template <class F>
  auto retried(F f) -> decltype(f());
  /// Closes the store if the error says that its connection is of no more use.
  tl::unexpected<error> failed(const sql_error& e, access how);

  /// Runs `f`, and if its commit's answer is lost, again on a new connection if that tells what became of it.
  template <class F>
  auto resolved(bool repeatable, F f) -> decltype(f());
  /// Runs `f` between begin and commit, or rollback if it fails.
  template <class F>
  auto in_transaction(F f) -> decltype(f());

  expected<std::vector<created_job>> write(const submission& s);
  expected<std::vector<created_job>> refuse(const submission& s);
  sql_expected<void> try_out(std::span<const job_spec> jobs);

  expected<batch_result> write(const batch& b);
  expected<batch_result> write_halves(const batch& b);
  expected<batch_result> write_refused(const batch& b, const sql_error& why);
  sql_expected<batch_result> write_transaction(const batch& b);
  sql_expected<batch_result> write_parts(const batch& b);

  postgres_options options_;
  /// Absent while the store is closed.
  std::optional<postgres_connection> pg_;
};

expected<void> postgres_store::open(std::chrono::milliseconds deadline) {
  pg_.reset();
  auto opened = postgres_connection::open(options_.url, deadline, options_.deadline);
  if (!opened)
    return failed(opened.error(), access::read);
  pg_ = std::move(*opened);
  return check_schema();
}

expected<void> postgres_store::check_schema() {
  const auto needed = migrations().back().version;
  auto found = 0;
  if (auto r = pg_->exec_text(read_version); r)
    found = r->number<int>(0, 0);
  else if (r.error().state != no_such_table)
    return failed(r.error(), access::read);
  // A newer one is fine: a migration must leave the programs that run alone.
  if (found >= needed)
    return {};
  pg_.reset();
  return fail(ec::schema_old, "the database has schema " + std::to_string(found) + " and this program needs "
                                  + std::to_string(needed) + ": run `jobd migrate`");
}

template <class F>
auto postgres_store::call(access how, F f) -> expected<typename decltype(f())::value_type> {
  if (!pg_)
    return fail(ec::store_away, "the database is not connected");
  pg_->allow(options_.deadline);
  auto r = retried(f);
  if (!r)
    return failed(r.error(), how);
  if constexpr (std::is_void_v<typename decltype(r)::value_type>)
    return {};
  else
    return std::move(*r);
}

template <class F>
auto postgres_store::retried(F f) -> decltype(f()) {
  for (auto n = 1;; ++n)
    if (auto r = f(); r || r.error().what != kind::transient || n == most_tries)
      return r;
}

tl::unexpected<error> postgres_store::failed(const sql_error& e, access how) {
  const auto translated = to_error(how == access::read ? before_writing(e) : e);
  if (translated.code == ec::store_away || translated.code == ec::store_uncertain)
    pg_.reset();
  return tl::unexpected{translated};
}

template <class F>
auto postgres_store::resolved(bool repeatable, F f) -> decltype(f()) {
  if (!pg_)
    return fail(ec::store_away, "the database is not connected");
  const auto end = std::chrono::steady_clock::now() + options_.deadline;
  pg_->allow(options_.deadline);
  auto written = f();
  if (written || written.error().code != ec::store_uncertain || !repeatable)
    return written;

  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0 || !open(left))
    return written;
  auto again = f();
  if (!again && again.error().code == ec::store_away)
    return written;
  return again;
}

template <class F>
auto postgres_store::in_transaction(F f) -> decltype(f()) {
  // Until the commit is sent, a connection that breaks takes everything back with it.
  if (auto begun = pg_->exec_text("begin"); !begun)
    return tl::unexpected{before_writing(begun.error())};
  auto written = f();
  if (written) {
    if (auto committed = pg_->exec_text("commit"); !committed)
      return tl::unexpected{committed.error()};
    return written;
  }
  if (auto undone = pg_->exec_text("rollback"); !undone)
    return tl::unexpected{before_writing(undone.error())};
  return tl::unexpected{before_writing(written.error())};
}

expected<std::vector<created_job>> postgres_store::submit(const submission& s) {
  return resolved(s.key.has_value(), [&] { return write(s); });
}

expected<std::vector<created_job>> postgres_store::write(const submission& s) {
  auto written = retried(
      [&] { return in_transaction([&] { return write_submission(*pg_, s, options_.dedupe_window); }); });
  if (written)
    return std::move(*written);
  return written.error().what == kind::data ? refuse(s) : failed(written.error(), access::write);
}

/// Names the first job that cannot be held. Where the rules of the API do not tell, halves are tried out.
expected<std::vector<created_job>> postgres_store::refuse(const submission& s) {
  const auto of = [](std::size_t place) { return "jobs[" + std::to_string(place) + "]: "; };
  for (auto place = std::size_t{0}; place < s.jobs.size(); ++place)
    if (auto valid = validate(s.jobs[place]); !valid)
      return fail(ec::invalid, of(place) + valid.error().context);
  auto jobs = std::span{s.jobs};
  auto first = std::size_t{0};
  for (;;) {
    const auto half = jobs.size() > 1 ? jobs.size() / 2 : jobs.size();
    auto tried = try_out(jobs.first(half));
    if (!tried && tried.error().what != kind::data)
      return failed(tried.error(), access::read);
    if (!tried && jobs.size() == 1)
      return fail(ec::invalid, of(first) + refusal(jobs[0], tried.error()).context);
    if (tried && jobs.size() <= 1)
      return fail(ec::invalid, "the Idempotency-Key cannot be stored");
    if (tried)
      first += half;
    jobs = tried ? jobs.subspan(half) : jobs.first(half);
  }
}

/// Writes jobs and takes them back.
sql_expected<void> postgres_store::try_out(std::span<const job_spec> jobs) {
  if (auto begun = pg_->exec_text("begin"); !begun)
    return tl::unexpected{begun.error()};
  auto written = write_creates(*pg_, jobs, std::nullopt);
  if (auto undone = pg_->exec_text("rollback"); !undone)
    return tl::unexpected{undone.error()};
  if (!written)
    return tl::unexpected{written.error()};
  return {};
}

expected<batch_result> postgres_store::flush(const batch& b) {
  // The keys know: those that were written stand, the others are written now.
  const auto repeatable = b.finishes.empty() && b.claims.empty() && b.progresses.empty()
                          && options_.dedupe_window.value_or(seconds{0}) > seconds{0};
  return resolved(repeatable, [&] { return write(b); });
}

/// Writes the batch in one transaction; only if a value in it cannot be held, in as many as it takes to set
/// that element apart.
expected<batch_result> postgres_store::write(const batch& b) {
  auto written = retried([&] { return write_transaction(b); });
  if (written)
    return std::move(*written);
  if (written.error().what != kind::data)
    return failed(written.error(), access::write);
  return b.size() == 1 ? write_refused(b, written.error()) : write_halves(b);
}

expected<batch_result> postgres_store::write_halves(const batch& b) {
  const auto half = b.size() / 2;
  auto first = write(part_of(b, 0, half));
  if (!first)
    return first;
  auto second = write(part_of(b, half, b.size() - half));
  if (!second) {
    // The first half is written, so it would be wrong to say that nothing is.
    if (second.error().code == ec::store_away)
      return fail(ec::store_uncertain, second.error().context);
    return second;
  }
  append(first->finishes, std::move(second->finishes));
  append(first->claims, std::move(second->claims));
  append(first->creates, std::move(second->creates));
  append(first->unblocked, std::move(second->unblocked));
  return first;
}

expected<batch_result> postgres_store::write_refused(const batch& b, const sql_error& why) {
  if (!b.creates.empty())
    return batch_result{{}, {}, {tl::unexpected{refusal(b.creates[0], why)}}};
  // The next one may be better.
  if (!b.progresses.empty())
    return batch_result{};
  if (b.finishes.empty())
    return fail(ec::internal, "a claim was refused: " + why.context);
  auto kept = batch{};
  kept.finishes.push_back(without_result(b.finishes[0], why));
  auto written = write_transaction(kept);
  if (!written)
    return failed(written.error(), access::write);
  return std::move(*written);
}

sql_expected<batch_result> postgres_store::write_transaction(const batch& b) {
  if (is_one_statement(b))
    return write_parts(b);
  return in_transaction([&] { return write_parts(b); });
}

sql_expected<batch_result> postgres_store::write_parts(const batch& b) {
  auto result = batch_result{};
  if (auto told = write_progress(*pg_, b.progresses); !told)
    return tl::unexpected{told.error()};
  auto finishes = write_finishes(*pg_, b.finishes);
  if (!finishes)
    return tl::unexpected{finishes.error()};
  auto claims = write_claims(*pg_, b.claims);
  if (!claims)
    return tl::unexpected{claims.error()};
  auto creates = write_creates(*pg_, b.creates, options_.dedupe_window);
  if (!creates)
    return tl::unexpected{creates.error()};
  result.finishes = std::move(finishes->answers);
  result.unblocked = std::move(finishes->unblocked);
  result.claims = std::move(*claims);
  result.creates.assign(std::make_move_iterator(creates->begin()), std::make_move_iterator(creates->end()));
  return result;
}

} // namespace

std::unique_ptr<store> make_postgres_store(postgres_options o) {
  return std::make_unique<postgres_store>(std::move(o));
}

} // namespace jobd::storage
