#include "http/event_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace jobd;

namespace {

/// What a client would see, and what it has not taken.
struct seen {
  int status = 0;
  std::string content_type;
  std::string text;
  bool closed = false;
  bool aborted = false;
  http::channel::backlog waiting;
  /// Takes nothing more.
  bool stuck = false;
  bool broken = false;
};

class fake_channel final : public http::channel {
public:
  explicit fake_channel(seen& s) : s_(s) {}

  void answer(http::reply r) override { open(std::move(r)); }
  void open(http::reply r) override {
    s_.status = r.status;
    s_.content_type = r.content_type;
  }
  void write(std::string text) override {
    s_.text += text;
    if (s_.stuck) {
      ++s_.waiting.writes;
      s_.waiting.bytes += text.size();
    }
  }
  void close() override { s_.closed = true; }
  void abort() override { s_.aborted = true; }
  [[nodiscard]] backlog waiting() const override { return s_.waiting; }
  [[nodiscard]] bool broken() const override { return s_.broken; }

private:
  seen& s_;
};

job_event event(job_status status) {
  return {.id = 7,
          .object_id = 3,
          .type = "mail",
          .queue = "fast",
          .status = status,
          .attempt = 1,
          .progress = {}};
}

struct world {
  seen client;
  std::shared_ptr<http::event_stream> of_job = make(true);

  std::shared_ptr<http::event_stream> make(bool of_one_job) {
    return std::make_shared<http::event_stream>(std::make_unique<fake_channel>(client), nullptr, of_one_job);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(event_stream, world)

BOOST_AUTO_TEST_CASE(an_event_is_written_as_the_standard_has_it) {
  BOOST_TEST(
      http::to_text("5-1", event(job_status::running))
      == "id: 5-1\nevent: status\ndata: {\"job_id\":7,\"object_id\":3,\"type\":\"mail\",\"queue\":\"fast\","
         "\"status\":\"running\",\"attempt\":1}\n\n");
  BOOST_TEST(http::to_text("", event(job_status::running)).starts_with("event: status\n"));
}

BOOST_AUTO_TEST_CASE(line_breaks_in_a_progress_do_not_end_its_line) {
  auto e = event(job_status::running);
  e.progress = "{\n\"percent\":\r\n5}";
  const auto text = http::to_text("1", e);
  BOOST_TEST(text.starts_with("id: 1\nevent: progress\ndata: {"));
  BOOST_TEST(text.ends_with("\"progress\":{ \"percent\":  5}}\n\n"));
}

BOOST_AUTO_TEST_CASE(nothing_is_answered_before_the_first_event) {
  BOOST_TEST(client.status == 0);
  BOOST_TEST(of_job->deliver("1", event(job_status::created)));
  BOOST_TEST(client.status == 200);
  BOOST_TEST(client.content_type == "text/event-stream");
  BOOST_TEST(client.text.starts_with("retry: 2000\n\nid: 1\nevent: status\n"));
}

BOOST_AUTO_TEST_CASE(a_stream_of_all_events_is_answered_at_once) {
  const auto all = make(false);
  all->open();
  BOOST_TEST(client.status == 200);
  BOOST_TEST(client.text == "retry: 2000\n\n");
  BOOST_TEST(all->deliver("1", event(job_status::success)));
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_not_there_is_404) {
  of_job->end({ec::not_found, ""});
  BOOST_TEST(client.status == 404);
  BOOST_TEST(client.content_type == "application/problem+json");
  BOOST_TEST(!client.closed);
  BOOST_TEST(!of_job->alive());
}

BOOST_AUTO_TEST_CASE(the_final_status_of_its_job_ends_a_stream) {
  BOOST_TEST(of_job->deliver("1", event(job_status::running)));
  auto progress = event(job_status::running);
  progress.progress = "{}";
  BOOST_TEST(of_job->deliver("2", progress));
  BOOST_TEST(!client.closed);
  BOOST_TEST(!of_job->deliver("3", event(job_status::failed)));
  BOOST_TEST(client.closed);
  BOOST_TEST(!client.aborted);
  const auto text = client.text;
  BOOST_TEST(!of_job->deliver("4", event(job_status::created)));
  of_job->end({});
  of_job->beat();
  BOOST_TEST(client.text == text);
}

BOOST_AUTO_TEST_CASE(an_end_without_events_is_an_empty_stream) {
  of_job->end({});
  BOOST_TEST(client.status == 200);
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(a_beat_is_a_comment) {
  of_job->deliver("1", event(job_status::created));
  const auto before = client.text;
  of_job->beat();
  BOOST_TEST(client.text == before + ": heartbeat\n\n");
}

BOOST_AUTO_TEST_CASE(a_stream_that_never_gets_an_event_is_503) {
  of_job->beat();
  BOOST_TEST(client.status == 0);
  of_job->beat();
  BOOST_TEST(client.status == 503);
  BOOST_TEST(!of_job->deliver("1", event(job_status::created)));
}

BOOST_AUTO_TEST_CASE(a_reader_with_too_many_events_waiting_is_dropped) {
  of_job->deliver("1", event(job_status::running));
  client.stuck = true;
  auto taken = 0;
  while (taken < 2'000 && of_job->deliver("2", event(job_status::running)))
    ++taken;
  BOOST_TEST(taken == 1'000);
  BOOST_TEST(client.aborted);
  BOOST_TEST(!of_job->alive());
}

BOOST_AUTO_TEST_CASE(a_reader_with_too_much_waiting_is_dropped) {
  auto large = event(job_status::running);
  large.progress = '"' + std::string(8'000, 'x') + '"';
  client.stuck = true;
  auto taken = 0;
  while (taken < 2'000 && of_job->deliver("2", large))
    ++taken;
  BOOST_TEST(taken == 32);
  BOOST_TEST(client.aborted);
}

BOOST_AUTO_TEST_CASE(a_client_that_left_is_noticed) {
  of_job->deliver("1", event(job_status::running));
  BOOST_TEST(of_job->alive());
  client.broken = true;
  BOOST_TEST(!of_job->alive());
  BOOST_TEST(!of_job->deliver("2", event(job_status::running)));
}

BOOST_AUTO_TEST_CASE(a_stream_that_nobody_feeds_any_more_ends) {
  of_job.reset();
  BOOST_TEST(client.status == 503);
  client = {};
  of_job = make(true);
  of_job->deliver("1", event(job_status::running));
  of_job.reset();
  BOOST_TEST(client.closed);
}

BOOST_AUTO_TEST_CASE(stop_ends_all_streams_and_those_that_come_later) {
  auto streams = http::event_streams{10};
  streams.add(of_job);
  of_job->deliver("1", event(job_status::running));
  streams.stop();
  BOOST_TEST(client.closed);
  client = {};
  const auto late = make(true);
  streams.add(late);
  BOOST_TEST(client.status == 503);
}

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_a_slow_client) {
  auto streams = http::event_streams{10};
  streams.add(of_job);
  client.stuck = true;
  of_job->deliver("1", event(job_status::running));
  streams.stop();
  BOOST_TEST(client.aborted);
  BOOST_TEST(!client.closed);
}

BOOST_AUTO_TEST_CASE(a_place_is_free_when_its_stream_is_gone) {
  auto streams = http::event_streams{1};
  auto first =
      std::make_shared<http::event_stream>(std::make_unique<fake_channel>(client), streams.enter(), true);
  BOOST_TEST(streams.enter() == nullptr);
  first.reset();
  BOOST_TEST(streams.enter() != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
