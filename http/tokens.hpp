#pragma once

#include "core/error.hpp"
#include "http/digest.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Who may do what: bearer tokens (RFC 6750), known by their hashes.
namespace jobd::http {

/// What a token allows: to read everything, to submit jobs, or all that there is.
enum class role : std::uint8_t { read, submit, admin };
[[nodiscard]] std::string_view to_string(role r);

/// The role that a request needs; none for what load balancers ask. A GET, known or not, is reading; a POST
/// of jobs is submitting, with a `wait` too; all else is for admins.
[[nodiscard]] std::optional<role> needed_role(std::string_view method, std::string_view target);

class token_list {
public:
  /// Reads `{"tokens":[{"name":"ci","sha256":"…","role":"submit"}]}`. `ec::invalid` says what is wrong.
  [[nodiscard]] static expected<token_list> parse(std::string_view json);
  /// The same from a file, of at most 1 MiB; errors name it.
  [[nodiscard]] static expected<token_list> load(const std::string& path);

  enum class verdict : std::uint8_t { granted, no_token, unknown_token, other_role };
  /// By the header Authorization. A token with two entries has both roles. The time that it takes tells
  /// nothing about the tokens but how many there are.
  [[nodiscard]] verdict check(const std::optional<std::string_view>& authorization, role needed) const;

  [[nodiscard]] std::size_t size() const { return all_.size(); }

private:
  struct entry {
    std::string name;
    digest hash;
    role allows;
  };
  std::vector<entry> all_;
};

/// None: whoever reaches the API may do everything.
using tokens_ptr = std::shared_ptr<const token_list>;

/// A token that nobody has yet, and its entry for the file.
struct new_token {
  std::string text;
  std::string entry;
};
[[nodiscard]] expected<new_token> make_token();

} // namespace jobd::http
