// A worker with a handler in C++: the whole of jobd, and a function that makes thumbnails of PPM images.
//   {"type": "thumbnail", "object_id": 7, "payload": {"from": "photo.ppm", "to": "small.ppm", "size": 64}}

#include "app/program.hpp"

#include <tao/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace {

struct image {
  int width = 0;
  int height = 0;
  /// Red, green and blue of each pixel, row by row.
  std::vector<unsigned char> pixels;

  [[nodiscard]] const unsigned char* at(int x, int y) const {
    return &pixels[3 * (y * std::size_t(width) + x)];
  }
};

image read_ppm(const std::string& path) {
  auto file = std::ifstream{path, std::ios::binary};
  auto format = std::string{};
  auto most = 0;
  auto picture = image{};
  file >> format >> picture.width >> picture.height >> most;
  constexpr auto most_pixels = 1 << 28;
  if (!file || format != "P6" || most != 255 || picture.width < 1 || picture.height < 1
      || picture.width > most_pixels / picture.height)
    throw std::runtime_error{path + " is not a PPM image (P6, 8 bits)"};
  picture.pixels.resize(3 * std::size_t(picture.width) * picture.height);
  file.get();
  if (!file.read(reinterpret_cast<char*>(picture.pixels.data()), std::ssize(picture.pixels)))
    throw std::runtime_error{path + " ends too early"};
  return picture;
}

/// Each pixel is the mean of the box that it stands for.
image shrink(const image& from, int size, const std::stop_token& stop) {
  const auto longer = std::max({from.width, from.height, size});
  auto to = image{std::max(1, from.width * size / longer), std::max(1, from.height * size / longer), {}};
  for (auto y = 0; y < to.height && !stop.stop_requested(); ++y)
    for (auto x = 0; x < to.width; ++x) {
      auto sum = std::array<long, 3>{};
      auto count = 0L;
      for (auto v = y * from.height / to.height; v < (y + 1) * from.height / to.height; ++v)
        for (auto u = x * from.width / to.width; u < (x + 1) * from.width / to.width; ++u, ++count)
          for (auto c = 0; c < 3; ++c)
            sum[c] += from.at(u, v)[c];
      for (const auto part : sum)
        to.pixels.push_back(static_cast<unsigned char>(part / count));
    }
  return to;
}

/// Takes its place in one step: a run that is ended half-way leaves no half an image.
void write_ppm(const image& picture, const std::string& path, jobd::attempt_no attempt) {
  const auto unfinished = path + "." + std::to_string(attempt);
  auto file = std::ofstream{unfinished, std::ios::binary};
  file << "P6\n" << picture.width << ' ' << picture.height << "\n255\n";
  file.write(reinterpret_cast<const char*>(picture.pixels.data()), std::ssize(picture.pixels));
  if (!file.flush())
    throw std::runtime_error{path + " cannot be written"};
  std::filesystem::rename(unfinished, path);
}

/// What it throws becomes the job's message.
jobd::outcome thumbnail(const jobd::claimed_job& job, std::stop_token stop) {
  const auto payload = tao::json::from_string(job.payload);
  const auto size = payload.as<int>("size");
  if (size < 1 || size > 4096)
    throw std::runtime_error{"size must be from 1 to 4096"};
  const auto small = shrink(read_ppm(payload.as<std::string>("from")), size, stop);
  if (stop.stop_requested())
    return jobd::outcome::failed("stopped");
  write_ppm(small, payload.as<std::string>("to"), job.attempt);
  return jobd::outcome::succeeded(
      tao::json::to_string(tao::json::value{{"width", small.width}, {"height", small.height}}));
}

} // namespace

int main(int argc, char** argv) {
  auto handlers = jobd::execution::registry{};
  handlers.add_native("thumbnail", thumbnail);
  return jobd::app::run_program(argc, argv, std::move(handlers));
}
