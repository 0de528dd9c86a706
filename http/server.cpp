#include "http/server.hpp"

#include "actors/event_loop.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "http/inbox.hpp"
#include "http/parser.hpp"
#include "http/problem.hpp"
#include "http/socket.hpp"

#include <restinio/all.hpp>

#include <sys/resource.h>

#include <cerrno>
#include <charconv>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace jobd::http {
namespace {

using namespace std::chrono_literals;

/// RESTinio closes without an answer if the bridge has not answered by then, which it always has.
constexpr auto handle_margin = 10s;
/// How long `stop` waits for the answers to what it has refused.
constexpr auto refused_within = 1s;
/// File descriptors for everything but HTTP connections.
constexpr auto spare_descriptors = rlim_t{200};
/// Connections beyond those whose requests may be pending.
constexpr auto spare_connections = rlim_t{2'000};

/// What one turn serves at most, so that actors have theirs.
constexpr auto handlers_in_a_row = 256;

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

struct traits : restinio::traits_t<restinio::asio_timer_manager_t, connection_logger> {
  using http_methods_mapper_t = parser::methods;
  using stream_socket_t = client_socket;
};
using restinio_server = restinio::http_server_t<traits>;
using whole_answer = restinio::response_builder_t<restinio::user_controlled_output_t>;
using chunked_answer = restinio::response_builder_t<restinio::chunked_output_t>;

struct traffic;

/// An answer on its way to the threads of HTTP.
struct finished {
  whole_answer response;
  std::shared_ptr<traffic> counted;
};

/// What requests share with the server. They may outlive it.
struct traffic {
  /// Requests whose answer is not written yet; a stream counts from its end on.
  std::atomic<int> unwritten{0};
  /// Every answer closes its connection.
  std::atomic<bool> stopping{false};
  inbox<finished> answers;
};

/// Counts one request until it is destroyed.
std::shared_ptr<traffic> count_one(const std::shared_ptr<traffic>& all) {
  ++all->unwritten;
  return {all.get(), [all](traffic* t) { --t->unwritten; }};
}

/// On a thread of HTTP, where RESTinio writes at once.
void write_all(traffic& t) {
  for (auto& f : t.answers.take())
    try {
      f.response.done([until_written = std::move(f.counted)](const auto&) {});
    } catch (const std::exception& e) {
      log::error("HTTP answer failed", {{"error", e.what()}});
    }
}

/// One request that waits for its answer. The request itself is gone by then, and its body with it.
class exchange final : public channel {
public:
  exchange(std::shared_ptr<asio::io_context> io,
           restinio::generic_request_t<traits::extra_data_factory_t::data_t>& r, std::shared_ptr<traffic> all,
           std::string_view route)
      : io_(std::move(io)),
        connection_(std::move(restinio::impl::access_req_connection(r))),
        id_(r.request_id()),
        keep_alive_(r.header().should_keep_alive()),
        head_(r.header().method() == restinio::http_method_head()),
        route_(route),
        all_(std::move(all)),
        counted_(count_one(all_)) {}

  void answer(reply r) override;
  void open(reply r) override;
  void write(std::string text) override;
  void close() override;
  void abort() override;
  [[nodiscard]] backlog waiting() const override { return {unwritten_->writes, unwritten_->bytes}; }
  [[nodiscard]] bool broken() const override { return unwritten_->failed; }

private:
  /// Of a stream. What was handed to RESTinio tells of its end here, from any thread, so this takes no lock.
  struct progress {
    std::atomic<std::size_t> writes{0};
    std::atomic<std::size_t> bytes{0};
    std::atomic<bool> failed{false};
  };

  void count(int status) const;
  template <class Builder>
  Builder begin(reply& r) const;
  template <class Step>
  void in_stream(Step step);

  /// Connections need it to the end, so it is destroyed after them.
  const std::shared_ptr<asio::io_context> io_;
  const restinio::impl::connection_handle_t connection_;
  const restinio::request_id_t id_;
  const bool keep_alive_;
  const bool head_;
  const std::string_view route_;
  const std::chrono::steady_clock::time_point came_at_ = std::chrono::steady_clock::now();
  const std::shared_ptr<traffic> all_;
  std::shared_ptr<traffic> counted_;
  /// Both only of a stream.
  std::optional<chunked_answer> stream_;
  std::shared_ptr<progress> unwritten_;
};

void exchange::count(int status) const {
  const auto took = std::chrono::steady_clock::now() - came_at_;
  metrics::http_requests.of({route_, std::to_string(status)}).add();
  metrics::http_seconds.of({route_}).observe(seconds{took}.count());
}

template <class Builder>
Builder exchange::begin(reply& r) const {
  count(r.status);
  auto line = restinio::http_status_line_t{restinio::http_status_code_t{static_cast<std::uint16_t>(r.status)},
                                           std::string{reason(r.status)}};
  auto out = Builder{std::move(line), connection_, id_, keep_alive_};
  out.append_header(restinio::http_field::content_type, std::string{r.content_type});
  out.append_header_date_field();
  for (auto& [name, value] : r.headers)
    out.append_header(std::string{name}, std::move(value));
  return out;
}

void exchange::answer(reply r) {
  auto response = begin<whole_answer>(r);
  if (r.close || all_->stopping)
    response.connection_close();
  response.set_content_length(r.body.size());
  if (!head_)
    response.set_body(std::move(r.body));
  if (all_->answers.put({std::move(response), std::move(counted_)}))
    asio::post(*io_, [all = std::weak_ptr{all_}] {
      if (const auto here = all.lock())
        write_all(*here);
    });
}

/// Whoever gives events shall not meet RESTinio's exceptions: the stream is broken by them.
template <class Step>
void exchange::in_stream(Step step) {
  try {
    step();
  } catch (const std::exception& e) {
    log::error("HTTP stream failed", {{"error", e.what()}});
    unwritten_->failed = true;
  }
}

/// A stream may stay for long, and is not waited for.
void exchange::open(reply r) {
  counted_.reset();
  unwritten_ = std::make_shared<progress>();
  in_stream([&] {
    stream_.emplace(begin<chunked_answer>(r));
    stream_->connection_close();
  });
}

void exchange::write(std::string text) {
  const auto bytes = text.size();
  const auto written = [to = unwritten_, bytes](const auto& failed) {
    --to->writes;
    to->bytes -= bytes;
    if (failed)
      to->failed = true;
  };
  ++unwritten_->writes;
  unwritten_->bytes += bytes;
  in_stream([&] { stream_.value().append_chunk(std::move(text)).flush(written); });
}

void exchange::close() {
  in_stream([this] { stream_.value().done([until_written = count_one(all_)](const auto&) {}); });
}

/// RESTinio closes a connection at once on an answer to a request that the connection never had, and has no
/// other way to do so from outside (0.6.16, as parser.hpp makes sure).
void exchange::abort() {
  static constexpr auto no_request = std::numeric_limits<restinio::request_id_t>::max();
  static const auto last_part = restinio::response_output_flags_t{
      restinio::response_parts_attr_t::final_parts, restinio::response_connection_attr_t::connection_close};
  in_stream([this] {
    connection_->write_response_parts(no_request, last_part,
                                      restinio::write_group_t{restinio::writable_items_container_t{}});
  });
}

std::size_t max_connections(const bridge_options& most) {
  auto limit = rlimit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    limit.rlim_cur = 1'024;
  const auto free =
      limit.rlim_cur > 2 * spare_descriptors ? limit.rlim_cur - spare_descriptors : limit.rlim_cur / 2;
  const auto busy = rlim_t{0} + most.max_pending + most.max_waits + most.max_streams;
  return std::min(free, busy + spare_connections);
}

/// What the client sent under that name, first of all.
std::optional<std::string_view> field(const restinio::http_request_header_t& header, std::string_view name) {
  const auto found = header.opt_value_of(restinio::string_view_t{name.data(), name.size()});
  return found ? std::optional{std::string_view{found->data(), found->size()}} : std::nullopt;
}

std::uint64_t declared_bytes(const restinio::http_request_header_t& header) {
  const auto text = header.get_field_or("Content-Length", "0");
  auto bytes = std::uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

/// As metrics call it: `GET /v1/jobs/{id}`.
std::string_view name_of_route(const request& r) {
  static const auto names = [] {
    auto all = std::map<route::kind, std::string>{};
    for (const auto& e : endpoints())
      all[e.what] = std::string{e.method} + ' ' + std::string{e.path};
    return all;
  }();
  const auto found = names.find(find_route(r.method, r.target).what);
  return found == names.end() ? std::string_view{"other"} : found->second;
}

error cannot_listen(const server_options& options, const std::error_code& why) {
  const auto where = options.port_setting + " " + std::to_string(options.port) + " on " + options.host;
  if (why.value() == EADDRINUSE)
    return {ec::invalid, where + " is taken"};
  return {ec::invalid, "cannot listen at " + where + ": " + why.message()};
}

} // namespace

class http_server::impl final : public actors::event_source {
public:
  impl(caf::actor_system& system, bridge_parts parts, const server_options& options)
      : system_(system),
        options_(options),
        bridge_(system, std::move(parts), options.bridge,
                [this] { asio::post(*io_, [this] { bridge_.flush(); }); }),
        clients_(std::make_shared<clients>(max_connections(options.bridge), options.max_receiving_bytes,
                                           options.head_within)) {
    secure(options.tls);
  }
  ~impl() override { stop(0ms); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  expected<void> open();
  void stop(std::chrono::milliseconds grace);
  void require(tokens_ptr tokens) { bridge_.require(std::move(tokens)); }
  void secure(tls_ptr tls) { clients_->tls = std::move(tls); }
  [[nodiscard]] bool on_loopback() const { return on_loopback_; }
  [[nodiscard]] int port() const { return port_; }

  bool poll() override;
  void wait() override;
  void wake() override {
    asio::post(*io_, [] {});
  }

private:
  void configure(restinio::server_settings_t<traits>& settings, const asio::ip::address& address);
  restinio::request_handling_status_t accept(const restinio::request_handle_t& req);
  template <class Step>
  void guarded(Step step);
  void beat_later();
  void close_acceptor();
  void wait_for_answers(std::chrono::milliseconds at_most) const;

  caf::actor_system& system_;
  const server_options options_;
  http::bridge bridge_;
  std::shared_ptr<traffic> traffic_ = std::make_shared<traffic>();
  const std::shared_ptr<clients> clients_;
  int port_ = 0;
  bool on_loopback_ = false;
  std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>();
  asio::executor_work_guard<asio::io_context::executor_type> until_stopped_ = asio::make_work_guard(*io_);
  asio::steady_timer next_beat_{*io_};
  std::unique_ptr<restinio_server> server_;
  /// Whether the thread of the actors serves.
  bool shared_ = false;
  bool open_ = false;
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
  beat_later();
  // A wake-up must not go to another thread.
  shared_ = options_.threads == 1 && actors::serve(system_, *this);
  for (auto i = 0; !shared_ && i < options_.threads; ++i)
    threads_.emplace_back([this] {
      while (!io_->stopped())
        guarded([this] { io_->run(); });
    });
  open_ = true;
  return {};
}

void http_server::impl::configure(restinio::server_settings_t<traits>& settings,
                                  const asio::ip::address& address) {
  on_loopback_ = address.is_loopback();
  settings.address(address)
      .port(static_cast<std::uint16_t>(options_.port))
      .protocol(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4())
      .request_handler([this](const restinio::request_handle_t& req) { return accept(req); })
      .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& a) { port_ = a.local_endpoint().port(); })
      .socket_options_setter([](auto& socket) { socket.set_option(asio::ip::tcp::no_delay{true}); })
      .clients(clients_)
      // One request at a time is what keeps a refused body from being read as the next request.
      .max_pipelined_requests(1)
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_field_name_size(framing::most_name_bytes)
                                    .max_field_value_size(framing::most_value_bytes)
                                    .max_field_count(framing::most_fields))
      .buffer_size(8 << 10)
      .read_next_http_message_timelimit(options_.request_within)
      .write_http_response_timelimit(options_.answer_taken_within)
      // A stream that writes nothing for so long is none: it beats more often.
      .handle_request_timeout(options_.bridge.answer_within + longest_wait + handle_margin);
}

restinio::request_handling_status_t http_server::impl::accept(const restinio::request_handle_t& req) {
  try {
    const auto& header = req->header();
    const auto r = request{
        .method = header.method().c_str(),
        .target = {header.request_target().data(), header.request_target().size()},
        .content_type = field(header, "Content-Type").value_or(std::string_view{}),
        .body = req->body(),
        .body_bytes = std::max<std::uint64_t>(req->body().size(), declared_bytes(header)),
        .idempotency_key = field(header, "Idempotency-Key"),
        .last_event_id = field(header, "Last-Event-ID").value_or(std::string_view{}),
        .traceparent = field(header, "traceparent").value_or(std::string_view{}),
        .authorization = field(header, "Authorization"),
    };
    bridge_.handle(r, responder{std::make_unique<exchange>(io_, *req, traffic_, name_of_route(r))});
  } catch (const std::exception& e) {
    // The responder has answered 500 on its way out.
    log::error("HTTP handler failed", {{"error", e.what()}});
  }
  return restinio::request_accepted();
}

template <class Step>
void http_server::impl::guarded(Step step) {
  try {
    step();
  } catch (const std::exception& e) {
    log::error("HTTP thread caught an exception", {{"error", e.what()}});
  }
}

bool http_server::impl::poll() {
  auto served = 0;
  guarded([&] {
    while (served < handlers_in_a_row && io_->poll_one() != 0)
      ++served;
  });
  return served > 0;
}

void http_server::impl::wait() {
  guarded([this] { io_->run_one(); });
  poll();
}

void http_server::impl::beat_later() {
  next_beat_.expires_after(options_.beat_every);
  next_beat_.async_wait([this](const std::error_code& cancelled) {
    if (cancelled)
      return;
    // First, so that an exception from a stream ends no beats.
    beat_later();
    bridge_.beat();
  });
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
  if (!std::exchange(open_, false))
    return;
  // In this order: whoever finds that nobody is let in any more must find that requests are refused, too.
  traffic_->stopping = true;
  bridge_.refuse();
  close_acceptor();
  wait_for_answers(grace);
  // What is still pending is answered with 503.
  bridge_.stop();
  wait_for_answers(refused_within);
  if (shared_)
    actors::release(system_, *this);
  io_->stop();
  for (auto& t : threads_)
    t.join();
  threads_.clear();
  traffic_->answers.close();
}

http_server::http_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
http_server::~http_server() = default;

expected<std::unique_ptr<http_server>> http_server::start(caf::actor_system& system, bridge_parts parts,
                                                          const server_options& options) {
  auto i = std::make_unique<impl>(system, std::move(parts), options);
  if (auto opened = i->open(); !opened)
    return tl::unexpected(std::move(opened.error()));
  return std::unique_ptr<http_server>{new http_server{std::move(i)}};
}

int http_server::port() const {
  return impl_->port();
}

bool http_server::on_loopback() const {
  return impl_->on_loopback();
}

void http_server::require(tokens_ptr tokens) {
  impl_->require(std::move(tokens));
}

void http_server::secure(tls_ptr tls) {
  impl_->secure(std::move(tls));
}

void http_server::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}

} // namespace jobd::http
