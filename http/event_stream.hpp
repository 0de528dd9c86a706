#pragma once

#include "actors/event_stream.hpp"
#include "http/channel.hpp"
#include "http/waiting_room.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

/// Events as a client reads them: `text/event-stream`, as the HTML standard has it (§9.2).
namespace jobd::http {

/// A client that has more than this to read is dropped.
inline constexpr auto most_waiting = channel::backlog{.writes = 1'000, .bytes = 256 << 10};

/// `id: 5\nevent: status\ndata: {…}\n\n`
[[nodiscard]] std::string to_text(const std::string& id, const job_event& e);

/// One stream of events. The answer begins with the first event, so that a job that is not there is a 404.
class event_stream final : public actors::event_reader {
public:
  /// `place` is held until nobody has the stream any more.
  event_stream(std::unique_ptr<channel> to, std::shared_ptr<void> place, bool of_one_job)
      : to_(std::move(to)), place_(std::move(place)), of_one_job_(of_one_job) {}
  /// Whoever should give it events has died.
  ~event_stream() override;

  bool deliver(const std::string& id, const job_event& e) override;
  void end(const error& why) override;
  [[nodiscard]] bool alive() const override;

  /// Begins the answer without waiting for an event.
  void open();
  /// Writes a comment, which keeps the connection alive and finds out whether the client is still there.
  void beat();

private:
  enum class state : std::uint8_t { silent, open, ended };

  void open_locked();
  bool write_locked(std::string text);
  void end_locked(const error& why);

  mutable std::mutex mutex_;
  std::unique_ptr<channel> to_;
  const std::shared_ptr<void> place_;
  const bool of_one_job_;
  state state_ = state::silent;
  int silent_beats_ = 0;
};

/// All streams of the server. Thread-safe.
class event_streams {
public:
  explicit event_streams(int most) : room_(std::make_shared<waiting_room>(metrics::event_readers, most)) {}

  /// A place for one more stream; null if there is none.
  [[nodiscard]] std::shared_ptr<void> enter() { return waiting_room::enter(room_); }
  /// Has it beat, and end at `stop`.
  void add(const std::shared_ptr<event_stream>& s);
  void beat();
  /// Ends all streams, also those that come later.
  void stop();

private:
  std::vector<std::shared_ptr<event_stream>> living();

  const std::shared_ptr<waiting_room> room_;
  std::mutex mutex_;
  /// Streams belong to whoever gives them events.
  std::vector<std::weak_ptr<event_stream>> all_;
  bool stopped_ = false;
};

} // namespace jobd::http
