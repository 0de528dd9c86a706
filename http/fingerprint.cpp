#include "http/fingerprint.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>

namespace jobd::http {

expected<std::string> fingerprint(std::string_view method, std::string_view path, std::string_view body) {
  const auto context =
      std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  auto ok = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  // Neither a method nor a path has a space: no two requests are the same text.
  for (const auto part : {method, std::string_view{" "}, path, std::string_view{" "}, body})
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  auto digest = std::array<unsigned char, EVP_MAX_MD_SIZE>{};
  auto size = 0U;
  if (!ok || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1)
    return fail(ec::internal, "libcrypto has no SHA-256");

  static constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::string{};
  for (const auto byte : std::span{digest}.first(size))
    (out += digits[byte >> 4U]) += digits[byte & 0xFU];
  return out;
}

} // namespace jobd::http
