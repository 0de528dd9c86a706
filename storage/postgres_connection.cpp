#include "storage/postgres_connection.hpp"

#include "storage/postgres_store.hpp"

#include "core/json_text.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace jobd::storage {
namespace {

using kind = sql_error::kind;

constexpr std::size_t context_bytes = 500;

/// libpq's and the server's messages have several lines; an error is one.
std::string one_line(std::string_view text) {
  auto line = std::string{};
  for (const auto c : text) {
    if (c != '\n' && c != '\t' && c != '\r')
      line.push_back(c);
    else if (!line.empty() && line.back() != ' ')
      line.push_back(' ');
  }
  while (!line.empty() && line.back() == ' ')
    line.pop_back();
  // What is cut may end inside a character.
  return storable_text(std::string_view{line}.substr(0, context_bytes));
}

tl::unexpected<sql_error> sql_fail(kind what, std::string_view context) {
  return tl::unexpected<sql_error>(sql_error{what, one_line(context), {}});
}

std::string_view field(const PGresult* r, int code) {
  const auto* text = PQresultErrorField(r, code);
  return text != nullptr ? text : "";
}

kind kind_of(std::string_view severity, std::string_view state, std::string_view constraint) {
  // The session ended, and it may have done so just after a commit.
  if (severity == "FATAL" || severity == "PANIC")
    return kind::lost;
  if (state == "40001" || state == "40P01")
    return kind::transient;
  // Another node claimed a job of the same object at the same time; now its run is seen.
  if (state == "23505" && constraint == "jobs_one_of_object")
    return kind::transient;
  const auto group = state.substr(0, 2);
  // 22 data exception, 23 constraint, 54 limit exceeded (a text too long, nesting too deep).
  if (group == "22" || group == "23" || group == "54")
    return kind::data;
  // 08 connection, 53 no resources (disk full, too many connections), 57 operator intervention (shutdown,
  // statement timeout), 58 system (I/O), 25006 a standby that only reads, 55P03 lock not available.
  if (group == "08" || group == "53" || group == "57" || group == "58" || state == "25006"
      || state == "55P03")
    return kind::away;
  return kind::other;
}

sql_error error_of(const PGresult* r) {
  const auto state = field(r, PG_DIAG_SQLSTATE);
  auto text = std::string{field(r, PG_DIAG_MESSAGE_PRIMARY)};
  if (text.empty())
    text = PQresultErrorMessage(r);
  if (const auto detail = field(r, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    text.append(": ").append(detail);
  // Without a state the error is libpq's own: the connection broke.
  const auto what = state.empty() ? kind::lost
                                  : kind_of(field(r, PG_DIAG_SEVERITY_NONLOCALIZED), state,
                                            field(r, PG_DIAG_CONSTRAINT_NAME));
  return {what, one_line(text), std::string{state}};
}

/// False if the port is something else, such as a part of the password.
bool has_sane_port(const PQconninfoOption* options) {
  for (const auto* o = options; o->keyword != nullptr; ++o)
    if (std::string_view{o->keyword} == "port" && o->val != nullptr)
      return std::string_view{o->val}.find_first_not_of("0123456789,") == std::string_view::npos;
  return true;
}

void drop_notice(void*, const char*) {}

/// What comes before `dbname` is a default that the URL can overrule.
PGconn* start_connecting(const std::string& url, std::chrono::milliseconds limit) {
  const auto user_timeout = std::to_string(limit.count());
  const auto options = std::array<std::array<const char*, 2>, 9>{{
      {"application_name", "jobd"},
      {"keepalives", "1"},
      {"keepalives_idle", "5"},
      {"keepalives_interval", "2"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", user_timeout.c_str()},
      {"dbname", url.c_str()},
      {"client_encoding", "UTF8"},
      {nullptr, nullptr},
  }};
  auto keys = std::array<const char*, options.size()>{};
  auto values = keys;
  for (auto i = std::size_t{0}; i < options.size(); ++i) {
    keys[i] = options[i][0];
    values[i] = options[i][1];
  }
  return PQconnectStartParams(keys.data(), values.data(), 1);
}

/// The plans must not depend on statistics, which lag behind a queue that fills and empties within seconds: a
/// scan of the table, or a sort of everything that is ready, is never what we want. So one plan does for each
/// statement, and to make it anew for each few rows would cost as much as to write them.
std::string session_settings(std::chrono::milliseconds limit) {
  return "set statement_timeout = " + std::to_string(std::max<std::int64_t>(limit.count() * 9 / 10, 1))
         + "; set idle_in_transaction_session_timeout = " + std::to_string(limit.count())
         + "; set timezone = 'UTC'; set datestyle = 'ISO'; set synchronous_commit = on;"
           "set default_transaction_isolation = 'read committed';"
           "set enable_seqscan = off; set enable_bitmapscan = off; set jit = off;"
           "set plan_cache_mode = force_generic_plan";
}

} // namespace

// libpq quotes what it cannot make sense of, which may be the password or a part of it, so what would confuse
// it is found here.
expected<void> check_database_url(const std::string& url) {
  const auto options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>{
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree};
  if (!options || !has_sane_port(options.get()))
    return fail(ec::invalid, "cannot be read: it must be postgresql://user:password@host:port/database");
  // An `@` or `/` in a password that is not percent-encoded makes the rest of it a host name.
  const auto scheme_end = url.find("://");
  if (!url.starts_with("postgres") || scheme_end == std::string::npos)
    return {};
  const auto rest = std::string_view{url}.substr(scheme_end + 3);
  const auto last_at = rest.substr(0, rest.find('?', rest.find_first_of("@/"))).rfind('@');
  if (last_at != std::string_view::npos && rest.find_first_of("@/") != last_at)
    return fail(ec::invalid, "is ambiguous: write @ as %40 and / as %2F in its user, password and database");
  return {};
}

error to_error(const sql_error& e) {
  switch (e.what) {
  case kind::away: return {ec::store_away, e.context};
  case kind::lost: return {ec::store_uncertain, e.context};
  case kind::data: return {ec::invalid, e.context};
  case kind::transient: return {ec::store_away, e.context};
  case kind::other: break;
  }
  return {ec::internal, e.state.empty() ? e.context : e.state + " " + e.context};
}

std::optional<timestamp> rows::time(int row, int col) const {
  if (null(row, col))
    return std::nullopt;
  const auto t = parse_rfc3339(std::string{text(row, col)} + "Z");
  return t ? std::optional{*t} : std::nullopt;
}

std::optional<std::string> rows::optional_text(int row, int col) const {
  if (null(row, col))
    return std::nullopt;
  return std::string{text(row, col)};
}

sql_expected<postgres_connection> postgres_connection::open(const std::string& url,
                                                            std::chrono::milliseconds deadline,
                                                            std::chrono::milliseconds limit) {
  if (const auto usable = check_database_url(url); !usable)
    return sql_fail(kind::other, "the database URL " + usable.error().context);
  auto made = postgres_connection{start_connecting(url, limit), clock::now() + deadline};
  if (!made.pg_)
    return sql_fail(kind::away, "out of memory");
  if (auto done = made.finish_connecting(); !done)
    return tl::unexpected{done.error()};
  PQsetNoticeProcessor(made.pg_.get(), drop_notice, nullptr);
  if (PQsetnonblocking(made.pg_.get(), 1) != 0)
    return tl::unexpected{made.broken(kind::away)};
  if (auto set = made.exec_text(session_settings(limit)); !set)
    return tl::unexpected{before_writing(set.error())};
  return made;
}

sql_expected<void> postgres_connection::finish_connecting() {
  auto* pg = pg_.get();
  if (PQstatus(pg) == CONNECTION_BAD)
    return tl::unexpected{broken(kind::away)};
  auto next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED)
      return tl::unexpected{broken(kind::away)};
    if (!wait_for(next == PGRES_POLLING_READING ? POLLIN : POLLOUT))
      return sql_fail(kind::away, "the database did not let us in within the deadline");
    next = PQconnectPoll(pg);
  }
  return {};
}

sql_expected<rows> postgres_connection::exec(const statement& s, const parameters& p) {
  if (auto alive = check_alive(); !alive)
    return tl::unexpected{alive.error()};
  if (auto ready = prepare(s); !ready)
    return tl::unexpected{ready.error()};
  auto values = std::vector<const char*>{};
  auto lengths = std::vector<int>{};
  auto formats = std::vector<int>{};
  for (const auto& v : p.values()) {
    values.push_back(v.bytes ? v.bytes->c_str() : nullptr);
    lengths.push_back(v.bytes ? static_cast<int>(v.bytes->size()) : 0);
    formats.push_back(v.binary ? 1 : 0);
  }
  if (PQsendQueryPrepared(pg_.get(), s.name, static_cast<int>(values.size()), values.data(), lengths.data(),
                          formats.data(), 0)
      == 0)
    return tl::unexpected{broken(kind::lost)};
  return collect();
}

sql_expected<rows> postgres_connection::exec_text(const std::string& sql) {
  if (auto alive = check_alive(); !alive)
    return tl::unexpected{alive.error()};
  if (PQsendQuery(pg_.get(), sql.c_str()) == 0)
    return tl::unexpected{broken(kind::lost)};
  return collect();
}

sql_expected<void> postgres_connection::check_alive() {
  auto* pg = pg_.get();
  auto wait = pollfd{PQsocket(pg), POLLIN, 0};
  while (PQstatus(pg) == CONNECTION_OK && poll(&wait, 1, 0) == 1)
    if (PQconsumeInput(pg) == 0)
      break;
  if (PQstatus(pg) != CONNECTION_OK)
    return tl::unexpected{broken(kind::away)};
  return {};
}

sql_expected<void> postgres_connection::prepare(const statement& s) {
  if (prepared_.contains(s.name))
    return {};
  auto done = sql_expected<rows>{};
  if (PQsendPrepare(pg_.get(), s.name, s.sql, 0, nullptr) == 0)
    done = tl::unexpected{broken(kind::away)};
  else
    done = collect();
  if (!done)
    return tl::unexpected{before_writing(done.error())};
  prepared_.insert(s.name);
  return {};
}

sql_expected<rows> postgres_connection::collect() {
  if (auto sent = send_all(); !sent)
    return tl::unexpected{sent.error()};
  // All results are read: without an explicit transaction the commit comes after the rows, and so does its
  // error.
  auto last = rows{};
  auto problem = std::optional<sql_error>{};
  for (;;) {
    if (auto there = await_result(); !there)
      return tl::unexpected{problem && problem->what == kind::lost ? *problem : there.error()};
    auto* result = PQgetResult(pg_.get());
    if (result == nullptr)
      break;
    auto owned = rows{result};
    const auto status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
      last = std::move(owned);
    else if (!problem)
      problem = error_of(result);
  }
  if (!problem && PQstatus(pg_.get()) != CONNECTION_OK)
    problem = broken(kind::lost);
  if (problem)
    return tl::unexpected{*problem};
  return last;
}

sql_expected<void> postgres_connection::send_all() {
  auto* pg = pg_.get();
  for (;;) {
    const auto left = PQflush(pg);
    if (left == 0)
      return {};
    if (left < 0)
      return tl::unexpected{broken(kind::lost)};
    // The server may have to be read from before it reads on.
    if (!wait_for(POLLIN | POLLOUT))
      return sql_fail(kind::lost, "the database took nothing within the deadline");
    if (PQconsumeInput(pg) == 0)
      return tl::unexpected{broken(kind::lost)};
  }
}

sql_expected<void> postgres_connection::await_result() {
  auto* pg = pg_.get();
  while (PQisBusy(pg) != 0) {
    if (!wait_for(POLLIN))
      return sql_fail(kind::lost, "the database gave no answer within the deadline");
    if (PQconsumeInput(pg) == 0)
      return tl::unexpected{broken(kind::lost)};
  }
  return {};
}

bool postgres_connection::wait_for(short events) const {
  for (;;) {
    auto wait = pollfd{PQsocket(pg_.get()), events, 0};
    // Rounded up, so that the last millisecond is not spent spinning.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - clock::now()).count();
    if (left <= 0)
      return false;
    const auto ready = poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30)));
    if (ready > 0)
      return true;
    if (ready < 0 && errno != EINTR)
      return false;
  }
}

sql_error postgres_connection::broken(kind what) const {
  const auto text = one_line(PQerrorMessage(pg_.get()));
  return {what, text.empty() ? "the connection to the database broke" : text, {}};
}

} // namespace jobd::storage
