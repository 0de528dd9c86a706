#include "http/routes.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>

using jobd::http::find_route;
using jobd::http::route;
using kind = jobd::http::route::kind;

namespace jobd::http {

std::ostream& operator<<(std::ostream& out, const route& r) {
  return out << "{kind " << static_cast<int>(r.what) << ", id " << r.id << ", detail '" << r.detail << "'}";
}

} // namespace jobd::http

BOOST_AUTO_TEST_SUITE(routes)

BOOST_AUTO_TEST_CASE(known_paths_are_found) {
  BOOST_TEST(find_route("POST", "/v1/jobs") == route{kind::submit});
  BOOST_TEST(find_route("GET", "/v1/jobs/7") == (route{kind::get, 7}));
  BOOST_TEST(find_route("HEAD", "/v1/jobs/9223372036854775807") == (route{kind::get, INT64_MAX}));
  BOOST_TEST(find_route("GET", "/healthz") == route{kind::healthz});
  BOOST_TEST(find_route("HEAD", "/healthz") == route{kind::healthz});
}

BOOST_AUTO_TEST_CASE(other_paths_are_not_found_whatever_the_method) {
  for (const auto* path :
       {"/", "", "*", "/v1", "/v1/job", "/v1/jobs/", "/v1/jobsx", "/v1/jobs/1/", "/v1/jobs/1/log", "/v2/jobs",
        "/V1/jobs", "//v1/jobs", "/v1/jobs#a", "/v1/%6aobs", "/healthz/", "/healthz2"})
    for (const auto* method : {"GET", "POST", "DELETE"})
      BOOST_TEST(find_route(method, path) == route{kind::not_found}, method << ' ' << path);
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_told_which_are_right) {
  for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", ""})
    BOOST_TEST(find_route(method, "/v1/jobs") == (route{kind::method_not_allowed, 0, "POST"}));
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    BOOST_TEST(find_route(method, "/v1/jobs/7") == (route{kind::method_not_allowed, 0, "GET, HEAD"}));
    BOOST_TEST(find_route(method, "/healthz") == (route{kind::method_not_allowed, 0, "GET, HEAD"}));
  }
}

BOOST_AUTO_TEST_CASE(only_a_canonical_positive_number_is_an_id) {
  for (const auto* id : {"0", "-1", "+1", "01", "1.0", "1e3", "0x1", "1a", "a", "%31", " 1", "1 ",
                         "9223372036854775808", "18446744073709551617", "99999999999999999999999999"})
    BOOST_TEST((find_route("GET", std::string{"/v1/jobs/"} + id).what == kind::bad_id), id);
}

BOOST_AUTO_TEST_CASE(an_unknown_parameter_is_named) {
  BOOST_TEST(find_route("POST", "/v1/jobs?dry_run=1&x") == (route{kind::unknown_parameter, 0, "dry_run"}));
  BOOST_TEST(find_route("GET", "/v1/jobs/7?&wait") == (route{kind::unknown_parameter, 0, "wait"}));
  BOOST_TEST(find_route("GET", "/healthz?verbose&x=1") == (route{kind::unknown_parameter, 0, "verbose"}));
  BOOST_TEST(find_route("GET", "/nowhere?x=1") == route{kind::not_found});
  BOOST_TEST((find_route("PUT", "/v1/jobs?x=1").what == kind::method_not_allowed));
}

BOOST_AUTO_TEST_CASE(an_empty_query_is_none) {
  BOOST_TEST(find_route("POST", "/v1/jobs?") == route{kind::submit});
  BOOST_TEST(find_route("GET", "/v1/jobs/7?&") == (route{kind::get, 7}));
}

BOOST_AUTO_TEST_CASE(an_absolute_target_is_its_path) {
  BOOST_TEST(find_route("GET", "http://example.org/v1/jobs/7") == (route{kind::get, 7}));
  BOOST_TEST(find_route("POST", "http://[::1]:3000/v1/jobs") == route{kind::submit});
  BOOST_TEST(find_route("GET", "http://example.org") == route{kind::not_found});
}

BOOST_AUTO_TEST_SUITE_END()
