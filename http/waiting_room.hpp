#pragma once

#include "core/metrics.hpp"

#include <cstddef>
#include <limits>
#include <atomic>
#include <memory>

namespace jobd::http {

/// A bounded number of places, and of bytes that those who hold them brought along. Thread-safe.
class waiting_room {
public:
  /// `shown` is how many places are taken.
  waiting_room(metrics::gauge& shown, int places, std::size_t bytes = std::numeric_limits<std::size_t>::max())
      : shown_(shown), most_places_(places), most_bytes_(bytes) {}

  /// Holds one place; null if there is none.
  [[nodiscard]] static std::shared_ptr<void> enter(const std::shared_ptr<waiting_room>& room,
                                                   std::size_t bytes = 0);

private:
  metrics::gauge& shown_;
  const int most_places_;
  const std::size_t most_bytes_;
  std::atomic<int> places_{0};
  std::atomic<std::size_t> bytes_{0};
};

} // namespace jobd::http
