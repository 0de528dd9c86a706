#include "storage/sqlite_store.hpp"

#include "storage/migrate.hpp"
#include "storage/migrations.hpp"
#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>
#include <sys/types.h>

#include <cerrno>
#include <fstream>

/// What only the store on a file has: a disk that is full or damaged, locks between processes.

namespace jobd::test {
namespace {

using clock_type = std::chrono::steady_clock;

/// Whatever else runs on the machine: so much may a deadline be missed by.
constexpr auto slack = 1'500ms;

/// While it lives, SQLite's writes of this process find no room on the disk.
struct full_disk {
  full_disk() {
    for (const auto* call : {"write", "pwrite", "pwrite64"})
      replace(call, reinterpret_cast<sqlite3_syscall_ptr>(+[] {
                errno = ENOSPC;
                return ssize_t{-1};
              }));
  }
  ~full_disk() {
    for (const auto* call : {"write", "pwrite", "pwrite64"})
      replace(call, nullptr);
  }
  /// Null: the call as it was.
  static void replace(const char* call, sqlite3_syscall_ptr by) {
    auto* vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, call, by);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(sqlite)

BOOST_AUTO_TEST_CASE(file_is_made_and_its_store_is_closed_until_it_is_connected) {
  const auto folder = temp_folder{"sqlite"};
  const auto s = storage::make_sqlite_store({(folder.path() / "new.db").string(), 300s});
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_away);
  must(s->connect());
  BOOST_TEST(create(*s, spec_of(1)).id == 1);
}

BOOST_AUTO_TEST_CASE(file_is_durable_and_knows_its_schema) {
  const auto b = sqlite_backend{};
  BOOST_TEST(b.sql("pragma journal_mode") == "wal|");
  BOOST_TEST(b.sql("pragma user_version")
             == std::to_string(storage::sqlite_migrations().back().version) + "|");
  b.sql("pragma user_version = 9999");
  must(b.closed()->connect());
  BOOST_TEST(b.sql("pragma user_version") == "9999|");
}

BOOST_AUTO_TEST_CASE(jobs_of_a_file_outlive_its_stores) {
  const auto b = sqlite_backend{};
  const auto id = create(*b.open(), spec_of(1)).id;
  const auto again = b.open();
  BOOST_TEST(read(*again, id).object_id == 1);
  BOOST_TEST(create(*again, spec_of(1)).id == id);
}

BOOST_AUTO_TEST_CASE(json_of_many_lines_is_stored_on_one) {
  const auto b = sqlite_backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(1);
  spec.payload = "{\n\t\"a\":\r\n1}";
  const auto id = create(*s, spec).id;
  const auto jobs = claim(*s, hinted(node, {id}));
  BOOST_TEST(jobs.at(0).payload == "{ \t\"a\":  1}");
  finish(*s, ended(node, {id, 1}, event::succeed, "[\n]"));
  BOOST_TEST(read(*s, id).result.value() == "[ ]");
}

BOOST_AUTO_TEST_CASE(call_that_waits_for_a_lock_ends_at_its_deadline) {
  const auto b = sqlite_backend{};
  const auto s = b.open({}, 300ms);
  const auto other = sqlite_session{b.path};
  other.query("begin immediate");
  // Readers do not wait.
  BOOST_TEST(must(s->find(id_list{1})).size() == 1u);
  const auto start = clock_type::now();
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_away);
  BOOST_TEST((clock_type::now() - start >= 290ms && clock_type::now() - start < 300ms + slack));
  BOOST_CHECK(code(s->find({})) == ec::store_away);
  other.query("commit");
  must(s->connect());
  create(*s, spec_of(1));
  BOOST_TEST(b.count("jobs") == 1);
}

BOOST_AUTO_TEST_CASE(process_that_takes_over_makes_orphans_of_what_ran) {
  const auto b = sqlite_backend{};
  const auto s = b.open();
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead);
  const auto waiting = create(*s, spec_of(2)).id;
  must(storage::take_over_sqlite({b.path, {}, 5s}));
  const auto node = new_node(*s);
  BOOST_TEST(node > dead);
  BOOST_TEST((must(s->beat(node)).orphaning == std::vector{dead}));
  BOOST_TEST(ids_of(must(s->rescue({dead, {}}))) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_CHECK(read(*s, waiting).status == job_status::created);
}

BOOST_AUTO_TEST_CASE(full_disk_is_away_loses_nothing_and_is_survived) {
  const auto b = sqlite_backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  {
    const auto full = full_disk{};
    const auto refused = s->flush({{ended(node, run, event::succeed)}, {}, {spec_of(2)}});
    BOOST_CHECK(code(refused) == ec::store_away);
    BOOST_TEST(refused.error().context.starts_with("the disk is full: " + b.path), refused.error().context);
  }
  must(s->connect());
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
  BOOST_TEST(b.count("jobs") == 1);
  BOOST_CHECK(finish(*s, ended(node, run, event::succeed)) == finish_answer::accepted);
  create(*s, spec_of(2));
  BOOST_TEST(b.sql("pragma integrity_check") == "ok|");
}

BOOST_AUTO_TEST_CASE(damaged_file_is_told_by_its_name) {
  const auto folder = temp_folder{"sqlite"};
  const auto path = (folder.path() / "jobs.db").string();
  std::ofstream{path} << std::string(10'000, 'x');
  const auto s = storage::make_sqlite_store({path, {}});
  const auto refused = s->connect();
  BOOST_CHECK(code(refused) == ec::store_away);
  BOOST_TEST(refused.error().context.starts_with(path + " is damaged, or is no file of jobd"),
             refused.error().context);
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_made_is_told_by_its_name) {
  const auto refused = storage::make_sqlite_store({"/proc/none/jobs.db", {}})->connect();
  BOOST_CHECK(code(refused) == ec::store_away);
  BOOST_TEST(refused.error().context.starts_with("/proc/none/jobs.db cannot be opened for writing"),
             refused.error().context);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
