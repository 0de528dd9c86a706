#pragma once

#include "core/error.hpp"

#include <filesystem>
#include <string>

namespace jobd::storage {

/// The folder that holds the file of an embedded store, for one process at a time: the lock goes with the
/// process, however it ends.
class data_folder {
public:
  /// Makes the folder, which only its owner may enter, if it is not there, and locks it. `ec::invalid` says
  /// who holds it, or why it cannot be written.
  [[nodiscard]] static expected<data_folder> take(const std::filesystem::path& folder);

  ~data_folder();
  data_folder(data_folder&& other) noexcept;
  data_folder& operator=(data_folder&&) = delete;

  /// Of the store in it.
  [[nodiscard]] std::string file() const { return (folder_ / "jobs.db").string(); }

private:
  data_folder(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

  std::filesystem::path folder_;
  int lock_;
};

} // namespace jobd::storage
