#include "http/framing.hpp"
#include "tests/fuzz/target.hpp"

#include <http_parser.h>

#include <algorithm>
#include <optional>

using jobd::http::framing;
using namespace jobd::fuzz;

namespace {

using state = framing::state;

bool is_over(const framing& f) {
  return f.where() == state::whole || f.where() == state::broken;
}

/// What of `text` is taken as the first request, in pieces of `step` bytes.
std::size_t read(framing& f, std::string_view text, std::size_t step) {
  auto taken = std::size_t{0};
  while (!is_over(f) && taken < text.size()) {
    const auto piece = text.substr(taken, step);
    const auto now = f.take(piece);
    ensure(now <= piece.size() && (now > 0 || f.where() == state::broken));
    taken += now;
  }
  return taken;
}

int stop(http_parser* p) {
  http_parser_pause(p, 1);
  return 0;
}

int skip_upgrade(http_parser* p) {
  p->upgrade = 0;
  return 0;
}

/// How long the parser behind it takes the request to be, if it understands it.
std::optional<std::size_t> parse(std::string_view text) {
  auto parser = http_parser{};
  auto settings = http_parser_settings{};
  http_parser_init(&parser, HTTP_REQUEST);
  http_parser_settings_init(&settings);
  settings.on_headers_complete = skip_upgrade;
  settings.on_message_complete = stop;
  const auto size = http_parser_execute(&parser, &settings, text.data(), text.size());
  if (HTTP_PARSER_ERRNO(&parser) == HPE_PAUSED)
    return size;
  if (HTTP_PARSER_ERRNO(&parser) == HPE_OK)
    return text.size() + 1;
  return std::nullopt;
}

} // namespace

/// However the bytes come in, the request ends at the same place or is refused for the same reason. What is
/// let through ends where the parser behind it sees the end, too, if that does not refuse it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  auto at_once = framing{};
  const auto taken = read(at_once, text, std::max<std::size_t>(text.size(), 1));
  for (const auto step : {1, 5}) {
    auto in_pieces = framing{};
    ensure(read(in_pieces, text, step) == taken);
    ensure(in_pieces.where() == at_once.where() && in_pieces.why_broken() == at_once.why_broken());
  }
  if (at_once.where() != state::whole)
    return 0;
  ensure(!at_once.why_broken() && at_once.head().ends_with("\r\n\r\n"));
  const auto end = parse(text.substr(0, taken));
  ensure(!end || *end == taken);
  return 0;
}
