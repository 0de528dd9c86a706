#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace jobd::test {

/// PEM files of a server at 127.0.0.1; the certificate is its own authority.
struct certificate {
  std::string file;
  std::string key;
};

/// Both are `folder`/`name` with an ending.
certificate make_certificate(const std::filesystem::path& folder, const std::string& name);

/// Runs the program openssl. Throws if it fails.
void run_openssl(std::vector<std::string> arguments);

} // namespace jobd::test
