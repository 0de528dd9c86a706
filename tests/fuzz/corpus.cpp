#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Gives the target each file of its corpus, and nothing at all.
void run(const std::string& name, int (*target)(const std::uint8_t*, std::size_t)) {
  target(nullptr, 0);
  auto files = std::vector<fs::path>{};
  for (const auto& entry : fs::directory_iterator{fs::path{JOBD_CORPUS} / name})
    files.push_back(entry.path());
  std::ranges::sort(files);
  BOOST_TEST(!files.empty());
  for (const auto& path : files) {
    auto file = std::ifstream{path, std::ios::binary};
    const auto bytes = std::vector<char>{std::istreambuf_iterator{file}, {}};
    BOOST_TEST_CONTEXT(path)
    BOOST_CHECK_NO_THROW(target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(corpus)

// CMakeLists.txt gives the LLVMFuzzerTestOneInput of each target this name.
#define JOBD_CORPUS_OF(target)                                                                               \
  extern "C" int fuzz_##target(const std::uint8_t* data, std::size_t size);                                  \
  BOOST_AUTO_TEST_CASE(corpus_of_##target##_breaks_no_property) {                                            \
    run(#target, fuzz_##target);                                                                             \
  }

JOBD_CORPUS_OF(batch)
JOBD_CORPUS_OF(cursor)
JOBD_CORPUS_OF(event)
JOBD_CORPUS_OF(framing)
JOBD_CORPUS_OF(handler_file)
JOBD_CORPUS_OF(job_json)
JOBD_CORPUS_OF(progress)
JOBD_CORPUS_OF(query)

BOOST_AUTO_TEST_SUITE_END()
