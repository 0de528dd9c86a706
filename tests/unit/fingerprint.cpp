#include "http/fingerprint.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace http = jobd::http;

BOOST_AUTO_TEST_SUITE(fingerprint)

BOOST_AUTO_TEST_CASE(it_is_the_sha256_of_method_path_and_body) {
  // printf 'POST /v1/jobs {}' | sha256sum
  BOOST_TEST(http::fingerprint("POST", "/v1/jobs", "{}").value()
             == "aeb98734efe7938fd029f9c1981e2e99d2c7f3d49156c80dd43f597feed6ca73");
}

BOOST_AUTO_TEST_CASE(each_part_matters) {
  const auto prints = std::set{
      http::fingerprint("POST", "/v1/jobs", "{}").value(),
      http::fingerprint("POST", "/v1/jobs", "{} ").value(),
      http::fingerprint("POST", "/v1/jobs", "").value(),
      http::fingerprint("POST", "/v1/jobs/batch", "{}").value(),
      http::fingerprint("PUT", "/v1/jobs", "{}").value(),
  };
  BOOST_TEST(prints.size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
