#include "queue/redis_address.hpp"

#include <charconv>
#include <optional>

namespace jobd::queue {
namespace {

tl::unexpected<error> bad(std::string_view why) {
  return fail(ec::invalid,
              "must look like redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N]: "
                  + std::string{why});
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Cuts `text` at the first `c`: returns what is before it, leaves what is after it. Without a `c` takes all.
std::string_view take_until(std::string_view& text, char c) {
  const auto at = text.find(c);
  const auto front = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return front;
}

bool read_number(std::string_view text, int least, int most, int& out) {
  const auto* last = text.data() + text.size();
  const auto [end, err] = std::from_chars(text.data(), last, out);
  return !text.empty() && err == std::errc{} && end == last && out >= least && out <= most;
}

/// Nothing if a `%` is not followed by two hexadecimal digits, or stands for NUL, which no C string can hold.
std::optional<std::string> percent_decoded(std::string_view text) {
  auto out = std::string{};
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto code = 0U;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 2 || err != std::errc{} || end != digits.data() + 2 || code == 0)
      return std::nullopt;
    out += static_cast<char>(code);
    i += 2;
  }
  return out;
}

/// `[user]:password` of an authority, which is left as the host part.
expected<void> take_userinfo(std::string_view& authority, redis_address& to) {
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos)
    return {};
  auto info = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const auto user = percent_decoded(take_until(info, ':'));
  const auto password = percent_decoded(info);
  if (!user || !password)
    return bad("user and password must be percent-encoded");
  if (password->empty())
    return bad("the password is missing before the @");
  to.user = *user;
  to.password = *password;
  return {};
}

/// `host[:port]`, or `[address]:port` for IPv6.
expected<void> read_host(std::string_view text, redis_address& to) {
  const auto bracketed = take_prefix(text, "[");
  to.host = take_until(text, bracketed ? ']' : ':');
  if (to.host.empty() || to.host.find_first_of("%?# ") != std::string::npos)
    return bad("the host is missing or not a name");
  if (bracketed && !text.empty() && !take_prefix(text, ":"))
    return bad("after the address comes :port");
  if (!text.empty() && !read_number(text, 1, 65'535, to.port))
    return bad("the port must be a number from 1 to 65535");
  return {};
}

expected<redis_address> parse_tcp(std::string_view rest) {
  auto to = redis_address{};
  auto authority = take_until(rest, '/');
  return take_userinfo(authority, to).and_then([&] { return read_host(authority, to); }).and_then([&] {
    if (!rest.empty() && !read_number(rest, 0, 1'000'000, to.db))
      return expected<redis_address>{bad("the database must be a number")};
    return expected<redis_address>{to};
  });
}

expected<redis_address> parse_unix(std::string_view rest) {
  auto to = redis_address{};
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos)
    return bad("the path is missing");
  auto authority = rest.substr(0, slash);
  auto query = rest.substr(slash);
  const auto path = percent_decoded(take_until(query, '?'));
  if (auto done = take_userinfo(authority, to); !done)
    return tl::unexpected(done.error());
  if (!authority.empty())
    return bad("a unix socket has no host");
  if (!path || path->size() < 2)
    return bad("the path is missing");
  if (!query.empty() && !(take_prefix(query, "db=") && read_number(query, 0, 1'000'000, to.db)))
    return bad("after the path only ?db=N is known, N being a number");
  to.path = *path;
  return to;
}

} // namespace

std::string redis_address::shown() const {
  if (!path.empty())
    return path;
  return host + ":" + std::to_string(port);
}

expected<redis_address> parse_redis_url(std::string_view url) {
  if (take_prefix(url, "redis://"))
    return parse_tcp(url);
  if (take_prefix(url, "unix://"))
    return parse_unix(url);
  if (url.starts_with("rediss://"))
    return bad("TLS is not supported");
  return bad("the scheme is not known");
}

} // namespace jobd::queue
