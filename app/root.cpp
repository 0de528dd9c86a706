#include "app/root.hpp"

#include "app/node_process.hpp"
#include "app/options.hpp"
#include "core/log.hpp"
#include "storage/data_folder.hpp"
#include "storage/sqlite_store.hpp"

#include <cstdlib>
#include <filesystem>

namespace jobd::app {
namespace {

using namespace std::chrono_literals;

/// Waits for a store that is not there yet. False if the process is to end instead.
bool wait_for_store(const backends& outside, termination& end) {
  const auto store = outside.make_store();
  auto backoff = 100ms;
  for (;;) {
    const auto connected = store->connect();
    if (connected)
      return true;
    if (connected.error().code == ec::schema_old) {
      log::error("The schema is too old.", {{"error", connected.error().context}});
      end.request(exit_code::failed);
    } else {
      log::warn("The process waits for the database.", {{"error", to_string(connected.error())}});
    }
    if (end.wait_for(backoff))
      return false;
    backoff = std::min(backoff * 2, 2'000ms);
  }
}

/// Where standalone keeps its jobs: what is set, else a folder under the user's data home.
expected<std::filesystem::path> choose_data_folder(const config& settings) {
  if (!settings.data_folder.empty())
    return settings.data_folder;
  if (const auto* home = std::getenv("XDG_DATA_HOME"); home && *home == '/')
    return std::filesystem::path{home} / "jobd";
  if (const auto* home = std::getenv("HOME"); home && *home == '/')
    return std::filesystem::path{home} / ".local/share/jobd";
  return fail(ec::invalid, "JOBD_DATA must name a folder, since there is no HOME");
}

/// The folder, for as long as the process lives, with a store in it that is ready for a new process.
expected<storage::data_folder> take_data_folder(const config& settings) {
  auto folder = choose_data_folder(settings).and_then(storage::data_folder::take);
  if (folder)
    if (auto ready = storage::take_over_sqlite({folder->file(), std::nullopt}); !ready)
      return tl::unexpected{ready.error()};
  return folder;
}

} // namespace

int run_api(const config& settings, termination& end) {
  const auto servers = on_servers(settings);
  if (!wait_for_store(servers, end))
    return end.exit_code();
  node_process process{settings, servers, end};
  if (process.serve())
    process.stay();
  return end.exit_code();
}

int run_worker(const config& settings, const handlers_ptr& handlers, termination& end) {
  const auto servers = on_servers(settings);
  if (!wait_for_store(servers, end))
    return end.exit_code();
  node_process process{settings, servers, end};
  if (process.serve_metrics()) {
    process.work(handlers);
    process.stay();
  }
  return end.exit_code();
}

int run_standalone(const config& settings, const handlers_ptr& handlers, termination& end) {
  const auto folder = take_data_folder(settings);
  if (!folder) {
    log::error("The data folder cannot be used.", {{"error", folder.error().context}});
    return exit_code::failed;
  }
  log::info("Jobs are kept in a file.", {{"file", folder->file()}});
  node_process process{settings, embedded(settings, folder->file()), end};
  if (process.serve()) {
    process.work(handlers);
    process.stay();
  }
  return end.exit_code();
}

} // namespace jobd::app
