// The connection's state machine: header → writing → idle → header … → lingering → closed.
#include <control_plane/http/http_session.hpp>

#include <control_plane/http/http_server.hpp>
#include <control_plane/http/routes.hpp>

#include <boost/asio/buffer.hpp>

#include <exception>
#include <utility>

namespace numasio::detail {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t most_discarded = std::size_t{256} * 1024;

}  // namespace

http_session::http_session(std::shared_ptr<http_server> server, tcp::socket socket)
    : server_(std::move(server)), socket_(std::move(socket)), deadline_(socket_.get_executor()) {}

void http_session::start() {
    enter(phase::header, server_->limits_.header);
    read();
}

void http_session::close() {
    if (std::exchange(phase_, phase::closed) == phase::closed) { return; }
    error_code ignored;
    deadline_.cancel();
    socket_.close(ignored);
    server_->sessions_.erase(shared_from_this());
}

/// A handler's step: under the mutex, not on a closed connection, and never throwing into the user's run().
template <class Step>
void http_session::guarded(Step step) {
    const std::lock_guard lock(server_->mutex_);
    if (phase_ == phase::closed) { return; }
    try {
        step();
    } catch (const std::exception&) {  // out of memory: this connection ends, the others live
        close();
    }
}

void http_session::enter(phase next, std::chrono::milliseconds deadline) {
    phase_ = next;
    since_ = std::chrono::steady_clock::now();
    const auto until = since_ + deadline;
    deadline_.expires_at(until);
    deadline_.async_wait([self = shared_from_this(), until](const error_code& ec) {
        self->guarded([&] {
            // A wait that ended just before it was replaced finds another time here.
            if (!ec && self->deadline_.expiry() == until) { self->on_deadline(); }
        });
    });
}

void http_session::on_deadline() {
    if (phase_ == phase::header && begun_) {
        return reply(refusal(408, "the header did not arrive in time"), false);
    }
    close();
}

void http_session::read() {
    if (std::exchange(reading_, true)) { return; }
    socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](const error_code& ec, std::size_t size) {
        self->guarded([&] {
            self->reading_ = false;
            self->on_read(ec, size);
        });
    });
}

void http_session::on_read(const error_code& ec, std::size_t size) {
    if (phase_ == phase::writing) { return; }  // after a 408: on_replied() reads on
    if (ec) { return close(); }
    if (phase_ == phase::lingering) {
        discarded_ += size;
        return discarded_ > most_discarded ? close() : read();
    }
    arrived_.append(chunk_.data(), size);
    begun_ = true;
    if (phase_ == phase::idle) { enter(phase::header, server_->limits_.header); }
    serve();
}

void http_session::serve() {
    std::size_t consumed = 0;
    const auto outcome = reader_.take(arrived_, consumed);
    arrived_.erase(0, consumed);
    switch (outcome) {
        case request_reader::outcome::need_more: return read();
        case request_reader::outcome::refused: return reply(reader_.refusal(), false);
        case request_reader::outcome::complete: break;
    }
    begun_ = false;
    reply(answer(reader_.request(), server_->source_), reader_.request().keep_alive);
}

void http_session::reply(const http_reply& with, bool keep_alive) {
    keep_alive_ = keep_alive;
    leaving_ = to_wire(with, keep_alive);
    left_ = 0;
    enter(phase::writing, server_->limits_.write);
    write();
}

void http_session::write() {
    socket_.async_write_some(asio::buffer(leaving_) + left_,
                             [self = shared_from_this()](const error_code& ec, std::size_t size) {
                                 self->guarded([&] { self->on_write(ec, size); });
                             });
}

void http_session::on_write(const error_code& ec, std::size_t size) {
    if (ec) { return close(); }
    left_ += size;
    left_ < leaving_.size() ? write() : on_replied();
}

void http_session::on_replied() {
    leaving_.clear();
    if (!keep_alive_) {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        enter(phase::lingering, server_->limits_.linger);
        return read();
    }
    if (arrived_.empty()) {
        enter(phase::idle, server_->limits_.idle);
        return read();
    }
    begun_ = true;
    enter(phase::header, server_->limits_.header);
    serve();
}

}  // namespace numasio::detail
