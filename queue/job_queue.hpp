#pragma once

#include "core/error.hpp"
#include "core/job.hpp"

#include <chrono>
#include <span>
#include <string>
#include <vector>

/// Tells idle workers at once that there is work. It holds hints, never truth: it may lose or repeat them.
namespace jobd::queue {

/// The contract that every queue keeps (tests/contract/queue.cpp runs over all of them).
///
/// One `job_queue` is one connection: not thread-safe, owned by one actor. Every call connects if it must.
/// Error of every call: `ec::queue_away`; the connection is then closed and the next call opens a new one. No
/// call lasts longer than the deadline that the queue was made with (`pop`: plus its wait), also on a
/// half-open connection.
class job_queue {
public:
  virtual ~job_queue() = default;

  /// Adds the hints; one that is there already changes nothing.
  [[nodiscard]] virtual expected<void> push(std::span<const hint> hints) = 0;

  /// Takes at most `most` hints from the first of `queues` that has any, the most urgent first, then first
  /// in, first out; what is in the queue but no hint is dropped. Waits up to `wait` for one; none is an empty
  /// list, not an error. No queues, or `most` under 1, returns an empty list at once.
  [[nodiscard]] virtual expected<std::vector<hint>> pop(std::span<const std::string> queues, int most,
                                                        std::chrono::milliseconds wait) = 0;

  /// Hints in the queue.
  [[nodiscard]] virtual expected<std::int64_t> size(const std::string& queue) = 0;
};

} // namespace jobd::queue
