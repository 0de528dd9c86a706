#include "storage/sqlite_connection.hpp"

#include "core/json_text.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace jobd::storage {
namespace {

/// A commit is on disk when it returns (full), and readers never wait for a writer (wal). The log is cut back
/// after a burst.
constexpr auto settings = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = off;"
                          "pragma journal_size_limit = 16777216";

/// A large batch must fit twice, into the log and into the file. With less it would depend on the batch
/// whether the file can be written, and a file that can be opened but not written would be opened again and
/// again.
constexpr std::uintmax_t least_space = 32 << 20;

/// A system that cannot tell has room.
bool has_room(const std::string& path) {
  auto failed = std::error_code{};
  const auto disk = std::filesystem::space(std::filesystem::absolute(path, failed).parent_path(), failed);
  return failed || disk.available >= least_space;
}

bool is_full(int code, int os_error) {
  return code == SQLITE_FULL || os_error == ENOSPC || os_error == EDQUOT;
}

error to_error(const std::string& path, int code, const char* message, int os_error) {
  const auto why =
      std::string{" ("} + message + (os_error != 0 ? std::string{", "} + std::strerror(os_error) : "") + ")";
  if (is_full(code, os_error))
    return {ec::store_away, "the disk is full: " + path + " cannot be written" + why};
  switch (code) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return {ec::store_away, path + " is damaged, or is no file of jobd" + why};
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH: return {ec::store_away, path + " cannot be opened for writing" + why};
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return {ec::store_away, path + " stayed locked" + why};
  case SQLITE_IOERR:
  case SQLITE_NOMEM:
  case SQLITE_PROTOCOL: return {ec::store_away, path + " cannot be read or written" + why};
  default: return {ec::internal, path + why};
  }
}

template <class T, class Write>
std::string list_of(std::span<const T> values, Write write) {
  auto text = std::string{"["};
  for (const auto& v : values) {
    if (text.size() > 1)
      text += ',';
    text += write(v);
  }
  return text + ']';
}

} // namespace

expected<sqlite_connection> sqlite_connection::open(const std::string& path,
                                                    std::chrono::milliseconds lock_wait) {
  if (!has_room(path))
    return fail(ec::store_away, "the disk is full: " + path + " needs 32 MiB of free space");
  sqlite3* db = nullptr;
  const auto opened = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  auto c = sqlite_connection{path, db};
  if (!db)
    return fail(ec::store_away, path + " cannot be opened: no memory");
  if (opened != SQLITE_OK)
    return c.failed();
  sqlite3_busy_timeout(db, static_cast<int>(lock_wait.count()));
  if (auto set = c.run_script(settings); !set)
    return tl::unexpected{set.error()};
  return c;
}

expected<void> sqlite_connection::run_script(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed();
  return {};
}

expected<sqlite3_stmt*> sqlite_connection::prepare(const char* sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
      return failed();
    kept.reset(made);
  }
  return kept.get();
}

/// A commit that finds no room, or no lock, is not in the log. One that could not be flushed may come out of
/// the log after a crash.
expected<void> sqlite_connection::commit() {
  auto done = run("commit");
  if (done)
    return done;
  const auto unsure =
      sqlite3_errcode(db_.get()) == SQLITE_IOERR && !is_full(SQLITE_OK, sqlite3_system_errno(db_.get()));
  return fail(unsure ? ec::store_uncertain : done.error().code, done.error().context);
}

tl::unexpected<error> sqlite_connection::failed() const {
  auto* db = db_.get();
  const auto code = sqlite3_errcode(db);
  const auto says_why = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  return tl::unexpected{to_error(path_, code, sqlite3_errmsg(db), says_why ? sqlite3_system_errno(db) : 0)};
}

std::string json_list(std::span<const std::int64_t> numbers) {
  return list_of(numbers, [](std::int64_t v) { return std::to_string(v); });
}

std::string json_list(std::span<const std::string> texts) {
  return list_of(texts, [](const std::string& v) { return json_string(v); });
}

} // namespace jobd::storage
