#include "http/tls.hpp"

#include "core/json_text.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <fstream>

namespace jobd::http {
namespace {

/// Nobody is there to type a passphrase, and OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

error wrong(std::string_view what, const std::string& path, const std::string& why) {
  return {ec::invalid, std::string{what} + " " + json_string(storable_text(path)) + " " + why};
}

/// What OpenSSL says of its last failure, in its words. There may be more to it, which is dropped.
std::string reason_of_openssl() {
  const auto* text = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return text == nullptr ? "OpenSSL does not say why" : text;
}

bool is_readable(const std::string& path) {
  auto file = std::ifstream{path, std::ios::binary};
  // A directory opens well and only fails to be read.
  return file && (file.peek(), !file.bad());
}

expected<void> take_certificate(SSL_CTX& to, const std::string& path) {
  if (!is_readable(path))
    return tl::unexpected{wrong("the certificate", path, "cannot be read")};
  if (SSL_CTX_use_certificate_chain_file(&to, path.c_str()) != 1)
    return tl::unexpected{
        wrong("the certificate", path, "is not usable as PEM (" + reason_of_openssl() + ")")};
  return {};
}

expected<void> take_key(SSL_CTX& to, const tls_files& files) {
  if (!is_readable(files.key))
    return tl::unexpected{wrong("the key", files.key, "cannot be read")};
  auto asked = false;
  SSL_CTX_set_default_passwd_cb(&to, no_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(&to, &asked);
  const auto taken = SSL_CTX_use_PrivateKey_file(&to, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(&to, nullptr);
  const auto mismatch = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH;
  if (asked)
    return tl::unexpected{wrong("the key", files.key, "needs a passphrase, which nobody can give")};
  // A key of another kind than the certificate's is taken, but not for it.
  if (mismatch || (taken && SSL_CTX_check_private_key(&to) != 1))
    return tl::unexpected{
        wrong("the key", files.key,
              "does not belong to the certificate " + json_string(storable_text(files.certificate)))};
  if (!taken)
    return tl::unexpected{wrong("the key", files.key, "is not usable as PEM (" + reason_of_openssl() + ")")};
  return {};
}

} // namespace

expected<tls_ptr> load_tls(const tls_files& files) {
  ERR_clear_error();
  auto out = tls_ptr{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  if (!out || SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION) != 1
      || SSL_CTX_set_cipher_list(out.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail(ec::internal, "OpenSSL has no TLS: " + reason_of_openssl());
  SSL_CTX_set_options(out.get(), SSL_OP_NO_RENEGOTIATION);
  auto taken = take_certificate(*out, files.certificate).and_then([&] { return take_key(*out, files); });
  ERR_clear_error();
  return taken.map([&] { return std::move(out); });
}

} // namespace jobd::http
