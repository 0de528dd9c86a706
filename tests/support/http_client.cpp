#include "tests/support/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace jobd::test {
namespace {

std::size_t take_body(char* data, std::size_t, std::size_t size, void* to) {
  static_cast<http_answer*>(to)->body.append(data, size);
  return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* to) {
  const auto line = std::string_view{data, size};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return size;
  auto name = std::string{line.substr(0, colon)};
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  value = value.substr(0, value.find_last_not_of("\r\n ") + 1);
  static_cast<http_answer*>(to)->headers[name] = value;
  return size;
}

std::size_t give_body(char* to, std::size_t, std::size_t room, void* from) {
  auto& left = *static_cast<std::string_view*>(from);
  const auto size = std::min(room, left.size());
  left.copy(to, size);
  left.remove_prefix(size);
  return size;
}

void set_body(CURL* curl, const http_call& what, std::string_view& left) {
  if (what.chunked) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, &left);
  } else if (!what.body.empty() || what.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, what.body.data());
  }
}

} // namespace

http_client::http_client() : curl_(curl_easy_init()) {
  if (curl_ == nullptr)
    throw std::runtime_error("curl_easy_init failed");
}

http_client::~http_client() {
  curl_easy_cleanup(curl_);
}

http_answer http_client::call(const http_call& what) {
  auto* curl = static_cast<CURL*>(curl_);
  auto answer = http_answer{};
  auto left = std::string_view{what.body};
  curl_slist* headers = nullptr;
  for (const auto& line : what.headers)
    headers = curl_slist_append(headers, line.c_str());
  if (what.chunked)
    headers = curl_slist_append(headers, "Transfer-Encoding: chunked");

  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, what.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(what.within.count()));
  if (!what.authority.empty())
    curl_easy_setopt(curl, CURLOPT_CAINFO, what.authority.c_str());
  set_body(curl, what, left);
  if (what.method == "HEAD")
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  else
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);

  const auto result = curl_easy_perform(curl);
  auto status = 0L;
  if (result == CURLE_OK)
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  else
    answer.error = curl_easy_strerror(result);
  answer.status = static_cast<int>(status);
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &opened_);
  curl_slist_free_all(headers);
  return answer;
}

raw_connection::raw_connection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const auto why = errno;
    ::close(socket_);
    throw std::system_error(why, std::generic_category(), "connect");
  }
}

raw_connection::~raw_connection() {
  ::close(socket_);
}

bool raw_connection::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0)
      return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string raw_connection::read_until(std::string_view end, std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto found = end.empty() ? std::string::npos : rest_.find(end);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    auto waits = pollfd{socket_, POLLIN, 0};
    if (found != std::string::npos || closed_ || left.count() <= 0
        || ::poll(&waits, 1, static_cast<int>(left.count())) <= 0) {
      const auto size = found == std::string::npos ? rest_.size() : found + end.size();
      auto text = rest_.substr(0, size);
      rest_.erase(0, size);
      return text;
    }
    char buffer[4096];
    const auto received = ::recv(socket_, buffer, sizeof buffer, 0);
    if (received > 0)
      rest_.append(buffer, static_cast<std::size_t>(received));
    else
      closed_ = true;
  }
}

tls_answer send_over_tls(int port, const std::string& authority, std::string_view text,
                         std::chrono::milliseconds within) {
  const auto curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>{curl_easy_init(), &curl_easy_cleanup};
  const auto url = "https://127.0.0.1:" + std::to_string(port);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_CAINFO, authority.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  auto answer = tls_answer{};
  auto done = curl_easy_perform(curl.get());
  auto socket = curl_socket_t{};
  curl_easy_getinfo(curl.get(), CURLINFO_ACTIVESOCKET, &socket);
  const auto until = std::chrono::steady_clock::now() + within;
  while (done == CURLE_OK && std::chrono::steady_clock::now() < until) {
    auto size = std::size_t{};
    char buffer[4096];
    if (!text.empty()) {
      done = curl_easy_send(curl.get(), text.data(), text.size(), &size);
      text.remove_prefix(size);
    } else if (done = curl_easy_recv(curl.get(), buffer, sizeof buffer, &size); done == CURLE_OK) {
      answer.text.append(buffer, size);
      answer.ended = size == 0;
      if (answer.ended)
        return answer;
    }
    if (done == CURLE_AGAIN) {
      auto waits = pollfd{socket, static_cast<short>(text.empty() ? POLLIN : POLLOUT), 0};
      ::poll(&waits, 1, 100);
      done = CURLE_OK;
    }
  }
  if (done != CURLE_OK)
    answer.error = curl_easy_strerror(done);
  return answer;
}

} // namespace jobd::test
