#include "http/event_stream.hpp"

#include "core/log.hpp"
#include "http/problem.hpp"

#include <algorithm>

namespace jobd::http {
namespace {

/// For how many beats a stream may be without its first event.
constexpr auto most_silent_beats = 2;

/// Proxies shall neither keep it nor hold it back; a client that lost it comes back after two seconds.
reply stream_head() {
  return {.content_type = "text/event-stream",
          .body = {},
          .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}};
}
constexpr auto stream_start = "retry: 2000\n\n";

} // namespace

std::string to_text(const std::string& id, const job_event& e) {
  auto data = to_json(e);
  // The progress is the handler's own text. A line break between its parts means no more than a space.
  std::ranges::replace_if(
      data, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  auto out = std::string{};
  if (!id.empty())
    out.append("id: ").append(id).append("\n");
  return out.append(e.progress ? "event: progress\ndata: " : "event: status\ndata: ")
      .append(data)
      .append("\n\n");
}

event_stream::~event_stream() {
  try {
    end_locked({ec::stopping, {}});
  } catch (const std::exception& e) {
    log::error("Event stream could not be ended", {{"error", e.what()}});
  }
}

bool event_stream::deliver(const std::string& id, const job_event& e) {
  const auto lock = std::lock_guard{mutex_};
  if (state_ == state::ended)
    return false;
  open_locked();
  if (!write_locked(to_text(id, e)))
    return false;
  if (of_one_job_ && !e.progress && is_final(e.status))
    end_locked({});
  return state_ == state::open;
}

void event_stream::end(const error& why) {
  const auto lock = std::lock_guard{mutex_};
  end_locked(why);
}

bool event_stream::alive() const {
  const auto lock = std::lock_guard{mutex_};
  return state_ == state::silent || (state_ == state::open && !to_->broken());
}

void event_stream::open() {
  const auto lock = std::lock_guard{mutex_};
  open_locked();
}

void event_stream::beat() {
  const auto lock = std::lock_guard{mutex_};
  if (state_ == state::open)
    write_locked(": heartbeat\n\n");
  else if (state_ == state::silent && ++silent_beats_ == most_silent_beats)
    end_locked({ec::store_away, "no answer in time"});
}

void event_stream::open_locked() {
  if (state_ != state::silent)
    return;
  to_->open(stream_head());
  state_ = state::open;
  write_locked(stream_start);
}

/// False if the stream has ended by it.
bool event_stream::write_locked(std::string text) {
  to_->write(std::move(text));
  const auto waiting = to_->waiting();
  if (!to_->broken() && waiting.writes <= most_waiting.writes && waiting.bytes <= most_waiting.bytes)
    return true;
  state_ = state::ended;
  to_->abort();
  return false;
}

void event_stream::end_locked(const error& why) {
  const auto before = std::exchange(state_, state::ended);
  // Nobody waits for a slow client to stop.
  if (before == state::open)
    return why.code == ec::stopping && to_->waiting().writes > 0 ? to_->abort() : to_->close();
  if (before == state::ended)
    return;
  if (why.code != ec::none)
    return to_->answer(problem::from(why));
  to_->open(stream_head());
  to_->close();
}

void event_streams::add(const std::shared_ptr<event_stream>& s) {
  auto late = false;
  {
    const auto lock = std::lock_guard{mutex_};
    all_.push_back(s);
    late = stopped_;
  }
  if (late)
    s->end({ec::stopping, {}});
}

void event_streams::beat() {
  for (const auto& s : living())
    s->beat();
}

void event_streams::stop() {
  {
    const auto lock = std::lock_guard{mutex_};
    stopped_ = true;
  }
  for (const auto& s : living())
    s->end({ec::stopping, {}});
}

std::vector<std::shared_ptr<event_stream>> event_streams::living() {
  const auto lock = std::lock_guard{mutex_};
  auto out = std::vector<std::shared_ptr<event_stream>>{};
  std::erase_if(all_, [&out](const auto& weak) {
    auto s = weak.lock();
    const auto dead = !s || !s->alive();
    if (!dead)
      out.push_back(std::move(s));
    return dead;
  });
  return out;
}

} // namespace jobd::http
