#pragma once

#include "http/framing.hpp"
#include "http/problem.hpp"
#include "http/routes.hpp"
#include "http/tls.hpp"

#include <asio/ssl/stream.hpp>
#include <restinio/http_server.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

/// What RESTinio reads from. Only for server.cpp.
///
/// RESTinio's parser is lenient (it takes a lone LF, folded lines, chunks that end with anything), closes
/// without an answer when it does not understand, waits for a head as long as for a whole request, and takes
/// bodies without a limit of all. So it is given only whole heads and bodies that are known to be good, one
/// request at a time.
namespace jobd::http {

namespace asio = restinio::asio_ns;

/// What the connections of a server share. They may outlive it.
struct clients {
  clients(std::size_t most_connections_, std::size_t most_bytes, std::chrono::milliseconds head_limit)
      : most_connections(most_connections_), most_body_bytes(most_bytes), head_within(head_limit) {}

  const std::size_t most_connections;
  std::atomic<std::size_t> connections{0};
  /// Of all bodies that are being received, but for the first `free_bytes` of each: ordinary submissions get
  /// through whatever others send.
  const std::size_t most_body_bytes;
  std::atomic<std::size_t> body_bytes{0};
  static constexpr std::size_t free_bytes = 16 << 10;
  /// How long a client may take for a head, from its first byte on, and before that for the start of TLS.
  const std::chrono::milliseconds head_within;
  /// Of connections that begin from now on.
  std::atomic<tls_ptr> tls;
  /// How long a client that was refused may go on sending, for it sees no answer if the connection is closed.
  static constexpr auto linger = std::chrono::seconds{2};
};

/// A socket as RESTinio uses one. Whether it is plain or has TLS, only the functions that move bytes know.
class client_socket {
  using tcp_socket = asio::ip::tcp::socket;

public:
  using executor_type = tcp_socket::executor_type;
  using lowest_layer_type = tcp_socket::lowest_layer_type;

  client_socket(asio::io_context& io, std::shared_ptr<clients> all)
      : me_(std::make_shared<state>(io, std::move(all))) {}

  auto& lowest_layer() { return me_->socket.lowest_layer(); }
  executor_type get_executor() { return me_->socket.get_executor(); }
  [[nodiscard]] bool is_open() const { return me_->socket.is_open(); }
  void cancel(std::error_code& ec) { me_->socket.cancel(ec); }
  void shutdown(tcp_socket::shutdown_type what, std::error_code& ec) {
    me_->say_end();
    me_->socket.shutdown(what, ec);
  }
  void close() {
    me_->say_end();
    me_->socket.close();
    me_->timer.cancel();
    me_->leave();
  }

  /// By reference, for the handler is what owns the buffers: it may be moved only when they are there.
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& from, Handler&& handler) {
    me_->write(from, std::forward<Handler>(handler));
  }
  template <class Handler>
  void async_read_some(asio::mutable_buffer to, Handler handler) {
    me_->read(to, std::move(handler));
  }

  /// Whether there is room for one more connection. It leaves when it is closed.
  bool enter() {
    me_->inside = true;
    return ++me_->all->connections <= me_->all->most_connections;
  }
  /// Agrees on TLS with the client, if there is to be any, and then tells `done`.
  template <class Executor, class Done>
  void secure(const Executor& on, Done done) {
    if (const auto tls = me_->all->tls.load())
      return me_->secure(*tls, on, std::move(done));
    done(std::error_code{});
  }

private:
  /// Lives as long as any of its operations. Everything runs on the executor of RESTinio's handlers.
  struct state : std::enable_shared_from_this<state> {
    state(asio::io_context& io, std::shared_ptr<clients> a) : all(std::move(a)), socket(io), timer(io) {}
    ~state() {
      count_body(0);
      leave();
    }
    void leave() {
      if (std::exchange(inside, false))
        --all->connections;
    }

    template <class Executor, class Done>
    void secure(ssl_ctx_st& tls, const Executor& on, Done done);
    void say_end();

    template <class Buffers, class Handler>
    void write(const Buffers& from, Handler handler);
    template <class Handler>
    void read_some(asio::mutable_buffer to, Handler handler);
    template <class Buffers, class Handler>
    void write_some(const Buffers& from, Handler handler);
    template <class Handler>
    void write_all(std::string_view text, Handler handler);
    template <class Handler>
    void read(asio::mutable_buffer to, Handler handler);
    template <class Handler>
    void receive(asio::mutable_buffer to, Handler handler);
    template <class Handler>
    void received(std::size_t size, asio::mutable_buffer to, Handler handler);
    template <class Handler>
    void begin(asio::mutable_buffer to, Handler handler);
    template <class Handler>
    void refuse(const reply& r, asio::mutable_buffer to, Handler handler);
    template <class Handler>
    void drain(asio::mutable_buffer to, Handler handler);
    template <class Executor>
    void limit(std::chrono::milliseconds time, const Executor& on);
    void no_limit() { timer.expires_at(std::chrono::steady_clock::time_point::max()); }
    bool count_body(std::size_t bytes);
    [[nodiscard]] std::size_t kept_bytes() const {
      return most_body_bytes(request.method(), request.target());
    }

    const std::shared_ptr<clients> all;
    tcp_socket socket;
    bool inside = false;
    /// Over the socket; none: it is plain.
    std::optional<asio::ssl::stream<tcp_socket&>> tls;
    /// Of RESTinio's handlers, for TLS.
    asio::any_io_executor executor;
    /// There was a start of TLS, and no end.
    bool secured = false;
    framing request;
    /// Of the head, what RESTinio has.
    std::size_t given = 0;
    /// Received, and not looked at yet.
    std::string rest;
    std::size_t body = 0;
    std::size_t counted = 0;
    asio::steady_timer timer;
    bool late = false;
    /// While RESTinio writes: what is to be done when it does not any more. The operation owns it.
    std::weak_ptr<std::function<void()>> writing;
  };

  std::shared_ptr<state> me_;
};

// -------------------------------------------------------------------------------- moving bytes

template <class Executor, class Done>
void client_socket::state::secure(ssl_ctx_st& with, const Executor& on, Done done) {
  auto* session = SSL_new(&with);
  if (session == nullptr)
    return done(asio::error::no_memory);
  tls.emplace(socket, session);
  executor = on;
  limit(all->head_within, on);
  tls->async_handshake(asio::ssl::stream_base::server,
                       asio::bind_executor(on, [me = shared_from_this(),
                                                done = std::move(done)](const std::error_code& failed) {
                         me->no_limit();
                         me->secured = !failed;
                         done(failed);
                       }));
}

/// Tells a client of TLS that nothing was cut off. It is sent at once or not at all, and its answer is not
/// waited for.
inline void client_socket::state::say_end() {
  if (std::exchange(secured, false))
    tls->async_shutdown(asio::bind_executor(executor, [me = shared_from_this()](const std::error_code&) {}));
}

template <class Handler>
void client_socket::state::read_some(asio::mutable_buffer to, Handler handler) {
  if (tls)
    tls->async_read_some(to, std::move(handler));
  else
    socket.async_read_some(to, std::move(handler));
}

template <class Buffers, class Handler>
void client_socket::state::write_some(const Buffers& from, Handler handler) {
  if (tls)
    tls->async_write_some(from, std::move(handler));
  else
    socket.async_write_some(from, std::move(handler));
}

template <class Handler>
void client_socket::state::write_all(std::string_view text, Handler handler) {
  const auto from = asio::buffer(text.data(), text.size());
  if (tls)
    asio::async_write(*tls, from, std::move(handler));
  else
    asio::async_write(socket, from, std::move(handler));
}

// -------------------------------------------------------------------------------- reading

/// Binds what follows an operation to where the handler wants to run.
template <class Handler, class Next>
auto then(const Handler& handler, Next next) {
  return asio::bind_executor(asio::get_associated_executor(handler), std::move(next));
}

/// RESTinio asks for the next request while it still writes the answer. That has to wait, for a refusal must
/// not get into the middle of the answer.
template <class Handler>
void client_socket::state::read(asio::mutable_buffer to, Handler handler) {
  if (const auto after = writing.lock()) {
    *after = [me = shared_from_this(), to, handler] { me->read(to, handler); };
    return;
  }
  const auto where = request.where();
  const auto has_head = where == framing::state::body || where == framing::state::whole;
  if (has_head && given < request.head().size()) {
    const auto size = std::min(to.size(), request.head().size() - given);
    request.head().copy(static_cast<char*>(to.data()), size, given);
    given += size;
    asio::post(then(handler, [handler, size]() mutable { handler(std::error_code{}, size); }));
    return;
  }
  if (where == framing::state::whole) {
    request.next();
    count_body(0);
    given = body = 0;
  }
  if (rest.empty())
    return receive(to, std::move(handler));
  const auto size = rest.copy(static_cast<char*>(to.data()), to.size());
  rest.erase(0, size);
  asio::post(then(
      handler, [me = shared_from_this(), size, to, handler]() mutable { me->received(size, to, handler); }));
}

template <class Handler>
void client_socket::state::receive(asio::mutable_buffer to, Handler handler) {
  read_some(to, then(handler, [me = shared_from_this(), to, handler](const std::error_code& failed,
                                                                     std::size_t size) mutable {
              if (me->late)
                me->refuse(problem::malformed(408, "the head of the request did not come in time"), to,
                           handler);
              else if (failed)
                handler(failed, 0);
              else
                me->received(size, to, handler);
            }));
}

template <class Handler>
void client_socket::state::received(std::size_t size, asio::mutable_buffer to, Handler handler) {
  const auto bytes = std::string_view{static_cast<const char*>(to.data()), size};
  const auto in_body = request.where() == framing::state::body;
  const auto begins = request.where() == framing::state::idle;
  const auto taken = request.take(bytes);
  if (const auto& wrong = request.why_broken())
    return refuse(problem::malformed(wrong.status, wrong.why), to, std::move(handler));
  rest.insert(0, bytes.substr(taken));
  if (in_body) {
    body += taken;
    if (!count_body(std::min(body, kept_bytes())))
      return refuse(problem::from({ec::overloaded, {}}), to, std::move(handler));
    handler(std::error_code{}, taken);
    // RESTinio has handed on what is whole, and the bridge counts it.
    if (request.where() == framing::state::whole)
      count_body(0);
    return;
  }
  if (request.where() == framing::state::head) {
    if (begins)
      limit(all->head_within, asio::get_associated_executor(handler));
    return receive(to, std::move(handler));
  }
  if (!begins)
    no_limit();
  begin(to, std::move(handler));
}

/// The head is there. A client that asks for leave to send its body gets it, but for a body that is refused.
template <class Handler>
void client_socket::state::begin(asio::mutable_buffer to, Handler handler) {
  static constexpr auto go_on = std::string_view{"HTTP/1.1 100 Continue\r\n\r\n"};
  if (!request.waits_for_leave() || !rest.empty() || request.length() > kept_bytes())
    return read(to, std::move(handler));
  write_all(go_on, then(handler, [me = shared_from_this(), to, handler](const std::error_code& failed,
                                                                        std::size_t) mutable {
              failed ? handler(failed, 0) : me->read(to, handler);
            }));
}

template <class Buffers, class Handler>
void client_socket::state::write(const Buffers& from, Handler handler) {
  const auto after = std::make_shared<std::function<void()>>();
  writing = after;
  const auto on = asio::get_associated_executor(handler);
  write_some(from, asio::bind_executor(on, [me = shared_from_this(), after, handler = std::move(handler)](
                                               const std::error_code& failed, std::size_t size) mutable {
               me->writing.reset();
               handler(failed, size);
               if (const auto more = me->writing.lock())
                 *more = std::move(*after);
               else if (*after && me->socket.is_open())
                 (*after)();
             }));
}

// -------------------------------------------------------------------------------- limits

/// Answers, and ends the connection. RESTinio sees it fail.
template <class Handler>
void client_socket::state::refuse(const reply& r, asio::mutable_buffer to, Handler handler) {
  const auto text = std::make_shared<std::string>(last_answer(r));
  count_body(0);
  limit(all->linger, asio::get_associated_executor(handler));
  write_all(*text, then(handler, [me = shared_from_this(), text, to, handler](const std::error_code&,
                                                                              std::size_t) mutable {
    auto ignored = std::error_code{};
    me->say_end();
    me->socket.shutdown(tcp_socket::shutdown_send, ignored);
    me->drain(to, handler);
  }));
}

/// Nobody looks at it, so it need not be deciphered.
template <class Handler>
void client_socket::state::drain(asio::mutable_buffer to, Handler handler) {
  if (late)
    return handler(asio::error::connection_aborted, 0);
  socket.async_read_some(to, then(handler, [me = shared_from_this(), to,
                                            handler](const std::error_code& failed, std::size_t) mutable {
                           failed || me->late ? handler(asio::error::connection_aborted, 0)
                                              : me->drain(to, handler);
                         }));
}

/// When the time is over, what waits for the client fails, and `late` is true.
template <class Executor>
void client_socket::state::limit(std::chrono::milliseconds time, const Executor& on) {
  late = false;
  timer.expires_after(time);
  timer.async_wait(asio::bind_executor(on, [weak = weak_from_this()](const std::error_code& ended) {
    const auto me = weak.lock();
    // It may have been queued when the limit was changed.
    if (ended || !me || std::chrono::steady_clock::now() < me->timer.expiry())
      return;
    auto ignored = std::error_code{};
    me->late = true;
    me->socket.cancel(ignored);
  }));
}

/// Sets what this connection counts for. False if that is more than there is room for.
inline bool client_socket::state::count_body(std::size_t bytes) {
  const auto now = bytes > clients::free_bytes ? bytes - clients::free_bytes : 0;
  const auto before = std::exchange(counted, now);
  // Unsigned wrap-around makes a difference of it.
  const auto all_bytes = all->body_bytes += now - before;
  return now <= before || all_bytes <= all->most_body_bytes;
}

// -------------------------------------------------------------------------------- for RESTinio

/// Found by RESTinio for the type of its socket: what is done between accept and the first read.
template <class Connection, class Start, class Failed>
void prepare_connection_and_start_read(client_socket& socket, Connection& c, Start start, Failed failed) {
  // RESTinio never accepts again after an accept has failed, so it must not run out of descriptors.
  if (!socket.enter())
    return failed(asio::error::no_descriptors);
  socket.secure(c.get_executor(), [c = c.shared_from_this(), start, failed](const std::error_code& wrong) {
    wrong ? failed(wrong) : start();
  });
}

inline restinio::tls_socket_t* make_tls_socket_pointer_for_state_listener(client_socket&) noexcept {
  return nullptr;
}

} // namespace jobd::http

template <class Settings>
class restinio::socket_type_dependent_settings_t<Settings, jobd::http::client_socket> {
protected:
  ~socket_type_dependent_settings_t() = default;

public:
  socket_type_dependent_settings_t() = default;
  socket_type_dependent_settings_t(socket_type_dependent_settings_t&&) = default;

  Settings& clients(std::shared_ptr<jobd::http::clients> all) {
    clients_ = std::move(all);
    return static_cast<Settings&>(*this);
  }
  [[nodiscard]] std::shared_ptr<jobd::http::clients> clients() const { return clients_; }

private:
  std::shared_ptr<jobd::http::clients> clients_;
};

/// The socket that the next connection is accepted into.
template <>
class restinio::impl::socket_supplier_t<jobd::http::client_socket> {
protected:
  template <class Settings>
  socket_supplier_t(Settings& settings, asio_ns::io_context& io) : io_(io), clients_(settings.clients()) {
    for (auto i = std::size_t{0}; i < settings.concurrent_accepts_count(); ++i)
      sockets_.emplace_back(io_, clients_);
  }

  auto& socket(std::size_t i) { return sockets_.at(i); }
  auto move_socket(std::size_t i) {
    return std::exchange(sockets_.at(i), jobd::http::client_socket{io_, clients_});
  }
  [[nodiscard]] auto concurrent_accept_sockets_count() const noexcept { return sockets_.size(); }

private:
  asio_ns::io_context& io_;
  const std::shared_ptr<jobd::http::clients> clients_;
  std::vector<jobd::http::client_socket> sockets_;
};
