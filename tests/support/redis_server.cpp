#include "tests/support/redis_server.hpp"

#include <stdexcept>

namespace jobd::test {

redis_server::redis_server() {
  // Another test may take the port between the look and the start.
  for (auto tries = 0; tries < 5; ++tries) {
    port_ = free_tcp_port();
    if (try_start())
      return;
  }
  throw std::runtime_error{"redis-server does not start, see its log in " + folder_.path().string()};
}

void redis_server::stop() {
  process_->signal(SIGTERM);
  if (!process_->wait())
    throw std::runtime_error{"redis-server does not stop"};
}

void redis_server::kill9() {
  process_->kill9();
}

void redis_server::start() {
  if (!eventually([this] { return try_start(); }))
    throw std::runtime_error{"redis-server does not start again"};
}

bool redis_server::try_start() {
  const auto folder = folder_.path().string();
  process_.emplace(server_process::options{
      .argv = {"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--unixsocket",
               socket(), "--save", "", "--appendonly", "no", "--dir", folder, "--loglevel", "warning"},
      .env = {},
      .log = folder_.path() / "redis.log"});
  // On its own socket nobody else can answer.
  const auto answers = [this] { return command({"PING"}) == "PONG"; };
  (void)eventually([&] { return !process_->running() || answers(); });
  return process_->running() && answers();
}

std::string redis_server::command(const std::vector<std::string>& words) const {
  auto argv = std::vector<std::string>{"redis-cli", "-s", socket()};
  argv.insert(argv.end(), words.begin(), words.end());
  try {
    auto text = run(argv);
    while (text.ends_with('\n'))
      text.pop_back();
    return text;
  } catch (const std::runtime_error& e) {
    return e.what();
  }
}

std::int64_t redis_server::zcard(const std::string& key) const {
  return std::stoll(command({"ZCARD", key}));
}

std::string redis_server::info(const std::string& name) const {
  const auto text = command({"INFO"});
  const auto start = text.find("\n" + name + ":");
  if (start == std::string::npos)
    return {};
  const auto value = start + name.size() + 2;
  return text.substr(value, text.find_first_of("\r\n", value) - value);
}

} // namespace jobd::test
