#include "http/routes.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>

using jobd::http::find_route;
using jobd::http::most_body_bytes;
using jobd::http::route;
using kind = jobd::http::route::kind;

namespace jobd::http {

std::ostream& operator<<(std::ostream& out, const route& r) {
  return out << "{kind " << static_cast<int>(r.what) << ", id " << r.id << ", query '" << r.query
             << "', allowed '" << r.allowed << "', name '" << r.name << "'}";
}

} // namespace jobd::http

BOOST_AUTO_TEST_SUITE(routes)

BOOST_AUTO_TEST_CASE(known_paths_are_found) {
  BOOST_TEST(find_route("POST", "/v1/jobs") == route{kind::submit});
  BOOST_TEST(find_route("GET", "/v1/jobs") == route{kind::list});
  BOOST_TEST(find_route("HEAD", "/v1/jobs") == route{kind::list});
  BOOST_TEST(find_route("DELETE", "/v1/jobs") == route{kind::cancel_all});
  BOOST_TEST(find_route("POST", "/v1/jobs/batch") == route{kind::submit_batch});
  BOOST_TEST(find_route("POST", "/v1/jobs/retry") == route{kind::retry_all});
  BOOST_TEST(find_route("GET", "/v1/events") == route{kind::events});
  BOOST_TEST(find_route("GET", "/v1/workers") == route{kind::workers});
  BOOST_TEST(find_route("GET", "/v1/stats") == route{kind::stats});
  BOOST_TEST(find_route("GET", "/healthz") == route{kind::healthz});
  BOOST_TEST(find_route("HEAD", "/healthz") == route{kind::healthz});
}

BOOST_AUTO_TEST_CASE(known_parts_of_a_job_are_found) {
  BOOST_TEST(find_route("GET", "/v1/jobs/7") == (route{kind::get, 7}));
  BOOST_TEST(find_route("HEAD", "/v1/jobs/9223372036854775807") == (route{kind::get, INT64_MAX}));
  BOOST_TEST(find_route("DELETE", "/v1/jobs/7") == (route{kind::cancel, 7}));
  BOOST_TEST(find_route("POST", "/v1/jobs/7/retry") == (route{kind::retry, 7}));
  for (const auto* method : {"GET", "HEAD"}) {
    BOOST_TEST(find_route(method, "/v1/jobs/7/history") == (route{kind::history, 7}));
    BOOST_TEST(find_route(method, "/v1/jobs/7/explain") == (route{kind::explain, 7}));
  }
  BOOST_TEST(find_route("GET", "/v1/jobs/7/events") == (route{kind::job_events, 7}));
}

BOOST_AUTO_TEST_CASE(queues_are_found_by_their_names) {
  BOOST_TEST(find_route("GET", "/v1/queues") == route{kind::queues});
  BOOST_TEST(find_route("HEAD", "/v1/queues") == route{kind::queues});
  BOOST_TEST(find_route("POST", "/v1/queues/a.b:c/pause?x") == (route{kind::pause, 0, "x", {}, "a.b:c"}));
  BOOST_TEST(find_route("POST", "/v1/queues/pause/resume") == (route{kind::resume, 0, {}, {}, "pause"}));
  for (const auto* path : {"/v1/queues/", "/v1/queues/a", "/v1/queues//pause", "/v1/queues/a%20b/pause",
                           "/v1/queues/a/pause/", "/v1/queues/a/stop", "/v1/queuesx"})
    BOOST_TEST(find_route("POST", path) == route{kind::not_found}, path);
}

BOOST_AUTO_TEST_CASE(other_paths_are_not_found_whatever_the_method) {
  for (const auto* path : {"/",
                           "",
                           "*",
                           "/v1",
                           "/v1/job",
                           "/v1/jobs/",
                           "/v1/jobs//",
                           "/v1/jobs//retry",
                           "/v1/jobsx",
                           "/v1/jobs/1/",
                           "/v1/jobs/1/log",
                           "/v1/jobs/1/retry/",
                           "/v1/jobs/1/historyx",
                           "/v1/jobs/1/retry/2",
                           "/v1/jobs/batch/",
                           "/v1/jobs/retry/1",
                           "/v1/events/",
                           "/v1/events/1",
                           "/v2/jobs",
                           "/V1/jobs",
                           "//v1/jobs",
                           "/v1/jobs#a",
                           "/v1/%6aobs",
                           "/healthz/",
                           "/healthz2"})
    for (const auto* method : {"GET", "POST", "DELETE"})
      BOOST_TEST(find_route(method, path) == route{kind::not_found}, method << ' ' << path);
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_told_which_are_right) {
  const auto refuses = [](std::string_view method, std::string_view path, std::string_view allowed) {
    const auto found = find_route(method, path);
    BOOST_TEST((found.what == kind::method_not_allowed), method << ' ' << path);
    BOOST_TEST(found.allowed == allowed);
  };
  for (const auto* method : {"PUT", "PATCH", "OPTIONS", "post", ""}) {
    refuses(method, "/v1/jobs", "GET, HEAD, POST, DELETE");
    refuses(method, "/v1/jobs/7", "GET, HEAD, DELETE");
    refuses(method, "/v1/jobs/7/history", "GET, HEAD");
    refuses(method, "/v1/jobs/7/explain", "GET, HEAD");
    refuses(method, "/healthz", "GET, HEAD");
  }
  for (const auto* method : {"GET", "HEAD", "DELETE", "PUT"}) {
    refuses(method, "/v1/jobs/batch", "POST");
    refuses(method, "/v1/jobs/retry", "POST");
    refuses(method, "/v1/jobs/7/retry", "POST");
    refuses(method, "/v1/queues/a/pause", "POST");
    refuses(method, "/v1/queues/a/resume", "POST");
  }
  for (const auto* method : {"HEAD", "POST", "DELETE"}) {
    refuses(method, "/v1/jobs/7/events", "GET");
    refuses(method, "/v1/events", "GET");
  }
  refuses("POST", "/v1/queues", "GET, HEAD");
  refuses("POST", "/v1/jobs/7", "GET, HEAD, DELETE");
}

BOOST_AUTO_TEST_CASE(only_a_canonical_positive_number_is_an_id) {
  for (const auto* id : {"0", "-1", "+1", "01", "1.0", "1e3", "0x1", "1a", "a", "%31", " 1", "1 ",
                         "9223372036854775808", "18446744073709551617", "99999999999999999999999999"})
    for (const auto* part : {"", "/history", "/explain", "/events"}) {
      const auto found = find_route("GET", std::string{"/v1/jobs/"} + id + part);
      BOOST_TEST(jobd::http::has_id(found.what), id);
      BOOST_TEST(found.id == 0, id);
    }
}

BOOST_AUTO_TEST_CASE(a_query_is_kept_apart) {
  BOOST_TEST(find_route("GET", "/v1/jobs?limit=1&x?y").query == "limit=1&x?y");
  BOOST_TEST(find_route("GET", "/v1/jobs/7?&wait").query == "&wait");
  BOOST_TEST(find_route("POST", "/v1/jobs?") == route{kind::submit});
  BOOST_TEST((find_route("GET", "/nowhere?x=1").what == kind::not_found));
  BOOST_TEST((find_route("PUT", "/v1/jobs?x=1").what == kind::method_not_allowed));
}

BOOST_AUTO_TEST_CASE(an_absolute_target_is_its_path) {
  BOOST_TEST(find_route("GET", "http://example.org/v1/jobs/7") == (route{kind::get, 7}));
  BOOST_TEST(find_route("POST", "http://[::1]:3000/v1/jobs") == route{kind::submit});
  BOOST_TEST(find_route("GET", "http://example.org") == route{kind::not_found});
}

BOOST_AUTO_TEST_CASE(only_a_batch_may_have_a_long_body) {
  for (const auto* target : {"/v1/jobs/batch", "/v1/jobs/batch?x=1", "http://h/v1/jobs/batch"})
    BOOST_TEST(most_body_bytes("POST", target) == jobd::limits::batch_bytes);
  BOOST_TEST(most_body_bytes("GET", "/v1/jobs/batch") == jobd::limits::body_bytes);
  for (const auto* target :
       {"/v1/jobs", "/v1/jobs/batches", "/v1/jobs/batch/", "/v1/jobs?/v1/jobs/batch", ""})
    BOOST_TEST(most_body_bytes("POST", target) == jobd::limits::body_bytes);
}

BOOST_AUTO_TEST_SUITE_END()
