#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace jobd::http {

/// What several threads leave for one who takes it all together, so that what comes at a time wakes him once.
/// Thread-safe.
template <class T>
class inbox {
public:
  /// True if whoever takes has to be woken for it.
  [[nodiscard]] bool put(T one) {
    const auto lock = std::lock_guard{mutex_};
    if (closed_)
      return false;
    all_.push_back(std::move(one));
    return all_.size() == 1;
  }

  [[nodiscard]] std::vector<T> take() {
    const auto lock = std::lock_guard{mutex_};
    return std::exchange(all_, {});
  }

  /// Drops what is in it, and what is put into it from now on.
  void close() {
    const auto dropped = [this] {
      const auto lock = std::lock_guard{mutex_};
      closed_ = true;
      return std::exchange(all_, {});
    }();
  }

private:
  std::mutex mutex_;
  std::vector<T> all_;
  bool closed_ = false;
};

} // namespace jobd::http
