#include "core/json_text.hpp"
#include "execution/handler_file.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

using namespace jobd;
using fuzz::ensure;

namespace {

void is_sound(const execution::handler& h) {
  ensure(h.command.empty() != h.native.empty());
  ensure(h.command.empty() || h.command[0].starts_with('/'));
  ensure(!h.timeout || (h.timeout->count() > 0 && *h.timeout <= limits::timeout));
  ensure(!h.memory_mb || (*h.memory_mb >= 1 && !h.command.empty()));
  for (const auto& [name, text] : h.env)
    ensure(!name.empty() && name.find('=') == name.npos && (name + text).find('\0') == std::string::npos);
}

} // namespace

/// Any text is a handler file, whose handlers are sound, or a failure that names the file and adds nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto standard = execution::registry{}.types();
  auto all = execution::registry{};
  const auto parsed = all.parse(std::string{fuzz::text_of(data, size)}, "/handlers.json");
  if (!parsed) {
    const auto& [code, why] = parsed.error();
    ensure(code == ec::invalid && why.starts_with("/handlers.json") && is_utf8(why));
    ensure(why.find('\n') == why.npos);
    ensure(all.types() == standard);
    return 0;
  }
  for (const auto& type : all.types()) {
    ensure(is_name(type));
    is_sound(*all.find(type));
  }
  return 0;
}
