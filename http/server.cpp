#include "http/server.hpp"

#include "core/log.hpp"
#include "http/parser.hpp"
#include "http/problem.hpp"

#include <restinio/all.hpp>

#include <sys/resource.h>

#include <cerrno>
#include <charconv>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace jobd::http {
namespace {

namespace asio = restinio::asio_ns;

using namespace std::chrono_literals;

/// How long a client may take to send a request, or may keep a connection without one.
constexpr auto read_within = 60s;
/// How long a client may take to receive an answer.
constexpr auto write_within = 30s;
/// RESTinio closes without an answer if the bridge has not answered by then, which it always has.
constexpr auto handle_margin = 10s;
/// How long `stop` waits for the answers to what it has refused.
constexpr auto refused_within = 1s;
/// File descriptors for everything but HTTP connections.
constexpr auto spare_descriptors = rlim_t{200};
/// Connections beyond those whose requests may be pending.
constexpr auto spare_connections = rlim_t{2'000};

/// RESTinio's troubles with single connections are of no interest unless one looks for them.
struct connection_logger {
  template <class Message>
  void trace(Message&&) const noexcept {}
  template <class Message>
  void info(Message&&) const noexcept {}
  template <class Message>
  void warn(Message&& message) const {
    log::debug("RESTinio warned", {{"text", message()}});
  }
  template <class Message>
  void error(Message&& message) const {
    log::debug("RESTinio closed a connection", {{"text", message()}});
  }
};

/// Bounds how many connections are open; one more is closed at once. RESTinio never accepts again after an
/// accept has failed, so it must not run out of descriptors. Its own limiter is no use here: connections may
/// outlive it.
class connection_limit {
public:
  explicit connection_limit(std::size_t most) : most_(most) {}

  // Called by RESTinio.
  restinio::ip_blocker::inspection_result_t inspect(const restinio::ip_blocker::incoming_info_t&) noexcept {
    const auto lock = std::lock_guard{mutex_};
    return open_.size() < most_ ? restinio::ip_blocker::allow() : restinio::ip_blocker::deny();
  }
  void state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    const auto lock = std::lock_guard{mutex_};
    if (restinio::holds_alternative<restinio::connection_state::accepted_t>(notice.cause()))
      open_.insert(notice.connection_id());
    else
      open_.erase(notice.connection_id());
  }

private:
  const std::size_t most_;
  std::mutex mutex_;
  /// Ids and no number, for RESTinio may close a connection twice.
  std::unordered_set<restinio::connection_id_t> open_;
};

struct traits : restinio::traits_t<restinio::asio_timer_manager_t, connection_logger> {
  using http_methods_mapper_t = parser::methods;
  using ip_blocker_t = connection_limit;
  using connection_state_listener_t = connection_limit;
};
using restinio_server = restinio::http_server_t<traits>;
using builder = restinio::response_builder_t<restinio::user_controlled_output_t>;

constexpr std::string_view reason(int status) {
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 400: return "Bad Request";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 413: return "Content Too Large";
  case 414: return "URI Too Long";
  case 415: return "Unsupported Media Type";
  case 503: return "Service Unavailable";
  default: return "Internal Server Error";
  }
}

/// What requests share with the server. They may outlive it.
struct traffic {
  /// Requests whose answer is not written yet.
  std::atomic<int> unwritten{0};
  /// Every answer closes its connection.
  std::atomic<bool> stopping{false};
};

/// Counts one request until it is destroyed.
std::shared_ptr<traffic> count_one(const std::shared_ptr<traffic>& all) {
  ++all->unwritten;
  return {all.get(), [all](traffic* t) { --t->unwritten; }};
}

/// One request that waits for its answer. The request itself is gone by then, and its body with it.
struct exchange {
  /// Connections need it to the end; they are of `response`, so it must be destroyed after that.
  std::shared_ptr<asio::io_context> io;
  builder response;
  bool head;
  std::shared_ptr<traffic> counted;

  void write(reply r) {
    response.header().status_line(
        {restinio::http_status_code_t{static_cast<std::uint16_t>(r.status)}, std::string{reason(r.status)}});
    response.append_header(restinio::http_field::content_type, std::string{r.content_type});
    response.append_header_date_field();
    for (auto& [name, value] : r.headers)
      response.append_header(std::string{name}, std::move(value));
    if (r.close || counted->stopping)
      response.connection_close();
    response.set_content_length(r.body.size());
    if (!head)
      response.set_body(std::move(r.body));
    response.done([until_written = std::move(counted)](const auto&) {});
  }
};

std::size_t max_connections(int max_pending) {
  auto limit = rlimit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    limit.rlim_cur = 1'024;
  const auto free =
      limit.rlim_cur > 2 * spare_descriptors ? limit.rlim_cur - spare_descriptors : limit.rlim_cur / 2;
  return std::min(free, static_cast<rlim_t>(max_pending) + spare_connections);
}

std::uint64_t declared_bytes(const restinio::http_request_header_t& header) {
  const auto text = header.get_field_or("Content-Length", "0");
  auto bytes = std::uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

error cannot_listen(const server_options& options, const std::error_code& why) {
  const auto where = "HTTP_PORT " + std::to_string(options.port) + " on " + options.host;
  if (why.value() == EADDRINUSE)
    return {ec::invalid, where + " is taken"};
  return {ec::invalid, "cannot listen at " + where + ": " + why.message()};
}

} // namespace

class http_server::impl {
public:
  impl(caf::actor_system& system, const actors::job_manager_actor& manager, const server_options& options)
      : options_(options), bridge_(system, manager, options.bridge) {}
  ~impl() { stop(0ms); }

  expected<void> open();
  void stop(std::chrono::milliseconds grace);
  [[nodiscard]] int port() const { return port_; }

private:
  void configure(restinio::server_settings_t<traits>& settings, const asio::ip::address& address);
  restinio::request_handling_status_t accept(const restinio::request_handle_t& req);
  void run();
  void close_acceptor();
  void wait_for_answers(std::chrono::milliseconds at_most) const;

  const server_options options_;
  http::bridge bridge_;
  std::shared_ptr<traffic> traffic_ = std::make_shared<traffic>();
  int port_ = 0;
  std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>();
  std::unique_ptr<restinio_server> server_;
  std::vector<std::thread> threads_;
};

expected<void> http_server::impl::open() {
  auto failed = std::error_code{};
  const auto found = asio::ip::tcp::resolver{*io_}.resolve(options_.host, "", failed);
  if (failed || found.empty())
    return tl::unexpected(cannot_listen(options_, failed));
  try {
    server_ = std::make_unique<restinio_server>(restinio::external_io_context(*io_), [&](auto& settings) {
      configure(settings, found.begin()->endpoint().address());
    });
    server_->open_sync();
  } catch (const std::system_error& e) {
    return tl::unexpected(cannot_listen(options_, e.code()));
  } catch (const std::exception& e) {
    return fail(ec::internal, std::string{"RESTinio did not start: "} + e.what());
  }
  for (auto i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this] { run(); });
  return {};
}

void http_server::impl::configure(restinio::server_settings_t<traits>& settings,
                                  const asio::ip::address& address) {
  const auto limit = std::make_shared<connection_limit>(max_connections(options_.bridge.max_pending));
  settings.address(address)
      .port(static_cast<std::uint16_t>(options_.port))
      .protocol(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4())
      .request_handler([this](const restinio::request_handle_t& req) { return accept(req); })
      .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& a) { port_ = a.local_endpoint().port(); })
      .socket_options_setter([](auto& socket) { socket.set_option(asio::ip::tcp::no_delay{true}); })
      .ip_blocker(limit)
      .connection_state_listener(limit)
      // One request at a time is what keeps a refused body from being read as the next request.
      .max_pipelined_requests(1)
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_field_name_size(256)
                                    .max_field_value_size(8 << 10)
                                    .max_field_count(100))
      .buffer_size(8 << 10)
      .read_next_http_message_timelimit(read_within)
      .write_http_response_timelimit(write_within)
      .handle_request_timeout(options_.bridge.answer_within + handle_margin);
}

restinio::request_handling_status_t http_server::impl::accept(const restinio::request_handle_t& req) {
  try {
    const auto& header = req->header();
    const auto type = header.opt_value_of(restinio::http_field::content_type);
    const auto r = request{
        .method = header.method().c_str(),
        .target = {header.request_target().data(), header.request_target().size()},
        .content_type = type ? std::string_view{type->data(), type->size()} : std::string_view{},
        .body = req->body(),
        .body_bytes = std::max<std::uint64_t>(req->body().size(), declared_bytes(header)),
    };
    auto way_back =
        std::make_shared<exchange>(exchange{io_, req->create_response<restinio::user_controlled_output_t>(),
                                            r.method == "HEAD", count_one(traffic_)});
    bridge_.handle(r, responder{[w = std::move(way_back)](reply answer) { w->write(std::move(answer)); }});
  } catch (const std::exception& e) {
    // The responder has answered 500 on its way out.
    log::error("HTTP handler failed", {{"error", e.what()}});
  }
  return restinio::request_accepted();
}

void http_server::impl::run() {
  for (;;) {
    try {
      io_->run();
      return;
    } catch (const std::exception& e) {
      log::error("HTTP thread caught an exception", {{"error", e.what()}});
    }
  }
}

void http_server::impl::close_acceptor() {
  auto closed = std::promise<void>{};
  server_->close_async([&closed] { closed.set_value(); }, [&closed](const auto&) { closed.set_value(); });
  closed.get_future().wait();
}

void http_server::impl::wait_for_answers(std::chrono::milliseconds at_most) const {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (traffic_->unwritten > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(2ms);
}

void http_server::impl::stop(std::chrono::milliseconds grace) {
  if (threads_.empty())
    return;
  // In this order: whoever finds that nobody is let in any more must find that requests are refused, too.
  traffic_->stopping = true;
  bridge_.refuse();
  close_acceptor();
  wait_for_answers(grace);
  // What is still pending is answered with 503.
  bridge_.stop();
  wait_for_answers(refused_within);
  io_->stop();
  for (auto& t : threads_)
    t.join();
  threads_.clear();
}

http_server::http_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
http_server::~http_server() = default;

expected<std::unique_ptr<http_server>> http_server::start(caf::actor_system& system,
                                                          const actors::job_manager_actor& manager,
                                                          const server_options& options) {
  auto i = std::make_unique<impl>(system, manager, options);
  if (auto opened = i->open(); !opened)
    return tl::unexpected(std::move(opened.error()));
  return std::unique_ptr<http_server>{new http_server{std::move(i)}};
}

int http_server::port() const {
  return impl_->port();
}

void http_server::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}

} // namespace jobd::http
