#include "http/tokens.hpp"

#include "core/job.hpp"
#include "core/json_text.hpp"
#include "http/routes.hpp"

#include <tao/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace jobd::http {
namespace {

using tao::json::value;

constexpr auto most_file_bytes = std::size_t{1} << 20;
constexpr std::array<std::string_view, 3> role_names{"read", "submit", "admin"};

/// What is wrong, without its place; caught in `parse`.
struct mistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const value& member(const value& of, const std::string& name) {
  const auto* found = of.find(name);
  if (found == nullptr || !found->is_string_type())
    throw mistake(name + " must be a text");
  return *found;
}

void check_members(const value& of, std::initializer_list<std::string_view> known) {
  if (!of.is_object())
    throw mistake("must be an object");
  for (const auto& [name, unused] : of.get_object())
    if (std::ranges::find(known, name) == known.end())
      throw mistake("has the unknown member " + json_string(storable_text(name)));
}

std::string read_name(const value& of) {
  auto name = member(of, "name").as<std::string>();
  if (!is_name(name))
    throw mistake("name must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
  return name;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  const auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

digest read_hash(const value& of) {
  const auto text = member(of, "sha256").as<std::string>();
  auto hash = digest{};
  if (text.size() != 2 * hash.size() || std::ranges::any_of(text, [](char c) { return hex_digit(c) < 0; }))
    throw mistake("sha256 must be the 64 hexadecimal digits of the token's SHA-256");
  for (auto i = std::size_t{0}; i < hash.size(); ++i)
    hash[i] = static_cast<unsigned char>(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
  return hash;
}

role read_role(const value& of) {
  const auto text = member(of, "role").as<std::string>();
  const auto* found = std::ranges::find(role_names, text);
  if (found == role_names.end())
    throw mistake("role must be read, submit or admin");
  return static_cast<role>(found - role_names.begin());
}

value read_json(std::string_view text) {
  // It also bounds the depth, which the parser does not.
  if (const auto good = check_json(text); !good)
    throw mistake(good.error().context);
  return tao::json::from_string(text);
}

/// RFC 9110 §11.4: case does not count in the scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  static constexpr auto scheme = std::string_view{"bearer "};
  const auto same_letter = [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == (b | 0x20)); };
  if (!std::ranges::equal(scheme, authorization.substr(0, scheme.size()), same_letter))
    return std::nullopt;
  const auto token = authorization.substr(scheme.size());
  return token.substr(std::min(token.find_first_not_of(' '), token.size()));
}

} // namespace

std::string_view to_string(role r) {
  return role_names[static_cast<std::size_t>(r)];
}

std::optional<role> needed_role(std::string_view method, std::string_view target) {
  const auto path = path_of(target);
  if (path == "/healthz" || path == "/readyz")
    return std::nullopt;
  if (method == "GET" || method == "HEAD")
    return role::read;
  const auto submits = method == "POST" && (path == "/v1/jobs" || path == "/v1/jobs/batch");
  return submits ? role::submit : role::admin;
}

expected<token_list> token_list::parse(std::string_view json) {
  auto place = std::string{};
  try {
    auto list = token_list{};
    const auto file = read_json(json);
    check_members(file, {"tokens"});
    const auto* all = file.find("tokens");
    if (all == nullptr || !all->is_array() || all->get_array().empty())
      throw mistake("tokens must be a list of one or more");
    for (const auto& one : all->get_array()) {
      place = "tokens[" + std::to_string(list.all_.size()) + "]: ";
      check_members(one, {"name", "sha256", "role"});
      list.all_.push_back({read_name(one), read_hash(one), read_role(one)});
    }
    return list;
  } catch (const std::exception& e) {
    return fail(ec::invalid, place + e.what());
  }
}

expected<token_list> token_list::load(const std::string& path) {
  const auto of_file = "token file " + json_string(storable_text(path)) + ": ";
  auto file = std::ifstream{path, std::ios::binary};
  auto text = std::string(most_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  // A directory opens well and only fails to be read.
  if (file.bad() || !file.is_open() || file.gcount() == 0)
    return fail(ec::invalid, of_file + "it cannot be read or is empty");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most_file_bytes)
    return fail(ec::invalid, of_file + "it has more than 1 MiB");
  return parse(text).map_error([&](const error& e) { return error{e.code, of_file + e.context}; });
}

token_list::verdict token_list::check(const std::optional<std::string_view>& authorization,
                                      role needed) const {
  const auto token = authorization ? bearer_token(*authorization) : std::nullopt;
  if (!token)
    return verdict::no_token;
  const auto hash = sha256({*token});
  auto known = false;
  auto granted = false;
  for (const auto& e : all_) {
    const auto is_it = hash && same(e.hash, *hash);
    known |= is_it;
    granted |= is_it & (e.allows == needed || e.allows == role::admin);
  }
  if (granted)
    return verdict::granted;
  return known ? verdict::other_role : verdict::unknown_token;
}

expected<new_token> make_token() {
  const auto random = random_bits();
  if (!random)
    return tl::unexpected(random.error());
  // Searching for what has leaked finds it by its start.
  const auto text = "jobd_" + to_hex(*random);
  return sha256({text}).map([&](const digest& hash) {
    return new_token{text, R"({"name":"NAME","sha256":")" + to_hex(hash) + R"(","role":"read"})"};
  });
}

} // namespace jobd::http
