#pragma once

#include "core/error.hpp"
#include "core/job.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Tells idle workers at once that there is work, and those who watch what happened. It holds hints and news,
/// never truth: it may lose or repeat them.
namespace jobd::queue {

/// Two streams of messages from any node to all that read them.
enum class stream : std::uint8_t {
  /// What happened to jobs. Kept for readers that come back; need not be written while nobody attends.
  events,
  /// Runs that are to end: for workers.
  cancels,
};

struct message {
  /// Its place in the stream, where a reader goes on: `number-number`, growing with each message.
  std::string id;
  std::string text;
};

/// A place of a stream, in the order of its messages.
struct place {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  friend auto operator<=>(const place&, const place&) = default;
};
/// Reads an id; nothing if no message can have it.
[[nodiscard]] std::optional<place> read_place(std::string_view id) noexcept;

/// A run as a message of `stream::cancels`: `id attempt`.
[[nodiscard]] std::string to_text(const run_key& run);
/// Nothing if it is none.
[[nodiscard]] std::optional<run_key> read_run(std::string_view text) noexcept;

/// The contract that every queue keeps (tests/contract/queue.cpp runs over all of them).
///
/// One `job_queue` is one connection: not thread-safe, owned by one actor. Every call connects if it must.
/// Error of every call: `ec::queue_away`; the connection is then closed and the next call opens a new one. No
/// call lasts longer than the deadline that the queue was made with (`pop`: plus its wait), also on a
/// half-open connection.
class job_queue {
public:
  virtual ~job_queue() = default;

  /// Adds the hints, or none; one that is there already changes nothing. True if somebody attends to
  /// `stream::events`.
  [[nodiscard]] virtual expected<bool> push(std::span<const hint> hints) = 0;

  /// Takes at most `most` hints from the first of `queues` that has any, the most urgent first, then first
  /// in, first out; what is in the queue but no hint is dropped. Waits up to `wait` for one; none is an empty
  /// list, not an error. No queues, or `most` under 1, returns an empty list at once.
  [[nodiscard]] virtual expected<std::vector<hint>> pop(std::span<const std::string> queues, int most,
                                                        std::chrono::milliseconds wait) = 0;

  /// Appends messages; each is kept until some thousand newer ones are there.
  [[nodiscard]] virtual expected<void> publish(stream to, std::span<const std::string> texts) = 0;
  /// From its return on and for so long, `push` says that somebody attends.
  [[nodiscard]] virtual expected<void> attend(std::chrono::milliseconds time) = 0;
  /// The messages after the one of id `after`, at most some hundred, in order; waits up to `wait` for one.
  /// `ec::invalid` if no message can have that id.
  [[nodiscard]] virtual expected<std::vector<message>> read(stream from, const std::string& after,
                                                            std::chrono::milliseconds wait) = 0;
  /// The id of the newest message, to read on from there; `0-0` if there is none.
  [[nodiscard]] virtual expected<std::string> newest(stream of) = 0;

  /// Hints in the queue.
  [[nodiscard]] virtual expected<std::int64_t> size(const std::string& queue) = 0;
};

} // namespace jobd::queue
