#include "tests/support/http_client.hpp"
#include "tests/support/jobd_process.hpp"
#include "tests/support/programs.hpp"

#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <fstream>
#include <sstream>

#include <unistd.h>

/// The handlers of examples/ as they are, in the worker program that is built beside them.

using namespace jobd::test;

namespace {

std::string content(const std::filesystem::path& path) {
  auto text = std::ostringstream{};
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return std::move(text).str();
}

struct example_worker {
  temp_folder folder{"examples"};
  jobd_process process{{program("JOBD_WITH_THUMBNAILS_PROGRAM", JOBD_WITH_THUMBNAILS_PROGRAM),
                        {"standalone"},
                        {{"HTTP_PORT", "0"},
                         {"JOBD_DATA", (folder.path() / "data").string()},
                         {"JOB_HANDLERS", JOBD_EXAMPLES "/handlers.json"}},
                        folder.path() / "log"}};
  http_client client;

  [[nodiscard]] std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  tao::json::value get(std::int64_t id) {
    return tao::json::from_string(client.get(process.url("/v1/jobs/" + std::to_string(id))).body);
  }

  /// The job when it is final.
  tao::json::value done(const tao::json::value& job) {
    const auto answer = client.post(process.url("/v1/jobs"), tao::json::to_string(job));
    BOOST_TEST_REQUIRE(answer.status == 201, answer.body << process.log());
    const auto id = tao::json::from_string(answer.body).as<std::int64_t>("job_id");
    BOOST_TEST_REQUIRE(eventually(
        [&] {
          const auto status = get(id).as<std::string>("status");
          return status != "created" && status != "running";
        },
        30s, 20ms));
    return get(id);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(examples, example_worker)

BOOST_AUTO_TEST_CASE(thumbnail_in_cpp_shrinks_an_image) {
  // Left half black, right half white.
  auto image = std::string{"P6\n200 100\n255\n"};
  for (auto y = 0; y < 100; ++y)
    image.append(300, '\0').append(300, '\xFF');
  std::ofstream{path("photo.ppm"), std::ios::binary} << image;

  const auto job = done({{"type", "thumbnail"},
                         {"object_id", 1},
                         {"payload", {{"from", path("photo.ppm")}, {"to", path("small.ppm")}, {"size", 4}}}});
  BOOST_TEST(job.as<std::string>("status") == "success", tao::json::to_string(job));
  BOOST_TEST(tao::json::to_string(job.at("result")) == R"({"height":2,"width":4})");
  const auto row = std::string(6, '\0') + std::string(6, '\xFF');
  BOOST_TEST((content(path("small.ppm")) == "P6\n4 2\n255\n" + row + row));
}

BOOST_AUTO_TEST_CASE(thumbnail_of_what_is_no_image_fails_and_says_why) {
  std::ofstream{path("text.ppm")} << "no image";
  const auto job = done({{"type", "thumbnail"},
                         {"object_id", 1},
                         {"payload", {{"from", path("text.ppm")}, {"to", path("small.ppm")}, {"size", 4}}}});
  BOOST_TEST(job.as<std::string>("status") == "failed");
  BOOST_TEST(job.as<std::string>("message").find("text.ppm is not a PPM image") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(webhook_in_python_is_delivered) {
  // To jobd itself: what is delivered is a job.
  const auto job = done({{"type", "webhook"},
                         {"object_id", 1},
                         {"payload", {{"url", process.url("/v1/jobs")}, {"body", {{"object_id", 77}}}}}});
  BOOST_TEST(job.as<std::string>("status") == "success", tao::json::to_string(job));
  BOOST_TEST(job.at("result").as<int>("status") == 201);
  const auto delivered = tao::json::from_string(job.at("result").as<std::string>("answer"));
  BOOST_TEST(get(delivered.as<std::int64_t>("job_id")).as<int>("object_id") == 77);
}

BOOST_AUTO_TEST_CASE(webhook_that_reaches_nobody_is_tried_again) {
  const auto nobody = "http://127.0.0.1:" + std::to_string(free_tcp_port());
  const auto job = done({{"type", "webhook"},
                         {"object_id", 1},
                         {"max_attempts", 2},
                         {"payload", {{"url", nobody}, {"body", tao::json::null}}}});
  BOOST_TEST(job.as<std::string>("status") == "failed");
  BOOST_TEST(job.as<int>("attempt") == 2);
  BOOST_TEST(job.as<std::string>("message").find("cannot be reached") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(archive_in_shell_compresses_an_upload_once) {
  // The handler file names /tmp/uploads; the id is this test's own.
  const auto uploads = std::filesystem::path{"/tmp/uploads"};
  const auto object = std::int64_t{1} << 40 | getpid();
  const auto file = uploads / std::to_string(object);
  const auto archive = file.string() + ".gz";
  std::filesystem::create_directories(uploads);
  std::ofstream{file} << std::string(10'000, 'x');

  const auto job = done({{"type", "archive"}, {"object_id", object}});
  BOOST_TEST(job.as<std::string>("status") == "success", tao::json::to_string(job));
  BOOST_TEST(job.at("result").as<int>("bytes") == 10'000);
  BOOST_TEST(!std::filesystem::exists(file));
  BOOST_TEST(jobd::test::run({"gzip", "-dc", archive}) == std::string(10'000, 'x'));
  std::filesystem::remove(archive);
}

BOOST_AUTO_TEST_SUITE_END()
