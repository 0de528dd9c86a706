#include "core/json_text.hpp"

#include "core/job.hpp"

#include <tao/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace jobd {
namespace {

namespace pegtl = tao::json::pegtl;
namespace rules = tao::json::internal::rules;

/// What the check knows while the parser runs over the text.
struct progress {
  std::size_t depth = 0;
  /// Set when well-formed JSON breaks one of our own rules.
  std::string broken_rule;
};

template <class Input>
[[noreturn]] void refuse(const Input& in, progress& p, std::string rule) {
  p.broken_rule = std::move(rule);
  throw pegtl::parse_error("refused", in);
}

/// The parser's actions. taoJSON's grammar runs with ours instead of its own: those build strings and doubles
/// that nobody needs here, and no longer know how a number was written, which decides whether jsonb can hold
/// it.
template <class Rule>
struct check : pegtl::nothing<Rule> {};

/// The parser recurses once for each level, so the limit also keeps a bomb of brackets from the stack.
struct go_deeper {
  template <class Input>
  static void apply(const Input& in, progress& p) {
    if (++p.depth > limits::json_depth)
      refuse(in, p, "is nested deeper than " + std::to_string(limits::json_depth) + " levels");
  }
};

struct come_back {
  static void apply0(progress& p) { --p.depth; }
};

template <>
struct check<rules::begin_array> : go_deeper {};
template <>
struct check<rules::begin_object> : go_deeper {};
template <>
struct check<rules::end_array> : come_back {};
template <>
struct check<rules::end_object> : come_back {};

/// jsonb keeps numbers as `numeric`: at most 16,383 digits after the point, and an exponent counts among
/// them.
template <bool Negative>
struct check<rules::number<Negative>> {
  template <class Input>
  static void apply(const Input& in, progress& p) {
    auto value = 0.0;
    const auto [end, err] = std::from_chars(in.begin(), in.end(), value);
    if (in.size() > 1'000)
      refuse(in, p, "holds a number of more than 1000 characters");
    if (err != std::errc{} || end != in.end() || !std::isfinite(value))
      refuse(in, p, "holds a number out of the range of a double");
  }
};

template <bool Negative>
struct check<rules::zero<Negative>> {
  static void apply0(progress&) {}
};

/// Beyond four digits only zero is in the range of a double, and `0e-99999` has too many decimals for jsonb.
template <>
struct check<rules::edigits> {
  template <class Input>
  static void apply(const Input& in, progress& p) {
    if (std::find_if(in.begin(), in.end(), [](char c) { return c != '0'; }) + 4 < in.end())
      refuse(in, p, "holds a number out of the range of a double");
  }
};

/// `\u….` once or several times in a row; unpaired surrogates are thrown out by the library.
template <>
struct check<rules::escaped_unicode> {
  template <class Input>
  static void apply(const Input& in, progress& p) {
    auto text = std::string{};
    pegtl::unescape::unescape_j::apply(in, text);
    if (text.find('\0') != std::string::npos)
      refuse(in, p, "contains a NUL character");
  }
};

/// The length of the UTF-8 sequence at the front of `text`; 0 if there is no valid one.
std::size_t sequence(std::string_view text) noexcept {
  auto in = pegtl::memory_input<pegtl::tracking_mode::lazy, pegtl::eol::lf, const char*>(
      text.data(), text.data() + text.size(), "");
  return pegtl::internal::peek_utf8::peek(in).size;
}

constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

void append_escaped(std::string& out, unsigned code) {
  static constexpr auto digits = std::string_view{"0123456789abcdef"};
  out += "\\u00";
  out += digits[code >> 4U & 0xFU];
  out += digits[code & 0xFU];
}

} // namespace

expected<void> check_json(std::string_view text) {
  auto p = progress{};
  auto in = pegtl::memory_input<pegtl::tracking_mode::lazy, pegtl::eol::lf, const char*>(
      text.data(), text.data() + text.size(), "");
  try {
    pegtl::parse<tao::json::internal::grammar, check, tao::json::internal::errors>(in, p);
    return {};
  } catch (const pegtl::parse_error& e) {
    if (!p.broken_rule.empty())
      return fail(ec::invalid, std::move(p.broken_rule));
    const auto at = e.positions().front().byte;
    auto what = std::string{e.message()};
    if (at >= text.size())
      what = "it ends too early";
    else if (what == "no valid JSON")
      what = "expected value";
    return fail(ec::invalid, "is not valid JSON: " + what + " at byte " + std::to_string(at));
  }
}

std::string json_string(std::string_view text) {
  auto out = std::string{};
  out.reserve(text.size() + 2);
  out += '"';
  for (auto i = std::size_t{0}; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too, and some terminals obey them.
    const auto high_control =
        c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c == '"' || c == '\\')
      (out += '\\') += text[i];
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7F)
      append_escaped(out, c);
    else if (high_control)
      append_escaped(out, static_cast<unsigned char>(text[++i]));
    else
      out += text[i];
  }
  out += '"';
  return out;
}

std::string storable_text(std::string_view text) {
  auto out = std::string{};
  out.reserve(text.size());
  while (!text.empty()) {
    auto length = sequence(text);
    if (length > 0 && text[0] != '\0') {
      out += text.substr(0, length);
    } else {
      // One mark for the bad byte and what was meant to follow it.
      out += "\uFFFD";
      length = 1;
      while (text[0] != '\0' && length < text.size() && is_continuation(text[length]))
        ++length;
    }
    text.remove_prefix(length);
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = sequence(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string_view utf8_tail(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most)
    return text;
  text.remove_prefix(text.size() - most);
  // A sequence has at most three continuation bytes: more of them are no sequence that was cut.
  for (auto cut = 0; cut < 3 && !text.empty() && is_continuation(text[0]); ++cut)
    text.remove_prefix(1);
  return text;
}

} // namespace jobd
