#include "http/tokens.hpp"

#include "tests/support/server_process.hpp"

#include <boost/test/unit_test.hpp>

#include <tao/json.hpp>

#include <algorithm>
#include <fstream>

using namespace jobd;
using http::needed_role;
using http::role;
using http::token_list;
using verdict = token_list::verdict;

namespace {

/// Of `abc`, by FIPS 180-4.
const auto hash_of_abc = std::string{"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};

std::string entry(const std::string& name, const std::string& hash, const std::string& allows) {
  return R"({"name":")" + name + R"(","sha256":")" + hash + R"(","role":")" + allows + "\"}";
}

std::string file_of(const std::string& entries) {
  return "{\"tokens\":[" + entries + "]}";
}

std::string wrong(const std::string& text) {
  const auto list = token_list::parse(text);
  BOOST_TEST(!list.has_value(), text);
  return list ? "" : list.error().context;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(a_token_is_known_by_its_hash) {
  const auto list = token_list::parse(file_of(entry("a", hash_of_abc, "read"))).value();
  BOOST_TEST(list.size() == 1);
  for (const auto* header : {"Bearer abc", "bearer abc", "BEARER   abc"})
    BOOST_TEST((list.check(header, role::read) == verdict::granted), header);
  for (const auto* header :
       {"Bearer abd", "Bearer abcd", "Bearer ab", "Bearer abc ", "Bearer ", "Bearer \"abc\""})
    BOOST_TEST((list.check(header, role::read) == verdict::unknown_token), header);
  for (const auto* header : {"", "abc", "Basic abc", "Bearer", "Bearerabc", " Bearer abc"})
    BOOST_TEST((list.check(header, role::read) == verdict::no_token), header);
  BOOST_TEST((list.check(std::nullopt, role::read) == verdict::no_token));
}

BOOST_AUTO_TEST_CASE(a_role_allows_itself_and_admin_allows_all) {
  const auto check = [](const std::string& has, role needed) {
    return token_list::parse(file_of(entry("a", hash_of_abc, has)))->check("Bearer abc", needed);
  };
  for (const auto needed : {role::read, role::submit, role::admin})
    for (const auto* has : {"read", "submit", "admin"}) {
      const auto allowed = has == std::string{"admin"} || has == to_string(needed);
      BOOST_TEST((check(has, needed) == (allowed ? verdict::granted : verdict::other_role)));
    }
}

BOOST_AUTO_TEST_CASE(two_entries_give_a_token_both_roles) {
  auto upper = hash_of_abc;
  std::ranges::transform(upper, upper.begin(), ::toupper);
  const auto list =
      token_list::parse(file_of(entry("a", hash_of_abc, "read") + "," + entry("a", upper, "submit"))).value();
  BOOST_TEST((list.check("Bearer abc", role::read) == verdict::granted));
  BOOST_TEST((list.check("Bearer abc", role::submit) == verdict::granted));
  BOOST_TEST((list.check("Bearer abc", role::admin) == verdict::other_role));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_in_a_file_is_named_with_its_place) {
  for (const auto* text :
       {"", "[]", "{}", "{", R"({"tokens":{}})", R"({"tokens":[]})", R"({"tokens":[],"x":1})"})
    BOOST_TEST(wrong(text) != "", text);
  const auto good = entry("a", hash_of_abc, "read");
  const auto second_is = [&](const std::string& text) { return wrong(file_of(good + "," + text)); };
  BOOST_TEST(second_is("1").starts_with("tokens[1]: must be an object"));
  BOOST_TEST(second_is(entry("a b", hash_of_abc, "read")).starts_with("tokens[1]: name must be"));
  BOOST_TEST(second_is(entry("b", hash_of_abc, "write")).starts_with("tokens[1]: role must be"));
  for (const auto& hash : {std::string{}, std::string{"abc"}, hash_of_abc + "0", hash_of_abc.substr(1),
                           hash_of_abc.substr(1) + "g"})
    BOOST_TEST(second_is(entry("b", hash, "read")).starts_with("tokens[1]: sha256 must be"), hash);
  BOOST_TEST(second_is(R"({"name":"b","role":"read"})").starts_with("tokens[1]: sha256 must be"));
  BOOST_TEST(second_is(R"({"name":"b","token":"secret"})").starts_with("tokens[1]: has the unknown member"));
  BOOST_TEST(wrong(file_of(std::string(100'000, '['))) != "");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_used_is_named) {
  const auto folder = test::temp_folder{"jobd-tokens"};
  const auto path = (folder.path() / "tokens.json").string();
  const auto fails = [&](const std::string& at) {
    const auto list = token_list::load(at);
    return !list && list.error().context.find(at) != std::string::npos;
  };
  BOOST_TEST(fails(path));
  BOOST_TEST(fails(folder.path().string()));
  std::ofstream{path} << "";
  BOOST_TEST(fails(path));
  std::ofstream{path} << file_of(entry("a", hash_of_abc, "read")) << std::string(1 << 20, ' ');
  BOOST_TEST(fails(path));
  std::ofstream{path} << "{";
  BOOST_TEST(fails(path));
  std::ofstream{path} << file_of(entry("a", hash_of_abc, "read"));
  BOOST_TEST(token_list::load(path).has_value());
}

BOOST_AUTO_TEST_CASE(a_request_needs_the_role_for_what_it_does) {
  for (const auto* path : {"/healthz", "/readyz", "/healthz?x=1"})
    BOOST_TEST(!needed_role("GET", path).has_value(), path);
  for (const auto* path :
       {"/v1/jobs", "/v1/jobs/1?wait=3", "/v1/events", "/metrics", "/", "/v1/jobs/batch"}) {
    BOOST_TEST((needed_role("GET", path) == role::read), path);
    BOOST_TEST((needed_role("HEAD", path) == role::read), path);
  }
  for (const auto* path : {"/v1/jobs", "/v1/jobs?wait=3", "/v1/jobs/batch", "http://x/v1/jobs"})
    BOOST_TEST((needed_role("POST", path) == role::submit), path);
  for (const auto* path :
       {"/v1/jobs/1/retry", "/v1/jobs/retry", "/v1/jobs/", "/v1/jobs/batch/", "/v1/queues/a/pause"})
    BOOST_TEST((needed_role("POST", path) == role::admin), path);
  for (const auto* method : {"DELETE", "PUT", "PATCH", "OPTIONS"})
    BOOST_TEST((needed_role(method, "/v1/jobs") == role::admin), method);
}

BOOST_AUTO_TEST_CASE(a_new_token_is_like_no_other_and_its_entry_fits_the_file) {
  const auto one = http::make_token().value();
  BOOST_TEST(one.text != http::make_token().value().text);
  BOOST_TEST(one.text.starts_with("jobd_"));
  BOOST_TEST(one.text.size() == 5 + 64);
  const auto list = token_list::parse(file_of(one.entry)).value();
  BOOST_TEST((list.check("Bearer " + one.text, role::read) == verdict::granted));
}

BOOST_AUTO_TEST_SUITE_END()
