#include "http/query.hpp"

#include "http/cursor.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace jobd;
using namespace std::chrono_literals;
using enum http::parameter;

namespace {

constexpr auto all = http::parameters{status, type, queue, object_id, created_after, limit, cursor, wait};

http::query read(std::string_view text) {
  const auto q = http::parse_query(text, all);
  BOOST_TEST(q.has_value(), text << ": " << (q ? "" : q.error().rule));
  return q.value_or(http::query{});
}

void refuses(const std::vector<std::string>& texts, std::string_view name, std::string_view rule,
             http::parameters known = all) {
  for (const auto& text : texts) {
    const auto q = http::parse_query(text, known);
    BOOST_TEST(!q.has_value(), text);
    if (q)
      continue;
    BOOST_TEST(q.error().name == name, text);
    BOOST_TEST(q.error().rule == rule, text);
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(query)

BOOST_AUTO_TEST_CASE(all_parameters_are_read) {
  const auto q = read("status=failed&type=mail:v1&queue=fast&object_id=-7&created_after=2026-01-31T12:00:00Z"
                      "&limit=1000&wait=1.5&cursor="
                      + http::to_cursor(5));
  BOOST_TEST((q.filter.status == job_status::failed));
  BOOST_TEST(q.filter.type.value() == "mail:v1");
  BOOST_TEST(q.filter.queue.value() == "fast");
  BOOST_TEST(q.filter.object_id.value() == -7);
  BOOST_TEST((q.filter.created_after == *parse_rfc3339("2026-01-31T12:00:00Z")));
  BOOST_TEST(q.limit.value() == 1000);
  BOOST_TEST(q.before.value() == 5);
  BOOST_TEST((q.wait == 1500ms));
}

BOOST_AUTO_TEST_CASE(an_empty_query_says_nothing) {
  for (const auto* text : {"", "&", "&&&"}) {
    const auto q = read(text);
    BOOST_TEST(!q.has_filter());
    BOOST_TEST(!q.limit.has_value());
    BOOST_TEST(!q.before.has_value());
    BOOST_TEST(!q.wait.has_value());
  }
}

BOOST_AUTO_TEST_CASE(only_what_chooses_jobs_is_a_filter) {
  BOOST_TEST(!read("limit=5&wait=1&cursor=" + http::to_cursor(1)).has_filter());
  for (const auto* text :
       {"status=created", "type=a", "queue=a", "object_id=0", "created_after=2026-01-31T12:00:00Z"})
    BOOST_TEST(read(text).has_filter(), text);
}

BOOST_AUTO_TEST_CASE(escapes_are_decoded_in_values_only) {
  BOOST_TEST(read("type=%6dail%3Av1").filter.type.value() == "mail:v1");
  // A plus is no space: times have one.
  for (const auto* time : {"2026-01-31T12%3a00:00+01:00", "2026-01-31T12:00:00%2B01:00"})
    BOOST_TEST((read(std::string{"created_after="} + time).filter.created_after
                == *parse_rfc3339("2026-01-31T11:00:00Z")));
  refuses({"%74ype=a"}, "%74ype",
          "unknown query parameter \"%74ype\": known here: status, type, queue, object_id, created_after, "
          "limit, cursor, wait");
  refuses({"type=%", "type=%6", "type=%6g", "type=%+1", "type=%-1", "type=a%%", "type=% 6", "type=%0x"},
          "type", "type has a % that is not followed by two hexadecimal digits");
}

BOOST_AUTO_TEST_CASE(unknown_and_repeated_parameters_are_refused) {
  refuses({"x", "x=1", "&&x=1&type=a", "x=1&x=2"}, "x",
          "unknown query parameter \"x\": known here: type, queue", {type, queue});
  refuses({"wait=1"}, "wait", "unknown query parameter \"wait\": none is known here", {});
  refuses({"=1"}, "", "unknown query parameter \"\": none is known here", {});
  refuses({"type=a&type=a", "type=a&queue=b&type="}, "type", "type is given twice");
}

BOOST_AUTO_TEST_CASE(each_value_out_of_its_range_is_refused) {
  refuses({"status", "status=", "status=Failed", "status=created,running", "status=%00"}, "status",
          "status must be one of created, running, success, failed and cancelled");
  for (const std::string name : {"type", "queue"})
    refuses({name, name + "=", name + "=a%20b", name + "=a+b", name + "=%00", name + "=a=b",
             name + "=" + std::string(65, 'a')},
            name, name + " must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
  refuses({"object_id", "object_id=", "object_id=x", "object_id=1.0", "object_id=+1", "object_id=1e3",
           "object_id=9223372036854775808", "object_id= 1", "object_id=1 ", "object_id=1%00"},
          "object_id", "object_id must be an integer from -9223372036854775808 to 9223372036854775807");
  refuses({"created_after=", "created_after=yesterday", "created_after=2026-01-31",
           "created_after=2026-01-31T12:00:00 01:00"},
          "created_after", "created_after must be a time as in 2026-01-31T12:00:00Z (RFC 3339)");
  refuses({"limit=", "limit=0", "limit=-1", "limit=1001", "limit=1.0", "limit=all", "limit=99999999999"},
          "limit", "limit must be an integer from 1 to 1000");
  refuses({"wait=", "wait=-1", "wait=60.1", "wait=1e1", "wait=nan", "wait=inf", "wait=-inf", "wait=1s",
           "wait=,5", "wait=0x1"},
          "wait", "wait must be a number of seconds from 0 to 60");
  refuses({"cursor=", "cursor=1", "cursor=null"}, "cursor", "cursor must be the next_cursor of an answer");
}

BOOST_AUTO_TEST_CASE(a_wait_may_have_fractions) {
  BOOST_TEST((read("wait=0").wait == 0ms));
  BOOST_TEST((read("wait=60").wait == 60s));
  BOOST_TEST((read("wait=0.25").wait == 250ms));
  BOOST_TEST((read("wait=0.0001").wait == 1ms));
}

BOOST_AUTO_TEST_CASE(the_next_page_has_the_same_filter) {
  const auto text = std::string{"status=failed&type=mail:v1&queue=fast&object_id=-7&"
                                "created_after=2026-01-31T12:00:00.000000Z&limit=10&cursor="};
  BOOST_TEST(http::next_page(read(text + http::to_cursor(9)), 5) == text + http::to_cursor(5));
  BOOST_TEST(http::next_page(read("created_after=2026-01-31T12:00:00%2B01:00"), 5)
             == "created_after=2026-01-31T11:00:00.000000Z&cursor=" + http::to_cursor(5));
  BOOST_TEST(http::next_page({}, 5) == "cursor=" + http::to_cursor(5));
}

BOOST_AUTO_TEST_SUITE_END()
