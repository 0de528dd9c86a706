#include "tests/support/certificate.hpp"

#include "tests/support/server_process.hpp"

#include <stdexcept>

namespace jobd::test {

void run_openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  auto process = server_process{{.argv = std::move(arguments), .env = {}}};
  if (process.wait() != 0)
    throw std::runtime_error{"openssl failed"};
}

certificate make_certificate(const std::filesystem::path& folder, const std::string& name) {
  const auto made = certificate{(folder / (name + ".crt")).string(), (folder / (name + ".key")).string()};
  run_openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made.key, "-out",
               made.file});
  return made;
}

} // namespace jobd::test
