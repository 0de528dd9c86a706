#include "app/root.hpp"

#include "actors/fetcher.hpp"
#include "actors/hinter.hpp"
#include "actors/job_manager.hpp"
#include "actors/node.hpp"
#include "actors/promoter.hpp"
#include "actors/pruner.hpp"
#include "actors/queue.hpp"
#include "actors/rescuer.hpp"
#include "actors/storage.hpp"
#include "actors/system.hpp"
#include "actors/worker_pool.hpp"
#include "app/options.hpp"
#include "core/log.hpp"
#include "http/server.hpp"
#include "queue/redis_queue.hpp"
#include "storage/postgres_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <array>

/// The one place that knows every part. Both processes stand on the same upkeep (`node_parts`); one adds HTTP, the
/// other a worker pool.
namespace jobd::app {
namespace {

using namespace std::chrono_literals;
using namespace actors;

/// An outcome is written, and the node leaves, within so long after the grace.
constexpr auto last_writes = 3'000ms;
constexpr auto leave_within = 1'000ms;

std::chrono::milliseconds millis(seconds s) {
  return std::chrono::ceil<std::chrono::milliseconds>(s);
}

storage::node_info introduce(int slots) {
  auto host = std::array<char, 256>{};
  gethostname(host.data(), host.size() - 1);
  return {host.data(), getpid(), JOBD_VERSION, slots};
}

store_factory stores(const config& settings) {
  auto options = storage::postgres_options{};
  options.url = settings.database_url;
  if (settings.job_dedupe_window > seconds{0})
    options.dedupe_window = settings.job_dedupe_window;
  return [options] { return storage::make_postgres_store(options); };
}

queue_factory queues(const config& settings) {
  return [url = settings.redis_url] { return queue::make_redis_queue({url}); };
}

/// Waits for a store that is not there yet. False if the process is to end instead.
bool wait_for_store(const store_factory& make, termination& end) {
  const auto store = make();
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

/// Ends the process when a part that it cannot do without dies: whoever supervises the process starts it again, and
/// meanwhile others rescue its jobs.
caf::behavior guard(caf::event_based_actor* self, std::vector<caf::actor> parts, termination* end) {
  for (const auto& part : parts)
    self->monitor(part);
  self->set_down_handler([end](const caf::down_msg& m) {
    if (!m.reason || m.reason == caf::exit_reason::user_shutdown)
      return;
    log::error("A part of the process crashed; the process ends.", {{"reason", caf::to_string(m.reason)}});
    end->request(exit_code::crashed);
  });
  return {[](caf::unit_t) {}};
}

/// What runs in every node.
struct node_parts {
  storage_actor storage;
  queue_actor queue;
  promoter_actor promoter;
  rescuer_actor rescuer;
  pruner_actor pruner;
};

node_parts spawn_node_parts(caf::actor_system& system, const config& settings) {
  auto p = node_parts{};
  auto options = storage_options{};
  options.connections = settings.database_connections;
  options.creates_may_repeat = settings.job_dedupe_window > seconds{0};
  options.spawn_connection = [c = connection_options{stores(settings), settings.job_retention}](caf::actor_system& s) {
    return s.spawn<caf::detached>(connection, c);
  };
  p.storage = system.spawn(actors::storage, options);
  p.queue = system.spawn<caf::detached>(actors::queue, queues(settings));
  p.promoter = system.spawn(promoter, p.storage, p.queue);
  p.rescuer = system.spawn(rescuer, p.storage, p.queue);
  p.pruner = system.spawn(pruner, p.storage);
  return p;
}

template <class Actor>
caf::actor untyped(const Actor& a) {
  return caf::actor_cast<caf::actor>(a);
}

/// Each client is a file descriptor, and the usual soft limit of 1024 is for programs that use select.
void allow_many_clients() {
  auto limit = rlimit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Orders the end of `parts`, first to last. `~actor_system` then waits until they are gone.
void end_all(caf::scoped_actor& self, const std::vector<caf::actor>& parts) {
  for (const auto& part : parts)
    self->send_exit(part, caf::exit_reason::user_shutdown);
}

void leave(caf::scoped_actor& self, const node_actor& node) {
  self->request(node, leave_within, atom::leave_v).receive([] {}, [](const caf::error&) {});
}

} // namespace

int run_api(const config& settings, termination& end) {
  allow_many_clients();
  if (!wait_for_store(stores(settings), end))
    return end.exit_code();
  system_config messages;
  http::add_message_types(messages);
  caf::actor_system system{messages};
  caf::scoped_actor self{system};
  const auto p = spawn_node_parts(system, settings);
  const auto manager = system.spawn(job_manager, p.storage, p.queue, p.promoter);
  auto parts = std::vector{untyped(manager), untyped(p.promoter), untyped(p.rescuer),
                           untyped(p.pruner), untyped(p.storage), untyped(p.queue)};
  auto options = http::server_options{};
  options.host = settings.http_host;
  options.port = settings.http_port;
  options.threads = settings.http_threads;
  options.bridge.max_pending = settings.http_pending;
  const auto server = http::http_server::start(system, manager, options);
  if (!server) {
    log::error("The API cannot listen.", {{"error", server.error().context}});
    end_all(self, parts);
    return exit_code::failed;
  }
  log::info("The API listens.", {{"host", settings.http_host}, {"port", (*server)->port()}});
  const auto beats =
    system.spawn<caf::detached>(node, node_options{stores(settings), introduce(0), std::nullopt, p.rescuer});
  parts.insert(parts.begin(), untyped(beats));
  const auto guarding = system.spawn(guard, parts, &end);

  end.wait();
  log::info("The API answers what is pending and ends.");
  (*server)->stop(millis(settings.job_shutdown_grace));
  leave(self, beats);
  self->send_exit(guarding, caf::exit_reason::user_shutdown);
  end_all(self, parts);
  return end.exit_code();
}

int run_worker(const config& settings, termination& end) {
  const auto handlers = std::make_shared<execution::registry>();
  if (!settings.job_handlers.empty())
    if (const auto loaded = handlers->load(settings.job_handlers); !loaded) {
      log::error("The handler file cannot be used.", {{"error", loaded.error().context}});
      return exit_code::usage;
    }
  if (settings.job_prefetch < settings.job_concurrency)
    log::warn("JOB_PREFETCH is under JOB_CONCURRENCY, so some slots will never be used.",
              {{"prefetch", settings.job_prefetch}, {"concurrency", settings.job_concurrency}});
  if (!wait_for_store(stores(settings), end))
    return end.exit_code();
  const auto executor = std::shared_ptr{execution::make_executor(*handlers)};
  system_config messages;
  caf::actor_system system{messages};
  caf::scoped_actor self{system};
  const auto p = spawn_node_parts(system, settings);
  const auto fetches = system.spawn<caf::detached>(fetcher, queues(settings), settings.job_queues);
  auto what_to_hint = hinter_options{};
  what_to_hint.queues = settings.job_queues;
  what_to_hint.types = handlers->types();
  const auto hints = system.spawn(hinter, what_to_hint, p.storage, p.queue);
  auto options = worker_pool_options{};
  options.prefetch = settings.job_prefetch;
  options.concurrency = settings.job_concurrency;
  options.queues = settings.job_queues;
  options.timeout = settings.job_timeout;
  options.kill_grace = millis(settings.job_kill_grace);
  options.shutdown_grace = millis(settings.job_shutdown_grace);
  const auto pool = system.spawn(
    worker_pool, options, worker_pool_parts{handlers, executor, p.storage, p.queue, fetches, hints, p.promoter});
  const auto beats = system.spawn<caf::detached>(
    node, node_options{stores(settings), introduce(settings.job_concurrency), pool, p.rescuer});
  const auto parts =
    std::vector{untyped(pool),       untyped(beats),    untyped(fetches),   untyped(hints),  untyped(p.promoter),
                untyped(p.rescuer), untyped(p.pruner), untyped(p.storage), untyped(p.queue)};
  const auto guarding = system.spawn(guard, parts, &end);
  log::info("The worker runs.", {{"concurrency", settings.job_concurrency}, {"prefetch", settings.job_prefetch}});

  end.wait();
  self->request(pool, options.shutdown_grace + last_writes, atom::stop_v)
    .receive([](int) {},
             [](const caf::error&) { log::warn("Some outcomes could not be written; other nodes rescue the jobs."); });
  leave(self, beats);
  self->send_exit(guarding, caf::exit_reason::user_shutdown);
  end_all(self, parts);
  return end.exit_code();
}

} // namespace jobd::app
