#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace jobd::storage {

/// One row of an answer, good until the next one is read.
class sqlite_row {
public:
  explicit sqlite_row(sqlite3_stmt* s) : statement_(s) {}

  [[nodiscard]] bool null(int col) const { return sqlite3_column_type(statement_, col) == SQLITE_NULL; }
  /// Zero for null.
  template <std::integral Integer>
  [[nodiscard]] Integer number(int col) const {
    return static_cast<Integer>(sqlite3_column_int64(statement_, col));
  }
  template <std::integral Integer>
  [[nodiscard]] std::optional<Integer> optional_number(int col) const {
    return null(col) ? std::nullopt : std::optional{number<Integer>(col)};
  }
  [[nodiscard]] double real(int col) const { return sqlite3_column_double(statement_, col); }
  /// Empty for null.
  [[nodiscard]] std::string text(int col) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_, col));
    return start ? std::string{start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, col))}
                 : std::string{};
  }
  [[nodiscard]] std::optional<std::string> optional_text(int col) const {
    return null(col) ? std::nullopt : std::optional{text(col)};
  }
  [[nodiscard]] std::optional<timestamp> time(int col) const {
    return null(col) ? std::nullopt
                     : std::optional{timestamp{std::chrono::microseconds{number<std::int64_t>(col)}}};
  }

private:
  sqlite3_stmt* statement_;
};

/// One connection to one file. What it waits for is the write lock of another connection of this process.
///
/// Errors: `ec::store_away` if the file cannot be read or written (the context says why: a full disk, a
/// damaged file); `ec::internal` for a mistake of ours. Whatever fails under `write` is taken back.
class sqlite_connection {
public:
  /// Opens or creates the file, durable from here on. `lock_wait` is how long the write lock is waited for.
  [[nodiscard]] static expected<sqlite_connection> open(const std::string& path,
                                                        std::chrono::milliseconds lock_wait);

  /// Runs one statement, a constant, which is prepared when it is first used; `on_row` gets each row, and
  /// ends the statement if it returns false. The values are its parameters in their order.
  template <class OnRow, class... Values>
  [[nodiscard]] expected<void> each(const char* sql, OnRow on_row, const Values&... values) {
    auto prepared = prepare(sql);
    if (!prepared)
      return tl::unexpected{prepared.error()};
    const auto reset = resetting{*prepared};
    auto place = 0;
    (bind(*prepared, ++place, values), ...);
    auto state = sqlite3_step(*prepared);
    for (; state == SQLITE_ROW; state = sqlite3_step(*prepared))
      if (!wants_more(on_row, sqlite_row{*prepared}))
        return {};
    if (state != SQLITE_DONE)
      return failed();
    return {};
  }

  template <class... Values>
  [[nodiscard]] expected<void> run(const char* sql, const Values&... values) {
    return each(
        sql, [](const sqlite_row&) {}, values...);
  }

  /// Runs any number of statements without parameters.
  [[nodiscard]] expected<void> run_script(const std::string& sql);

  /// Rows that the last statement wrote.
  [[nodiscard]] int changed() const { return sqlite3_changes(db_.get()); }

  /// Runs `f`, which returns an `expected`, as one transaction. It has the write lock from its start, so what
  /// it reads stands until it commits.
  template <class F>
  [[nodiscard]] auto write(F f) -> decltype(f()) {
    if (auto begun = run("begin immediate"); !begun)
      return tl::unexpected{begun.error()};
    auto written = f();
    if (written)
      if (auto committed = commit(); !committed)
        written = tl::unexpected{committed.error()};
    if (!written && !sqlite3_get_autocommit(db_.get()))
      (void)run("rollback");
    return written;
  }

private:
  struct close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  /// Lets go of what the statement holds, also of the values that it borrows.
  struct resetting {
    sqlite3_stmt* statement;
    ~resetting() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  };

  sqlite_connection(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  template <class OnRow>
  static bool wants_more(OnRow& on_row, const sqlite_row& r) {
    if constexpr (std::is_same_v<decltype(on_row(r)), bool>) {
      return on_row(r);
    } else {
      on_row(r);
      return true;
    }
  }

  [[nodiscard]] expected<sqlite3_stmt*> prepare(const char* sql);
  [[nodiscard]] expected<void> commit();
  [[nodiscard]] tl::unexpected<error> failed() const;

  static void bind(sqlite3_stmt* s, int place, std::integral auto v) { sqlite3_bind_int64(s, place, v); }
  static void bind(sqlite3_stmt* s, int place, double v) { sqlite3_bind_double(s, place, v); }
  static void bind(sqlite3_stmt* s, int place, timestamp v) { bind(s, place, v.time_since_epoch().count()); }
  static void bind(sqlite3_stmt* s, int place, std::string_view v) {
    sqlite3_bind_text64(s, place, v.empty() ? "" : v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  template <class T>
  static void bind(sqlite3_stmt* s, int place, const std::optional<T>& v) {
    if (v)
      bind(s, place, *v);
  }

  std::string path_;
  std::unique_ptr<sqlite3, close> db_;
  /// By the address of the constant. They go before the connection does.
  std::map<const char*, std::unique_ptr<sqlite3_stmt, finalize>> statements_;
};

/// What `column in (select value from json_each(?))` takes.
[[nodiscard]] std::string json_list(std::span<const std::int64_t> numbers);
[[nodiscard]] std::string json_list(std::span<const std::string> texts);

/// The one clock of a store on a file is that of its one process.
[[nodiscard]] inline timestamp time_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// The point in time that is so far away.
[[nodiscard]] inline timestamp after(timestamp from, std::chrono::duration<double> so_long) {
  return from + std::chrono::round<std::chrono::microseconds>(so_long);
}

} // namespace jobd::storage
