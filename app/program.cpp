#include "app/program.hpp"

#include "app/completion.hpp"
#include "app/options.hpp"
#include "app/root.hpp"
#include "app/termination.hpp"
#include "core/log.hpp"
#include "http/tls.hpp"
#include "http/tokens.hpp"
#include "queue/redis_queue.hpp"
#include "storage/migrate.hpp"
#include "storage/postgres_store.hpp"

#include <unistd.h>

#include <array>
#include <iostream>

namespace jobd::app {
namespace {

using namespace std::chrono_literals;

/// What a shutdown may take beyond its grace; docs and compose file rely on it.
constexpr auto beyond_grace = 4'500ms;

/// A database that is not there yet is waited for, so that servers and jobd can be started together.
int run_migrate(const config& settings, termination& end) {
  for (auto backoff = 100ms;; backoff = std::min(backoff * 2, 2'000ms)) {
    const auto applied = storage::migrate(settings.database_url);
    if (applied) {
      log::info("The schema is up to date.", {{"migrations_applied", *applied}});
      return exit_code::ok;
    }
    if (applied.error().code != ec::store_away && applied.error().code != ec::store_uncertain) {
      log::error("The schema could not be migrated.", {{"error", to_string(applied.error())}});
      return exit_code::failed;
    }
    log::warn("The migration waits for the database.", {{"error", applied.error().context}});
    if (end.wait_for(backoff))
      return exit_code::failed;
  }
}

int run_health(const config& settings) {
  auto host = std::array<char, 256>{};
  gethostname(host.data(), host.size() - 1);
  const auto store = storage::make_postgres_store({settings.database_url, std::nullopt, 3'000ms});
  const auto connected = store->connect();
  const auto alive = connected ? store->host_is_alive(host.data()) : tl::unexpected{connected.error()};
  if (!alive)
    std::cerr << "jobd: " << to_string(alive.error()) << '\n';
  else if (!*alive)
    std::cerr << "jobd: no node of " << host.data() << " has beaten within 6 s\n";
  return alive && *alive ? exit_code::ok : exit_code::failed;
}

/// What the program brought and the handler file says. Nothing, and it is told, if the file cannot be used.
handlers_ptr load_handlers(const config& settings, execution::registry own) {
  auto handlers = std::make_shared<execution::registry>(std::move(own));
  if (!settings.job_handlers.empty())
    if (const auto loaded = handlers->load(settings.job_handlers); !loaded) {
      log::error("The handler file cannot be used.", {{"error", loaded.error().context}});
      return nullptr;
    }
  if (settings.job_prefetch < settings.job_concurrency)
    log::warn("JOB_PREFETCH is under JOB_CONCURRENCY, so some slots will never be used.",
              {{"prefetch", settings.job_prefetch}, {"concurrency", settings.job_concurrency}});
  return handlers;
}

/// False, and it is told, if the address of a server that the command uses is wrong.
bool check_addresses(const request& what) {
  const auto on_servers = what.command != "standalone" && what.command != "completion";
  if (const auto url = storage::check_database_url(what.settings.database_url); !url && on_servers) {
    std::cerr << "jobd: DATABASE_URL " << url.error().context << '\n';
    return false;
  }
  const auto on_redis = what.command == "api" || what.command == "worker";
  if (const auto url = queue::check_redis_url(what.settings.redis_url); !url && on_redis) {
    std::cerr << "jobd: REDIS_URL " << url.error().context << '\n';
    return false;
  }
  return true;
}

int print_token() {
  const auto token = http::make_token();
  if (!token) {
    std::cerr << "jobd: " << token.error().context << '\n';
    return exit_code::failed;
  }
  std::cout << token->text << '\n' << token->entry << '\n' << std::flush;
  return std::cout ? exit_code::ok : exit_code::failed;
}

/// Before anything is waited for. False, and it is told, if a file that the API needs cannot be used.
bool check_files(const config& settings) {
  if (!settings.api_tokens_file.empty())
    if (const auto tokens = http::token_list::load(settings.api_tokens_file); !tokens) {
      log::error("The token file cannot be used.", {{"error", tokens.error().context}});
      return false;
    }
  if (!settings.tls_cert.empty())
    if (const auto tls = http::load_tls({settings.tls_cert, settings.tls_key}); !tls) {
      log::error("TLS cannot be used.", {{"error", tls.error().context}});
      return false;
    }
  return true;
}

int run(const request& what, execution::registry handlers) {
  const auto& settings = what.settings;
  if (what.command == "completion") {
    std::cout << bash_completion() << std::flush;
    return std::cout ? exit_code::ok : exit_code::failed;
  }
  if (what.command == "token")
    return print_token();
  if (!check_addresses(what))
    return exit_code::usage;
  log::start(settings.log_level, settings.log_format);
  if (what.command == "health")
    return run_health(settings);
  const auto serves = what.command == "api" || what.command == "standalone";
  if (serves && !check_files(settings))
    return exit_code::usage;
  auto end =
      termination{std::chrono::ceil<std::chrono::milliseconds>(settings.job_shutdown_grace) + beyond_grace,
                  serves && !(settings.api_tokens_file.empty() && settings.tls_cert.empty())};
  if (what.command == "migrate")
    return run_migrate(settings, end);
  if (what.command == "api")
    return run_api(settings, end);
  const auto all = load_handlers(settings, std::move(handlers));
  if (!all)
    return exit_code::usage;
  return what.command == "standalone" ? run_standalone(settings, all, end) : run_worker(settings, all, end);
}

} // namespace

int run_program(int argc, char** argv, execution::registry handlers) {
  const auto request = read_command_line(argc, argv);
  return request ? run(*request, std::move(handlers)) : request.error();
}

} // namespace jobd::app
