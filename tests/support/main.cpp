#define BOOST_TEST_MODULE jobd
#include <boost/test/unit_test.hpp>
