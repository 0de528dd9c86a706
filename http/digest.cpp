#include "http/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

namespace jobd::http {

expected<digest> sha256(std::initializer_list<std::string_view> parts) {
  const auto context =
      std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  auto ok = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (const auto part : parts)
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  auto out = digest{};
  if (!ok || EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
    return fail(ec::internal, "libcrypto has no SHA-256");
  return out;
}

bool same(const digest& a, const digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

expected<digest> random_bits() {
  auto out = digest{};
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return fail(ec::internal, "libcrypto has no random numbers");
  return out;
}

std::string to_hex(const digest& d) {
  static constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::string{};
  for (const auto byte : d)
    (out += digits[byte >> 4U]) += digits[byte & 0xFU];
  return out;
}

} // namespace jobd::http
