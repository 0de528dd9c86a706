#include "tests/support/jobd_process.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace jobd::test {
namespace {

std::string name_of(const jobd_process::options& o) {
  auto name = std::string{"jobd"};
  for (const auto& word : o.arguments)
    name += " " + word;
  return name;
}

/// `env` becomes the program, so the process is the same and keeps the signal it dies with.
std::vector<std::string> command(const jobd_process::options& o) {
  auto words =
      std::vector<std::string>{"env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"};
  for (const auto* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const auto* value = std::getenv(name))
      words.push_back(std::string{name} + "=" + value);
  for (const auto& [name, value] : o.environment)
    words.push_back(name + "=" + value);
  words.push_back(o.program.string());
  words.insert(words.end(), o.arguments.begin(), o.arguments.end());
  return words;
}

} // namespace

jobd_process::jobd_process(const options& o)
    : name_(name_of(o)), log_(o.log), process_({.argv = command(o), .env = {}, .log = o.log}) {}

std::optional<int> jobd_process::exit_code(std::chrono::milliseconds limit) {
  end_expected_ = true;
  const auto status = process_.wait(limit);
  if (!status)
    return std::nullopt;
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : -WTERMSIG(*status);
}

std::optional<int> jobd_process::terminate(std::chrono::milliseconds limit) {
  signal(SIGTERM);
  return exit_code(limit);
}

void jobd_process::kill9() {
  signal(SIGKILL);
  exit_code();
}

std::string jobd_process::log() const {
  auto file = std::ifstream{log_, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool jobd_process::says(std::string_view text, std::chrono::milliseconds limit) {
  const auto said = [&] { return log().find(text) != std::string::npos; };
  (void)eventually([&] { return said() || !running(); }, limit, 10ms);
  return said();
}

int jobd_process::port() {
  if (port_ != 0)
    return port_;
  const auto sentence = std::string{"The API listens."};
  const auto there = says(sentence);
  const auto text = log();
  const auto number = there ? text.find(" port=", text.find(sentence)) : std::string::npos;
  if (number == std::string::npos)
    throw std::runtime_error{name_ + " does not listen: " + text};
  port_ = std::atoi(text.c_str() + number + 6);
  return port_;
}

std::string jobd_process::url(const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(port()) + path;
}

} // namespace jobd::test
