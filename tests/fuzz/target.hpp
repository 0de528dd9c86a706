#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

/// What the fuzz targets share. Each source is one target, named like its file: it defines
/// `LLVMFuzzerTestOneInput`, which libFuzzer calls with bytes of any kind (`./dev fuzz`) and corpus.cpp with
/// the files of its corpus.
namespace jobd::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Throws unless `fact` holds. To libFuzzer that is a crash like any other, as nobody catches it.
inline void ensure(bool fact, std::source_location at = std::source_location::current()) {
  if (!fact)
    throw std::logic_error{std::string{at.file_name()} + ":" + std::to_string(at.line())
                           + ": this does not hold"};
}

} // namespace jobd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
