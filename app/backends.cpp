#include "app/backends.hpp"

#include "queue/memory_queue.hpp"
#include "queue/redis_queue.hpp"
#include "storage/postgres_store.hpp"
#include "storage/sqlite_store.hpp"

namespace jobd::app {
namespace {

std::optional<seconds> dedupe_window(const config& settings) {
  return settings.job_dedupe_window > seconds{0} ? std::optional{settings.job_dedupe_window} : std::nullopt;
}

} // namespace

backends on_servers(const config& settings) {
  auto options = storage::postgres_options{};
  options.url = settings.database_url;
  options.dedupe_window = dedupe_window(settings);
  return {[options] { return storage::make_postgres_store(options); },
          [url = settings.redis_url] { return queue::make_redis_queue({url}); },
          settings.database_connections};
}

backends embedded(const config& settings, const std::string& file) {
  auto options = storage::sqlite_options{};
  options.path = file;
  options.dedupe_window = dedupe_window(settings);
  // One connection: a file has one writer at a time, and what waits for it makes the next batch.
  return {[options] { return storage::make_sqlite_store(options); },
          [hints = queue::make_memory_hints()] { return queue::make_memory_queue(hints); }, 1};
}

} // namespace jobd::app
