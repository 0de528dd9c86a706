#include "core/json_text.hpp"
#include "execution/progress.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

using namespace jobd;
using fuzz::ensure;

namespace {

void can_be_stored(const std::string& json) {
  ensure(json.size() <= limits::progress_bytes && check_json(json).has_value());
}

/// What a reader knows that was given `text` in pieces of that size.
execution::progress_reader read(std::string_view text, std::size_t piece) {
  auto r = execution::progress_reader{};
  auto known = r.json();
  while (!text.empty()) {
    if (r.add(text.substr(0, piece))) {
      known = r.json();
      can_be_stored(known);
    }
    text.remove_prefix(std::min(piece, text.size()));
  }
  ensure(r.json() == known);
  r.end();
  return r;
}

} // namespace

/// Whatever a command writes, what is kept of it can be stored, and how the bytes were cut does not matter.
/// The first byte is the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto text = fuzz::text_of(data + 1, size - 1);
  const auto whole = read(text, std::max<std::size_t>(text.size(), 1));
  const auto pieces = read(text, std::size_t{data[0]} + 1);
  can_be_stored(whole.json());
  ensure(whole.json() == pieces.json() && whole.mistake() == pieces.mistake() && is_utf8(whole.mistake()));

  auto state = execution::progress_state{};
  state.message(text);
  state.log(text);
  can_be_stored(state.json());
  return 0;
}
