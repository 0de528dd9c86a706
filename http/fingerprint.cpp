#include "http/fingerprint.hpp"

#include "http/digest.hpp"

namespace jobd::http {

expected<std::string> fingerprint(std::string_view method, std::string_view path, std::string_view body) {
  // Neither a method nor a path has a space: no two requests are the same text.
  return sha256({method, " ", path, " ", body}).map(to_hex);
}

} // namespace jobd::http
