#include "storage/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace jobd::storage {
namespace {

namespace fs = std::filesystem;

tl::unexpected<error> cannot_write(const fs::path& path, int why) {
  return fail(ec::invalid, path.string() + " cannot be written: " + std::strerror(why));
}

/// As its holder wrote it; empty if it has not yet.
std::string holder(int lock) {
  auto text = std::array<char, 16>{};
  const auto n = pread(lock, text.data(), text.size(), 0);
  const auto pid = std::string{text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  return pid.substr(0, pid.find('\n'));
}

expected<void> make(const fs::path& folder) {
  auto failed = std::error_code{};
  if (fs::is_directory(folder, failed))
    return {};
  if (folder.has_parent_path())
    fs::create_directories(folder.parent_path(), failed);
  if (failed)
    return cannot_write(folder, failed.value());
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return cannot_write(folder, errno);
  return {};
}

} // namespace

expected<data_folder> data_folder::take(const fs::path& folder) {
  if (auto made = make(folder); !made)
    return tl::unexpected{made.error()};
  const auto lock = open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    return cannot_write(folder, errno);
  auto taken = data_folder{folder, lock};
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return cannot_write(folder, errno);
    const auto pid = holder(lock);
    return fail(ec::invalid,
                folder.string() + " is in use by " + (pid.empty() ? "another process" : "process " + pid));
  }
  const auto pid = std::to_string(getpid()) + '\n';
  if (ftruncate(lock, 0) != 0 || pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return cannot_write(folder, errno);
  return taken;
}

data_folder::data_folder(data_folder&& other) noexcept
    : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

data_folder::~data_folder() {
  if (lock_ >= 0)
    close(lock_);
}

} // namespace jobd::storage
