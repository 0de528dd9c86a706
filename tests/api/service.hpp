#pragma once

#include "tests/integration/cluster.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

/// jobd as its clients see it, on any ground.
namespace jobd::test {

/// An answer, and its body as JSON if it is any.
struct answer {
  int status = 0;
  json body = tao::json::null;
  http_answer raw;

  [[nodiscard]] std::string text(const std::string& key) const { return body.as<std::string>(key); }
  [[nodiscard]] std::int64_t number(const std::string& key) const { return body.as<std::int64_t>(key); }
};

/// Handlers of every service:
/// - `echo` succeeds at once, `fail` fails.
/// - `wait` runs until the file `go` is in the folder; it heeds TERM. `stubborn` does not.
/// - `report` tells a progress of 50 % and a log line, then waits likewise.
/// - `trace` succeeds with its TRACEPARENT as the result.
/// - `nobody` is a type that no worker has.
class service {
public:
  virtual ~service() = default;

  /// The same jobs by another node, where there is one.
  virtual jobd_process& node(int n = 0) = 0;
  /// Nobody hears of anything any more, but by looking. False where that cannot happen.
  virtual bool lose_redis() { return false; }

  answer call(const http_call& what);
  answer get(const std::string& path, int n = 0) { return call({.url = node(n).url(path)}); }
  answer del(const std::string& path) { return call({.method = "DELETE", .url = node().url(path)}); }
  answer post(const std::string& path, const json& body, std::vector<std::string> headers = {});
  answer post_text(const std::string& path, const std::string& body, std::vector<std::string> headers);
  /// Without a body.
  answer post(const std::string& path) { return call({.method = "POST", .url = node().url(path)}); }

  /// The id of a new job.
  std::int64_t submit(json job);
  [[nodiscard]] std::string status(std::int64_t id);
  [[nodiscard]] bool reaches(std::int64_t id, const std::string& status,
                             std::chrono::milliseconds limit = 15s);
  /// Lets the jobs that wait go.
  void go() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

protected:
  service();
  [[nodiscard]] std::string handlers() const { return (folder() / "handlers.json").string(); }

private:
  temp_folder folder_{"jobd-api"};
  http_client client_;
  int objects_ = 0;
};

/// Two API nodes and a worker.
class on_servers : public service, public cluster {
public:
  explicit on_servers(const settings& extra = {});
  jobd_process& node(int n = 0) override { return *apis_[n]; }
  bool lose_redis() override;
  using service::folder;
  using service::reaches;
  using service::status;

private:
  jobd_process* apis_[2] = {};
};

class on_a_file : public service {
public:
  explicit on_a_file(const settings& extra = {});
  jobd_process& node(int = 0) override { return process_; }

private:
  jobd_process process_;
};

using grounds = boost::mpl::list<on_servers, on_a_file>;

/// A stream of server-sent events.
class event_stream {
public:
  /// Asks for `path`; `headers` are whole lines.
  event_stream(jobd_process& from, const std::string& path, const std::string& headers = {});

  struct event {
    std::string id;
    std::string name;
    json data = tao::json::null;
  };
  /// The status line and the headers.
  [[nodiscard]] const std::string& head() const { return head_; }
  /// The next event; nothing if the stream ends or the time is over.
  std::optional<event> next(std::chrono::milliseconds within = 10s);
  /// Waits until the server has closed it.
  [[nodiscard]] bool ends(std::chrono::milliseconds within = 10s);

private:
  raw_connection connection_;
  std::string head_;
  std::string text_;
};

} // namespace jobd::test

/// A test case for each ground, as a function of the service `s`; what follows the name are its settings.
#define TEST_ON_EACH_GROUND(name, ...)                                                                       \
  static void name##_on(jobd::test::service& s);                                                             \
  BOOST_AUTO_TEST_CASE_TEMPLATE(name, Ground, jobd::test::grounds) {                                         \
    Ground s{__VA_ARGS__};                                                                                   \
    name##_on(s);                                                                                            \
  }                                                                                                          \
  static void name##_on(jobd::test::service& s)
