#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobd::http {

/// Finds where each request of a connection ends, and refuses what two readers could understand differently:
/// with a proxy in front, that is how requests are smuggled. RFC 9112 where it says MUST, and its strict
/// choice where it leaves one: lines end with CRLF, one Host, one length, no coding but `chunked`, no
/// trailers.
///
/// A head is held back until it is whole and known to be good, so that nothing of a bad one is acted on.
class framing {
public:
  /// Of all lines before the body; a longer target or field gets 414 or 431.
  static constexpr std::size_t most_head_bytes = 32 << 10;
  static constexpr std::size_t most_name_bytes = 256;
  static constexpr std::size_t most_value_bytes = 8 << 10;
  static constexpr std::size_t most_fields = 100;
  static constexpr std::size_t most_chunk_line_bytes = 1 << 10;
  /// Beyond this it is not even worth while to read a body off: 413.
  static constexpr std::uint64_t most_body_bytes = 1 << 30;

  /// What is wrong with a request: the status of its answer, and why.
  struct fault {
    int status = 0;
    std::string_view why = {};

    explicit operator bool() const { return status != 0; }
    friend bool operator==(const fault&, const fault&) = default;
  };

  enum class state : std::uint8_t {
    /// No byte of a request was seen.
    idle,
    head,
    body,
    /// The request is over: `next` begins another one.
    whole,
    /// It cannot be told where the next request begins.
    broken
  };

  /// Takes bytes as they were received, up to the end of the head or of the request: how many.
  std::size_t take(std::string_view bytes);
  void next() { *this = framing{}; }

  [[nodiscard]] state where() const { return state_; }
  [[nodiscard]] const fault& why_broken() const { return fault_; }
  /// The head as received, once it is whole; `where` is then `body` or `whole`.
  [[nodiscard]] const std::string& head() const { return head_; }
  /// Of the request line.
  [[nodiscard]] std::string_view method() const;
  [[nodiscard]] std::string_view target() const;
  /// Of the body, as declared; in chunks, of those that have begun.
  [[nodiscard]] std::uint64_t length() const { return length_; }
  /// The client waits for leave to send the body (`Expect: 100-continue`).
  [[nodiscard]] bool waits_for_leave() const { return waits_for_leave_; }

private:
  enum class coding : std::uint8_t { length, chunk_size, chunk, chunk_end, last_end };

  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  std::size_t take_data(std::string_view bytes);
  std::size_t take_line(std::string_view bytes);
  void read_head();
  void read_request_line(std::string_view line);
  void read_field(std::string_view line);
  void settle();
  void end_line();
  void read_chunk_size(std::string_view line);
  void refuse(int status, std::string_view why);

  state state_ = state::idle;
  coding coding_ = coding::length;
  fault fault_;
  std::string head_;
  /// Of the body, or of its chunk.
  std::uint64_t left_ = 0;
  std::uint64_t length_ = 0;
  std::string line_;
  std::size_t method_bytes_ = 0;
  std::size_t target_bytes_ = 0;
  std::size_t fields_ = 0;
  /// Bits of the fields that may come once.
  unsigned seen_ = 0;
  bool version_1_1_ = false;
  bool waits_for_leave_ = false;
};

} // namespace jobd::http
