#pragma once

#include <cstdlib>
#include <string>

namespace jobd::test {

/// What tests start. The program was built beside them, unless the environment names another build's: a test
/// of a process over HTTP need not be sanitized itself.
inline std::string program(const char* name, const char* built) {
  const auto* other = std::getenv(name);
  return other != nullptr ? other : built;
}

inline std::string jobd_program() {
  return program("JOBD_PROGRAM", JOBD_PROGRAM);
}

} // namespace jobd::test
