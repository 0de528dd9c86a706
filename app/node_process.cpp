#include "app/node_process.hpp"

#include "actors/expirer.hpp"
#include "actors/fetcher.hpp"
#include "actors/hinter.hpp"
#include "actors/inspector.hpp"
#include "actors/job_manager.hpp"
#include "actors/listener.hpp"
#include "actors/node.hpp"
#include "actors/promoter.hpp"
#include "actors/pruner.hpp"
#include "actors/rescuer.hpp"
#include "actors/storage.hpp"
#include "actors/watch.hpp"
#include "actors/worker_pool.hpp"
#include "app/options.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

#include <caf/event_based_actor.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <ranges>

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

storage::node_info introduce(int slots, std::vector<std::string> queues, std::vector<std::string> types) {
  auto host = std::array<char, 256>{};
  gethostname(host.data(), host.size() - 1);
  return {host.data(), getpid(), JOBD_VERSION, slots, std::move(queues), std::move(types)};
}

/// Ends the process when a part that it cannot do without dies: whoever supervises the process starts it
/// again, and meanwhile others rescue its jobs.
caf::behavior guard(caf::event_based_actor* self, const std::vector<caf::actor>& parts, termination* end) {
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

/// Each client is a file descriptor, and the usual soft limit of 1024 is for programs that use select.
void allow_many_clients() {
  auto limit = rlimit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

node_process::node_process(const config& settings, backends outside, termination& end)
    : settings_(settings), outside_(std::move(outside)), end_(end) {
  auto options = storage_options{};
  options.connections = outside_.connections;
  options.creates_may_repeat = settings_.job_dedupe_window > seconds{0};
  options.spawn_connection =
      [c = connection_options{outside_.make_store, settings.job_retention}](auto& system) {
        return system.template spawn<caf::detached>(connection, c);
      };
  queue_ = keep(system_.spawn<caf::detached>(actors::queue, outside_.make_queue));
  options.queue = queue_;
  storage_ = keep(system_.spawn(actors::storage, options));
  expirer_ = keep(system_.spawn(expirer, storage_, queue_));
  promoter_ = keep(system_.spawn(promoter, storage_, queue_));
  rescuer_ = keep(system_.spawn(rescuer, storage_, queue_));
  keep(system_.spawn(pruner, storage_));
  // Also in an API node, so that each scrape finds out whether the queue is away.
  for (const auto& queue : settings_.job_queues)
    metrics::queues.bound(queue);
  inspector_ = keep(system_.spawn(inspector, storage_, queue_, settings_.job_stuck_after));
}

/// Orders the end of all parts; `~actor_system` then waits until they are gone.
node_process::~node_process() {
  end_.on_hangup(nullptr);
  for (const auto& part : std::views::reverse(parts_))
    self_->send_exit(part, caf::exit_reason::user_shutdown);
}

bool node_process::serve() {
  allow_many_clients();
  const auto watching = keep(system_.spawn(watch, storage_, queue_));
  keep(system_.spawn<caf::detached>(
      listener, listener_options{
                    outside_.make_queue, queue::stream::events,
                    [watching](messages news) { caf::anon_send(watching, atom::heard_v, std::move(news)); },
                    [watching](bool all) { caf::anon_send(watching, atom::heard_v, all); }}));
  const auto manager =
      keep(system_.spawn(job_manager, job_manager_parts{storage_, queue_, promoter_, expirer_, watching}));
  auto options = http::server_options{};
  options.host = settings_.http_host;
  options.port = settings_.http_port;
  options.threads = settings_.http_threads;
  options.bridge.max_pending = settings_.http_pending;
  options.bridge.tokens = load_tokens();
  options.tls = load_tls();
  if ((!options.bridge.tokens && !settings_.api_tokens_file.empty())
      || (!options.tls && !settings_.tls_cert.empty())) {
    end_.request(exit_code::failed);
    return false;
  }
  if (!listen(server_, {manager, inspector_}, options))
    return false;
  log::info("The API listens.", {{"host", settings_.http_host}, {"port", server_->port()}});
  if (!options.bridge.tokens && !server_->on_loopback())
    log::warn(
        "The API demands no token and listens beyond this machine: whoever reaches it may do everything.",
        {{"setting", "JOB_API_TOKENS_FILE"}});
  end_.on_hangup([this] {
    if (auto tokens = load_tokens())
      server_->require(std::move(tokens));
    if (auto tls = load_tls())
      server_->secure(std::move(tls));
  });
  return true;
}

bool node_process::serve_metrics() {
  if (settings_.metrics_port == 0)
    return true;
  auto options = http::server_options{};
  options.host = settings_.http_host;
  options.port = settings_.metrics_port;
  options.port_setting = "METRICS_PORT";
  if (!listen(metrics_server_, {std::nullopt, inspector_}, options))
    return false;
  log::info("Metrics are served.", {{"host", settings_.http_host}, {"port", metrics_server_->port()}});
  return true;
}

bool node_process::listen(std::unique_ptr<http::http_server>& by, http::bridge_parts parts,
                          const http::server_options& options) {
  auto server = http::http_server::start(system_, std::move(parts), options);
  if (!server) {
    log::error("The process cannot listen.", {{"error", server.error().context}});
    end_.request(exit_code::failed);
    return false;
  }
  by = std::move(*server);
  return true;
}

/// Null if there is no token file, or, and it is told, if it cannot be used.
http::tokens_ptr node_process::load_tokens() const {
  if (settings_.api_tokens_file.empty())
    return nullptr;
  auto tokens = http::token_list::load(settings_.api_tokens_file);
  if (!tokens) {
    log::error("The token file cannot be used.", {{"error", tokens.error().context}});
    return nullptr;
  }
  log::info("The API demands tokens.", {{"tokens", tokens->size()}});
  return std::make_shared<const http::token_list>(std::move(*tokens));
}

/// The same of the certificate and its key.
http::tls_ptr node_process::load_tls() const {
  if (settings_.tls_cert.empty())
    return nullptr;
  auto tls = http::load_tls({settings_.tls_cert, settings_.tls_key});
  if (!tls) {
    log::error("TLS cannot be used.", {{"error", tls.error().context}});
    return nullptr;
  }
  log::info("The API demands TLS.", {{"certificate", settings_.tls_cert}});
  return std::move(*tls);
}

void node_process::work(const std::shared_ptr<execution::registry>& handlers) {
  executor_ = execution::make_executor(*handlers);
  types_ = handlers->types();
  const auto fetches = keep(system_.spawn<caf::detached>(fetcher, outside_.make_queue));
  auto what_to_hint = hinter_options{};
  what_to_hint.queues = settings_.job_queues;
  what_to_hint.types = types_;
  const auto hints = keep(system_.spawn(hinter, what_to_hint, storage_, queue_));
  auto options = worker_pool_options{};
  options.prefetch = settings_.job_prefetch;
  options.concurrency = settings_.job_concurrency;
  options.queues = settings_.job_queues;
  options.timeout = settings_.job_timeout;
  options.kill_grace = millis(settings_.job_kill_grace);
  options.shutdown_grace = millis(settings_.job_shutdown_grace);
  pool_ = keep(
      system_.spawn(worker_pool, options,
                    worker_pool_parts{handlers, executor_, storage_, queue_, fetches, hints, promoter_}));
  keep(system_.spawn<caf::detached>(listener,
                                    listener_options{outside_.make_queue, queue::stream::cancels,
                                                     [pool = *pool_](const messages& asked) {
                                                       auto runs = run_keys{};
                                                       for (const auto& m : asked)
                                                         if (const auto run = queue::read_run(m.text))
                                                           runs.push_back(*run);
                                                       caf::anon_send(pool, atom::cancel_v, std::move(runs));
                                                     },
                                                     [](bool) {}}));
  log::info("The worker runs.",
            {{"concurrency", settings_.job_concurrency}, {"prefetch", settings_.job_prefetch}});
}

void node_process::stay() {
  const auto info =
      pool_ ? introduce(settings_.job_concurrency, settings_.job_queues, types_) : introduce(0, {}, {});
  const auto beats =
      keep(system_.spawn<caf::detached>(node, node_options{outside_.make_store, info, pool_, rescuer_}));
  const auto guarding = system_.spawn(guard, parts_, &end_);
  end_.wait();
  stop();
  self_->request(beats, leave_within, atom::leave_v).receive([] {}, [](const caf::error&) {});
  self_->send_exit(guarding, caf::exit_reason::user_shutdown);
}

/// Both sides have the same time, so the pool is told first.
void node_process::stop() {
  const auto grace = millis(settings_.job_shutdown_grace);
  const auto stop_serving = [&] {
    if (!server_)
      return;
    log::info("The API answers what is pending and ends.");
    server_->stop(grace);
  };
  if (!pool_)
    return stop_serving();
  auto stopped = self_->request(*pool_, grace + last_writes, atom::stop_v);
  stop_serving();
  stopped.receive([](int) {},
                  [](const caf::error&) {
                    log::warn("Some outcomes could not be written; other nodes rescue the jobs.");
                  });
}

} // namespace jobd::app
