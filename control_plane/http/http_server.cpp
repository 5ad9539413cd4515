// Accepting, refusing and closing connections.
#include <control_plane/http/http_server.hpp>

#include <control_plane/http/http_message.hpp>
#include <control_plane/http/http_session.hpp>
#include <control_plane/http/listen_address.hpp>

#include <boost/asio/buffer.hpp>

#include <utility>

namespace numasio::detail {

namespace asio = boost::asio;
using asio::ip::tcp;

http_server::http_server(asio::any_io_executor executor, const listener_plan& listener, snapshot_source source,
                         http_limits limits)
    : strand_(asio::make_strand(executor)),
      acceptor_(strand_),
      pause_(strand_),
      source_(std::move(source)),
      limits_(limits) {
    const auto endpoint = loopback_endpoint(listener);
    boost::system::error_code ec;
    acceptor_.open(endpoint.protocol(), ec);
    // So that a restart need not wait for the connections of the last run to time out.
    if (!ec) { acceptor_.set_option(asio::socket_base::reuse_address(true), ec); }
    if (!ec) { acceptor_.bind(endpoint, ec); }
    if (!ec) { acceptor_.listen(asio::socket_base::max_listen_connections, ec); }
    if (ec) { throw cannot_listen(listener, ec); }
    port_ = acceptor_.local_endpoint().port();
}

http_server::~http_server() = default;

void http_server::start() {
    const std::lock_guard lock(mutex_);
    if (!stopped_) { accept(); }
}

void http_server::stop() {
    std::set<std::shared_ptr<http_session>> closing;
    snapshot_source dropped;
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) { return; }
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    closing.swap(sessions_);
    for (const auto& session : closing) { session->close(); }
    dropped.swap(source_);
}

std::size_t http_server::connections() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
}

void http_server::accept() {
    acceptor_.async_accept(strand_, [self = shared_from_this()](const boost::system::error_code& ec, tcp::socket socket) {
        const std::lock_guard lock(self->mutex_);
        if (!self->stopped_) { self->on_accept(ec, std::move(socket)); }
    });
}

void http_server::on_accept(const boost::system::error_code& ec, tcp::socket socket) {
    if (!ec) {
        admit(std::move(socket));
        return accept();
    }
    failed_accepts_.fetch_add(1, std::memory_order_relaxed);
    // Out of descriptors, the next accept would fail at once, and again: a pause instead of a busy loop.
    pause_.expires_after(limits_.accept_pause);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
        const std::lock_guard lock(self->mutex_);
        if (!self->stopped_) { self->accept(); }
    });
}

void http_server::admit(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (sessions_.size() >= limits_.connections) { close_longest_idle(); }
    if (sessions_.size() >= limits_.connections) {
        // The send buffer of a new socket is empty, so that this short text always fits without waiting.
        const auto text = to_wire(refusal(503, "too many connections; try later"), false);
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(text), ignored);
        socket.shutdown(tcp::socket::shutdown_send, ignored);
        return;
    }
    auto session = std::make_shared<http_session>(shared_from_this(), std::move(socket));
    sessions_.insert(session);
    session->start();
}

void http_server::close_longest_idle() {
    std::shared_ptr<http_session> oldest;
    for (const auto& session : sessions_) {
        if (session->idle() && (!oldest || session->since() < oldest->since())) { oldest = session; }
    }
    if (oldest) { oldest->close(); }
}

}  // namespace numasio::detail
