#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/postgres_parameters.hpp"

#include <libpq-fe.h>
#include <tl/expected.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace jobd::storage {

/// Why a statement failed: what the caller may do about it.
struct sql_error {
  enum class kind : std::uint8_t {
    /// The server cannot be reached or cannot serve; the statement did nothing.
    away,
    /// The connection broke, or the deadline passed, after the statement was sent: it may have been carried
    /// out.
    lost,
    /// A value that the database cannot hold. The transaction is rolled back.
    data,
    /// A deadlock, or a lost race for an object's one place: the transaction is rolled back, and running it
    /// again helps.
    transient,
    /// Anything else: a mistake of ours or a schema that is not ours.
    other,
  };
  kind what = kind::other;
  /// One line, without secrets.
  std::string context;
  /// SQLSTATE, if the server answered.
  std::string state;
};

/// As the callers of a store see it.
[[nodiscard]] error to_error(const sql_error& e);

/// What a failure means if a statement before it may have been committed already.
[[nodiscard]] inline sql_error after_writing(sql_error e) {
  if (e.what == sql_error::kind::away)
    e.what = sql_error::kind::lost;
  return e;
}

/// What a failure means if nothing can have been committed.
[[nodiscard]] inline sql_error before_writing(sql_error e) {
  if (e.what == sql_error::kind::lost)
    e.what = sql_error::kind::away;
  return e;
}

template <class T>
using sql_expected = tl::expected<T, sql_error>;

/// A statement, prepared under its name when it is first used on a connection.
struct statement {
  const char* name;
  const char* sql;
};

/// What a statement returned.
class rows {
public:
  explicit rows(PGresult* r = nullptr) : result_(r) {}

  [[nodiscard]] int size() const { return PQntuples(result_.get()); }
  [[nodiscard]] bool null(int row, int col) const { return PQgetisnull(result_.get(), row, col) != 0; }
  [[nodiscard]] std::string_view text(int row, int col) const {
    return {PQgetvalue(result_.get(), row, col),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, col))};
  }
  /// Zero for null.
  template <class Number>
  [[nodiscard]] Number number(int row, int col) const {
    auto n = Number{};
    const auto digits = text(row, col);
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
  }
  [[nodiscard]] bool boolean(int row, int col) const { return text(row, col) == "t"; }
  [[nodiscard]] std::optional<timestamp> time(int row, int col) const;
  [[nodiscard]] std::optional<std::string> optional_text(int row, int col) const;

private:
  struct deleter {
    void operator()(PGresult* r) const { PQclear(r); }
  };
  std::unique_ptr<PGresult, deleter> result_;
};

/// One session: never blocks longer than it is allowed to, also on a half-open connection. Only the look-up
/// of a host's name is beyond it, since libpq leaves that to the C library: give an address where that may
/// hang.
class postgres_connection {
public:
  /// Opens the session within the deadline. The server ends each statement just before `limit` is over, so
  /// that none goes on for which nobody waits any more.
  static sql_expected<postgres_connection> open(const std::string& url, std::chrono::milliseconds deadline,
                                                std::chrono::milliseconds limit);

  /// Starts the time within which all statements must be done that follow.
  void allow(std::chrono::milliseconds deadline) { end_ = clock::now() + deadline; }

  [[nodiscard]] sql_expected<rows> exec(const statement& s, const parameters& p = {});
  /// Statements without parameters, separated by semicolons; the rows of the last one.
  [[nodiscard]] sql_expected<rows> exec_text(const std::string& sql);

private:
  using clock = std::chrono::steady_clock;
  struct closer {
    void operator()(PGconn* c) const { PQfinish(c); }
  };

  postgres_connection(PGconn* c, clock::time_point end) : pg_(c), end_(end) {}

  [[nodiscard]] sql_expected<void> finish_connecting();
  /// An error if the server has closed the connection while nobody was looking: nothing was sent yet.
  [[nodiscard]] sql_expected<void> check_alive();
  [[nodiscard]] sql_expected<void> prepare(const statement& s);
  [[nodiscard]] sql_expected<rows> collect();
  [[nodiscard]] sql_expected<void> send_all();
  [[nodiscard]] sql_expected<void> await_result();
  /// False if the deadline passed.
  [[nodiscard]] bool wait_for(short events) const;
  [[nodiscard]] sql_error broken(sql_error::kind what) const;

  std::unique_ptr<PGconn, closer> pg_;
  clock::time_point end_;
  std::set<std::string_view> prepared_;
};

} // namespace jobd::storage
