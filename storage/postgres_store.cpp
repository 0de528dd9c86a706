#include "storage/postgres_store.hpp"

#include "core/json_text.hpp"
#include "storage/migrations.hpp"
#include "storage/postgres_jobs.hpp"
#include "storage/postgres_nodes.hpp"
#include "storage/postgres_upkeep.hpp"
#include "storage/postgres_write.hpp"

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

/// `n` elements of a batch, counted through its parts in their order, from `from` on.
batch part_of(const batch& b, std::size_t from, std::size_t n) {
  auto part = batch{};
  for (auto i = from; i < from + n; ++i) {
    const auto in_claims = i - b.finishes.size();
    if (i < b.finishes.size())
      part.finishes.push_back(b.finishes[i]);
    else if (in_claims < b.claims.size())
      part.claims.push_back(b.claims[in_claims]);
    else
      part.creates.push_back(b.creates[in_claims - b.claims.size()]);
  }
  return part;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// True if the batch is one statement, which is a transaction by itself. What is read after it belongs to the
/// answer, not to the transaction.
bool is_one_statement(const batch& b) {
  if (b.size() == 0 || !b.claims.empty())
    return b.size() <= 1;
  return b.finishes.empty() || b.creates.empty();
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

class postgres_store final : public store {
public:
  explicit postgres_store(postgres_options o) : options_(std::move(o)) {}

  expected<void> connect() override { return open(options_.deadline); }

  expected<batch_result> flush(const batch& b) override;

  expected<std::vector<std::optional<job>>> find(std::span<const job_id> ids) override {
    return call(access::read, [&] { return read_jobs(*pg_, ids); });
  }
  expected<std::vector<created_job>> submit(const submission&) override {
    return fail(ec::internal, "not yet");
  }
  expected<job_page> list(const page_request&) override { return fail(ec::internal, "not yet"); }
  expected<std::vector<job_change>> cancel(std::span<const job_id>) override {
    return fail(ec::internal, "not yet");
  }
  expected<std::vector<job_change>> rerun(std::span<const job_id>) override {
    return fail(ec::internal, "not yet");
  }
  expected<expiry> expire(int) override { return fail(ec::internal, "not yet"); }
  expected<std::vector<attempt_record>> history(job_id) override { return fail(ec::internal, "not yet"); }
  expected<explanation> explain(job_id) override { return fail(ec::internal, "not yet"); }
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
  /// Runs `f` again as long as it is the victim of a deadlock.
  template <class F>
  auto retried(F f) -> decltype(f());
  /// Closes the store if the error says that its connection is of no more use.
  tl::unexpected<error> failed(const sql_error& e, access how);

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

expected<batch_result> postgres_store::flush(const batch& b) {
  if (!pg_)
    return fail(ec::store_away, "the database is not connected");
  const auto end = std::chrono::steady_clock::now() + options_.deadline;
  pg_->allow(options_.deadline);
  auto written = write(b);
  const auto resolvable =
      b.finishes.empty() && b.claims.empty() && options_.dedupe_window.value_or(seconds{0}) > seconds{0};
  if (written || written.error().code != ec::store_uncertain || !resolvable)
    return written;

  // The keys know: those that were written stand, the others are written now.
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0 || !open(left))
    return written;
  auto again = write(b);
  if (!again && again.error().code == ec::store_away)
    return written;
  return again;
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
  return first;
}

expected<batch_result> postgres_store::write_refused(const batch& b, const sql_error& why) {
  if (!b.creates.empty())
    return batch_result{{}, {}, {tl::unexpected{refusal(b.creates[0], why)}}};
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
  // Until the commit is sent, a connection that breaks takes everything back with it.
  if (auto begun = pg_->exec_text("begin"); !begun)
    return tl::unexpected{before_writing(begun.error())};
  auto written = write_parts(b);
  if (written) {
    if (auto committed = pg_->exec_text("commit"); !committed)
      return tl::unexpected{committed.error()};
    return written;
  }
  if (auto undone = pg_->exec_text("rollback"); !undone)
    return tl::unexpected{before_writing(undone.error())};
  return tl::unexpected{before_writing(written.error())};
}

sql_expected<batch_result> postgres_store::write_parts(const batch& b) {
  auto result = batch_result{};
  auto finishes = write_finishes(*pg_, b.finishes);
  if (!finishes)
    return tl::unexpected{finishes.error()};
  auto claims = write_claims(*pg_, b.claims);
  if (!claims)
    return tl::unexpected{claims.error()};
  auto creates = write_creates(*pg_, b.creates, options_.dedupe_window);
  if (!creates)
    return tl::unexpected{creates.error()};
  result.finishes = std::move(*finishes);
  result.claims = std::move(*claims);
  result.creates.assign(std::make_move_iterator(creates->begin()), std::make_move_iterator(creates->end()));
  return result;
}

} // namespace

std::unique_ptr<store> make_postgres_store(postgres_options o) {
  return std::make_unique<postgres_store>(std::move(o));
}

} // namespace jobd::storage
