#include "core/trace.hpp"

#include <boost/test/unit_test.hpp>

using namespace jobd;

namespace {

const auto good = std::string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};

std::string with(std::size_t at, char c) {
  auto text = good;
  text[at] = c;
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(trace)

BOOST_AUTO_TEST_CASE(a_traceparent_is_taken_as_it_is) {
  BOOST_TEST(read_traceparent(good).value() == good);
  // Version 00 may set flags that are not known yet.
  BOOST_TEST(read_traceparent(with(54, 'f')).value() == with(54, 'f'));
}

BOOST_AUTO_TEST_CASE(what_is_none_is_ignored) {
  for (auto n = std::size_t{0}; n < good.size(); ++n)
    BOOST_TEST(!read_traceparent(good.substr(0, n)).has_value(), n);
  for (auto at = std::size_t{0}; at < good.size(); ++at)
    for (const auto c : {'G', 'A', ' ', 'g'})
      BOOST_TEST(!read_traceparent(with(at, c)).has_value(), at << ' ' << c);
  BOOST_TEST(!read_traceparent(good + "-00").has_value());
  BOOST_TEST(!read_traceparent(good + " ").has_value());
  BOOST_TEST(!read_traceparent("ff" + good.substr(2)).has_value());
  BOOST_TEST(!read_traceparent("00-" + std::string(32, '0') + good.substr(35)).has_value());
  BOOST_TEST(!read_traceparent(good.substr(0, 36) + std::string(16, '0') + "-01").has_value());
}

BOOST_AUTO_TEST_CASE(a_later_version_is_read_as_version_00) {
  const auto later = "cc" + good.substr(2);
  BOOST_TEST(read_traceparent(later).value() == good);
  BOOST_TEST(read_traceparent(later + "-what-the-future-will-be").value() == good);
  BOOST_TEST(!read_traceparent(later + ".what").has_value());
  BOOST_TEST(read_traceparent("cc" + with(54, 'e').substr(2)).value() == with(54, '0'));
}

BOOST_AUTO_TEST_CASE(the_trace_is_named_by_its_id) {
  BOOST_TEST(trace_id(good).value() == "0af7651916cd43dd8448eb211c80319c");
  BOOST_TEST(!trace_id("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
