#pragma once

#include "core/error.hpp"

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

/// What is asked of libcrypto.
namespace jobd::http {

using digest = std::array<unsigned char, 32>;

/// SHA-256 of the parts, one after the other. `ec::internal` if libcrypto has none.
[[nodiscard]] expected<digest> sha256(std::initializer_list<std::string_view> parts);

/// In a time that tells nothing about where they differ.
[[nodiscard]] bool same(const digest& a, const digest& b);

/// 256 bits that nobody can guess. `ec::internal` if there are none to have.
[[nodiscard]] expected<digest> random_bits();

/// In lower case.
[[nodiscard]] std::string to_hex(const digest& d);

} // namespace jobd::http
