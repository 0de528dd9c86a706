#include "storage/postgres_parameters.hpp"

#include <bit>
#include <charconv>

namespace jobd::storage {
namespace {

/// Object ids of PostgreSQL's own types; they never change.
enum class type_oid : std::uint32_t {
  boolean = 16,
  int8 = 20,
  int4 = 23,
  text = 25,
  float8 = 701,
  timestamp = 1114
};

constexpr type_oid oid_of(bool) {
  return type_oid::boolean;
}
constexpr type_oid oid_of(std::int64_t) {
  return type_oid::int8;
}
constexpr type_oid oid_of(std::int32_t) {
  return type_oid::int4;
}
constexpr type_oid oid_of(double) {
  return type_oid::float8;
}
constexpr type_oid oid_of(timestamp) {
  return type_oid::timestamp;
}
constexpr type_oid oid_of(std::string_view) {
  return type_oid::text;
}

/// Network byte order.
template <class Unsigned>
void put_bits(std::string& out, Unsigned bits) {
  for (auto shift = int{sizeof bits} * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(bits >> shift));
}

void put_length(std::string& out, std::size_t bytes) {
  put_bits(out, static_cast<std::uint32_t>(bytes));
}

void put(std::string& out, std::int64_t number) {
  put_length(out, sizeof number);
  put_bits(out, static_cast<std::uint64_t>(number));
}

void put(std::string& out, std::int32_t number) {
  put_length(out, sizeof number);
  put_bits(out, static_cast<std::uint32_t>(number));
}

void put(std::string& out, bool truth) {
  put_length(out, 1);
  out.push_back(truth ? '\1' : '\0');
}

void put(std::string& out, double number) {
  put_length(out, sizeof number);
  put_bits(out, std::bit_cast<std::uint64_t>(number));
}

/// Microseconds since 2000.
void put(std::string& out, timestamp t) {
  constexpr auto epoch = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
  put(out, static_cast<std::int64_t>((t - epoch).count()));
}

void put(std::string& out, std::string_view text) {
  put_length(out, text.size());
  out.append(text);
}

/// One dimension, counted from 1; a null is the length -1.
template <class T>
parameters::value encode(const column<T>& values) {
  auto out = std::string{};
  put_bits(out, std::uint32_t{1});
  put_bits(out, std::uint32_t{1});
  put_bits(out, static_cast<std::uint32_t>(oid_of(T{})));
  put_length(out, values.size());
  put_bits(out, std::uint32_t{1});
  for (const auto& value : values) {
    if (value)
      put(out, *value);
    else
      put_bits(out, ~std::uint32_t{0});
  }
  return {std::move(out), true};
}

} // namespace

parameters& parameters::add(std::int64_t number) {
  values_.push_back({std::to_string(number), false});
  return *this;
}

parameters& parameters::add(std::optional<double> number) {
  if (!number)
    return add_null();
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, *number).ptr;
  values_.push_back({std::string{text, end}, false});
  return *this;
}

parameters& parameters::add(timestamp t) {
  values_.push_back({to_rfc3339(t), false});
  return *this;
}

parameters& parameters::add(std::string_view text) {
  values_.push_back({std::string{text}, false});
  return *this;
}

parameters& parameters::add_null() {
  values_.emplace_back();
  return *this;
}

parameters& parameters::add(const column<std::int64_t>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const column<std::int32_t>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const column<double>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const column<timestamp>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const column<std::string_view>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const column<bool>& values) {
  values_.push_back(encode(values));
  return *this;
}

parameters& parameters::add(const std::vector<std::string>& values) {
  return add(column<std::string_view>(values.begin(), values.end()));
}

} // namespace jobd::storage
