#pragma once

#include "core/error.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace jobd::http {

/// Where the server's identity is, in PEM.
struct tls_files {
  /// The server's certificate, then those of the authorities between it and a root.
  std::string certificate;
  /// Without a passphrase.
  std::string key;
};

/// What connections of TLS begin with: the identity, and the rules (TLS 1.2 or later, with forward secrecy).
/// None: they are plain.
using tls_ptr = std::shared_ptr<ssl_ctx_st>;

/// `ec::invalid` names the file and what is wrong with it.
[[nodiscard]] expected<tls_ptr> load_tls(const tls_files& files);

} // namespace jobd::http
