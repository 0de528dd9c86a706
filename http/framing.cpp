#include "http/framing.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace jobd::http {
namespace {

/// Fields of which a second one would leave it open which of them counts.
constexpr std::array once{std::string_view{"host"},
                          std::string_view{"content-length"},
                          std::string_view{"transfer-encoding"},
                          std::string_view{"expect"},
                          std::string_view{"content-type"},
                          std::string_view{"authorization"},
                          std::string_view{"idempotency-key"}};
constexpr auto host = 1U << 0U;
constexpr auto content_length = 1U << 1U;
constexpr auto transfer_encoding = 1U << 2U;
constexpr auto expect = 1U << 3U;

constexpr std::array methods{
    std::string_view{"GET"},     std::string_view{"HEAD"},   std::string_view{"POST"},
    std::string_view{"PUT"},     std::string_view{"DELETE"}, std::string_view{"PATCH"},
    std::string_view{"OPTIONS"}, std::string_view{"TRACE"},  std::string_view{"CONNECT"}};

constexpr auto too_large = std::string_view{"the body is too large"};
constexpr auto end_of_line = std::string_view{"\r\n"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  static constexpr auto marks = std::string_view{"!#$%&'*+-.^_`|~"};
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || marks.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F'; });
}

std::string_view trimmed(std::string_view text) {
  static constexpr auto spaces = std::string_view{" \t"};
  const auto first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

/// The whole text as a number: no sign, no space, no prefix.
bool read_number(std::string_view text, int base, std::uint64_t& to) {
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), to, base);
  return err == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::string_view framing::method() const {
  return std::string_view{head_}.substr(0, method_bytes_);
}

std::string_view framing::target() const {
  return std::string_view{head_}.substr(method_bytes_ + 1, target_bytes_);
}

void framing::refuse(int status, std::string_view why) {
  if (state_ == state::broken)
    return;
  state_ = state::broken;
  fault_ = {status, why};
}

std::size_t framing::take(std::string_view bytes) {
  if (bytes.empty())
    return 0;
  switch (state_) {
  case state::idle:
  case state::head: return take_head(bytes);
  case state::body: return take_body(bytes);
  case state::whole:
  case state::broken: return 0;
  }
  return 0;
}

// -------------------------------------------------------------------------------- head

/// A broken line is refused as soon as it is seen, also when the head never ends.
std::size_t framing::take_head(std::string_view bytes) {
  state_ = state::head;
  for (auto i = std::size_t{0}; i < bytes.size(); ++i) {
    const auto c = bytes[i];
    const auto after_cr = head_.ends_with('\r');
    if (after_cr != (c == '\n')) {
      refuse(400, "a line of the head does not end with CR LF");
      return i;
    }
    head_ += c;
    // An empty line before a request is passed over (RFC 9112 §2.2).
    if (head_ == end_of_line)
      head_.clear();
    else if (c == '\n' && head_.ends_with("\r\n\r\n")) {
      read_head();
      return i + 1;
    }
    if (head_.size() > most_head_bytes) {
      const auto in_target = head_.find(end_of_line) == std::string::npos;
      refuse(in_target ? 414 : 431, in_target ? "the request line is too long" : "the head is too long");
      return i;
    }
  }
  return bytes.size();
}

void framing::read_head() {
  auto rest = std::string_view{head_};
  const auto line = [&rest] {
    const auto end = rest.find(end_of_line);
    const auto found = rest.substr(0, end);
    rest.remove_prefix(end + end_of_line.size());
    return found;
  };
  read_request_line(line());
  while (rest != end_of_line && state_ != state::broken)
    read_field(line());
  if (state_ != state::broken)
    settle();
}

void framing::read_request_line(std::string_view line) {
  method_bytes_ = std::min(line.find(' '), line.size());
  const auto rest = line.substr(std::min(method_bytes_ + 1, line.size()));
  target_bytes_ = std::min(rest.find(' '), rest.size());
  const auto version = rest.substr(std::min(target_bytes_ + 1, rest.size()));
  if (!is_token(method()) || !is_visible(rest.substr(0, target_bytes_)))
    return refuse(400, "the request line is not of the form METHOD TARGET HTTP/1.1");
  const auto is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5])
                          && version[6] == '.' && is_digit(version[7]);
  if (!is_version)
    return refuse(400, "the request line does not end with a version of HTTP");
  version_1_1_ = version == "HTTP/1.1";
  if (!version_1_1_ && version != "HTTP/1.0")
    return refuse(505, "the version must be HTTP/1.1 or HTTP/1.0");
  if (std::ranges::find(methods, method()) == methods.end())
    refuse(501, "the method is unknown");
}

void framing::read_field(std::string_view line) {
  const auto colon = std::min(line.find(':'), line.size());
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(std::min(colon + 1, line.size())));
  if (++fields_ > most_fields || name.size() > most_name_bytes || value.size() >= most_value_bytes)
    return refuse(431, "a header has at most 100 fields, names of 256 bytes and values of 8191 bytes");
  // Folded lines and a space before the colon are no tokens.
  if (colon == line.size() || !is_token(name) || has_control(value))
    return refuse(400, "a header field is not of the form NAME: VALUE");
  const auto* known = std::ranges::find_if(once, [&](std::string_view n) { return same_name(n, name); });
  if (known == once.end())
    return;
  const auto bit = 1U << static_cast<unsigned>(known - once.begin());
  if ((seen_ & bit) != 0)
    return refuse(400, "a header field comes twice that may come once");
  seen_ |= bit;
  if (bit == content_length && !(read_number(value, 10, length_) && is_digit(value.front())))
    refuse(400, "Content-Length must be a number of bytes");
  else if (bit == transfer_encoding && !same_name(value, "chunked"))
    refuse(501, "the only Transfer-Encoding is chunked");
  else if (bit == expect && !same_name(value, "100-continue"))
    refuse(417, "the only thing to Expect is 100-continue");
  else if (bit == host && value.find_first_of(" \t,/@") != std::string_view::npos)
    refuse(400, "Host must be a host");
}

/// The rules between fields, and what follows the head.
void framing::settle() {
  const auto chunked = (seen_ & transfer_encoding) != 0;
  if (version_1_1_ && (seen_ & host) == 0)
    return refuse(400, "HTTP/1.1 needs a Host");
  if (chunked && (!version_1_1_ || (seen_ & content_length) != 0))
    return refuse(400, "Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0");
  if (length_ > most_body_bytes)
    return refuse(413, too_large);
  coding_ = chunked ? coding::chunk_size : coding::length;
  left_ = length_;
  state_ = chunked || length_ > 0 ? state::body : state::whole;
  waits_for_leave_ = (seen_ & expect) != 0 && version_1_1_ && state_ == state::body;
}

// -------------------------------------------------------------------------------- body

std::size_t framing::take_body(std::string_view bytes) {
  auto taken = std::size_t{0};
  while (taken < bytes.size() && state_ == state::body) {
    const auto rest = bytes.substr(taken);
    taken += coding_ == coding::length || coding_ == coding::chunk ? take_data(rest) : take_line(rest);
  }
  return taken;
}

std::size_t framing::take_data(std::string_view bytes) {
  const auto size = std::min<std::uint64_t>(left_, bytes.size());
  left_ -= size;
  if (left_ == 0 && coding_ == coding::length)
    state_ = state::whole;
  else if (left_ == 0)
    coding_ = coding::chunk_end;
  return size;
}

std::size_t framing::take_line(std::string_view bytes) {
  for (auto i = std::size_t{0}; i < bytes.size(); ++i) {
    const auto c = bytes[i];
    if (line_.ends_with('\r') != (c == '\n') || line_.size() == most_chunk_line_bytes) {
      refuse(400, "a chunk is not framed as it must be");
      return i;
    }
    line_ += c;
    if (c == '\n') {
      end_line();
      return i + 1;
    }
  }
  return bytes.size();
}

void framing::end_line() {
  const auto line = std::string_view{line_}.substr(0, line_.size() - end_of_line.size());
  if (coding_ == coding::chunk_size)
    read_chunk_size(line);
  else if (!line.empty())
    refuse(400,
           coding_ == coding::last_end ? "trailer fields are not taken" : "a chunk is longer than it says");
  else if (coding_ == coding::last_end)
    state_ = state::whole;
  else
    coding_ = coding::chunk_size;
  line_.clear();
}

/// Extensions are passed over.
void framing::read_chunk_size(std::string_view line) {
  const auto size = trimmed(line.substr(0, line.find(';')));
  if (has_control(line) || size.empty() || line.front() != size.front() || size.front() == '-'
      || !read_number(size, 16, left_))
    return refuse(400, "a chunk does not begin with its size in hexadecimal");
  if (left_ > most_body_bytes || (length_ += left_) > most_body_bytes)
    return refuse(413, too_large);
  coding_ = left_ == 0 ? coding::last_end : coding::chunk;
}

} // namespace jobd::http
