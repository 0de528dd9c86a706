#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(layering)

namespace {

namespace fs = std::filesystem;

/// A folder may include itself and these.
const auto allowed = std::map<std::string, std::set<std::string>>{
    {"core", {}},
    {"storage", {"core"}},
    {"queue", {"core"}},
    {"execution", {"core"}},
    {"actors", {"core", "storage", "queue", "execution"}},
    {"http", {"core", "storage", "queue", "execution", "actors"}},
    {"app", {"core", "storage", "queue", "execution", "actors", "http"}},
};

/// One `#include` of one file.
struct include {
  /// From the root: `core/job.hpp`.
  std::string file;
  std::string folder;
  int line = 0;
  /// As it is written, without quotes or brackets.
  std::string what;

  [[nodiscard]] bool in_header() const { return file.ends_with(".hpp"); }
  [[nodiscard]] bool in_files(const std::string& start) const { return file.starts_with(start); }
  [[nodiscard]] std::string what_folder() const { return what.substr(0, what.find('/')); }
};

void read_includes(const fs::path& path, const std::string& file, std::vector<include>& out) {
  auto stream = std::ifstream{path};
  auto number = 0;
  for (auto line = std::string{}; std::getline(stream, line);) {
    ++number;
    const auto hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#' || line.find("include", hash) == std::string::npos)
      continue;
    const auto open = line.find_first_of("\"<");
    const auto close = line.find_first_of("\">", open + 1);
    if (open != std::string::npos && close != std::string::npos)
      out.push_back({file, file.substr(0, file.find('/')), number, line.substr(open + 1, close - open - 1)});
  }
}

const std::vector<include>& all_includes() {
  static const auto all = [] {
    auto found = std::vector<include>{};
    for (const auto& [folder, unused] : allowed)
      for (const auto& entry : fs::recursive_directory_iterator{fs::path{JOBD_SOURCE_DIR} / folder})
        if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cpp")
          read_includes(entry.path(), fs::relative(entry.path(), JOBD_SOURCE_DIR).string(), found);
    return found;
  }();
  return all;
}

/// Every include that breaks a rule is an error that names its place.
void check(const std::string& rule, const std::function<bool(const include&)>& breaks) {
  for (const auto& i : all_includes())
    BOOST_TEST(!breaks(i), i.file << ":" << i.line << ": includes " << i.what << ", but " << rule);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_folder_is_there_and_has_includes) {
  for (const auto& [folder, unused] : allowed) {
    const auto of_folder = [&name = folder](const include& i) { return i.folder == name; };
    BOOST_TEST(std::ranges::any_of(all_includes(), of_folder), folder);
  }
}

BOOST_AUTO_TEST_CASE(a_folder_includes_only_what_lies_left_of_it) {
  check("the order is core, then storage, queue and execution, then actors, http, app", [](const include& i) {
    const auto to = i.what_folder();
    return (allowed.contains(to) || to == "tests") && to != i.folder && !allowed.at(i.folder).contains(to);
  });
}

BOOST_AUTO_TEST_CASE(a_path_starts_at_the_root) {
  check("paths have no dots and start at the root", [](const include& i) {
    return i.what.starts_with(".")
           || (fs::exists(fs::path{JOBD_SOURCE_DIR} / i.folder / i.what)
               && !allowed.contains(i.what_folder()));
  });
}

BOOST_AUTO_TEST_CASE(actors_are_unknown_to_what_they_carry) {
  check("core, storage, queue and execution never see CAF", [](const include& i) {
    const auto plain = std::set<std::string>{"core", "storage", "queue", "execution"};
    return i.what.starts_with("caf/") && plain.contains(i.folder);
  });
}

BOOST_AUTO_TEST_CASE(each_library_is_met_in_one_place) {
  check("libpq-fe.h belongs to storage/postgres_*",
        [](const include& i) { return i.what == "libpq-fe.h" && !i.in_files("storage/postgres_"); });
  check("sqlite3.h belongs to storage/sqlite_*",
        [](const include& i) { return i.what == "sqlite3.h" && !i.in_files("storage/sqlite_"); });
  check("hiredis belongs to queue/redis_*",
        [](const include& i) { return i.what.starts_with("hiredis") && !i.in_files("queue/redis_"); });
  check("RESTinio belongs to http/",
        [](const include& i) { return i.what.starts_with("restinio/") && i.folder != "http"; });
  check("OpenSSL belongs to http/digest.cpp and http/tls.cpp", [](const include& i) {
    return i.what.starts_with("openssl/") && i.file != "http/digest.cpp" && i.file != "http/tls.cpp";
  });
  check("prometheus-cpp belongs to core/metrics.cpp",
        [](const include& i) { return i.what.starts_with("prometheus/") && i.file != "core/metrics.cpp"; });
  check("spdlog belongs to core/log.cpp",
        [](const include& i) { return i.what.starts_with("spdlog/") && i.file != "core/log.cpp"; });
}

BOOST_AUTO_TEST_CASE(headers_never_include_a_whole_library) {
  check("it makes every file that includes it slow to compile", [](const include& i) {
    return i.in_header()
           && (i.what == "caf/all.hpp" || i.what == "restinio/all.hpp" || i.what == "tao/json.hpp");
  });
}

BOOST_AUTO_TEST_CASE(every_header_is_included_once_whoever_asks) {
  for (const auto& [folder, unused] : allowed)
    for (const auto& entry : fs::recursive_directory_iterator{fs::path{JOBD_SOURCE_DIR} / folder}) {
      if (entry.path().extension() != ".hpp")
        continue;
      auto first = std::string{};
      auto file = std::ifstream{entry.path()};
      std::getline(file, first);
      BOOST_TEST(first == "#pragma once", entry.path().string());
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
