// Reading from and writing to the socket; session_commands.cpp is the way to the workers.
#include "server/session.hpp"

#include "resp/reply_text.hpp"
#include "server/server.hpp"

#include <boost/asio/write.hpp>

namespace kv {

using boost::system::error_code;

namespace {

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    const auto host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
    return host + ":" + std::to_string(endpoint.port());
}

}  // namespace

session::session(asio::ip::tcp::socket socket, server& owner, std::uint64_t id)
    : socket_(std::move(socket)), server_(owner), state_(owner.state()), port_(owner.port()),
      input_(state_.query_memory), parser_(state_.limits.parser) {
    error_code ignored;  // a client may be gone before we look
    client_.id = id;
    client_.address = text_of(socket_.remote_endpoint(ignored));
    client_.local = text_of(socket_.local_endpoint(ignored));
    client_.descriptor = socket_.native_handle();
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    state_.clients.emplace(id, &client_);
}

void session::start() { await_input(); }

void session::finish() {
    client_.closing = true;
    advance();
}

void session::advance() {
    if (closed_) { return; }
    collect_replies();
    read_commands();
    write();
    close_if_done();
}

// --- reading --------------------------------------------------------------------------------------

void session::await_input() {
    if (reading_ || closed_ || client_.closing) { return; }
    reading_ = true;
    socket_.async_wait(asio::socket_base::wait_read,
                       [self = shared_from_this()](error_code ec) { self->on_readable(ec); });
}

void session::on_readable(error_code ec) {
    reading_ = false;
    if (closed_ || client_.closing) { return; }
    const auto room = input_.room();
    if (room.empty()) {
        refuse("-OOM all query buffers are in use, try again");
        return advance();
    }
    const std::size_t size = ec ? 0 : socket_.read_some(asio::buffer(room.data(), room.size()), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) { return await_input(); }
    if (ec == asio::error::eof) { return finish(); }  // the client may still read what it is owed
    if (ec) { return close(); }
    input_.received(size);
    client_.active = std::chrono::steady_clock::now();
    advance();
}

bool session::overloaded() const noexcept {
    return staging_ || queue_.size() >= state_.limits.in_flight ||
           ready_.bytes() + sending_.bytes() > state_.limits.unsent_bytes;
}

void session::read_commands() {
    if (client_.closing) { return; }
    now_ = state_.clock.now();  // as Redis does: one look at the clock for a batch
    while (!client_.closing && !overloaded()) {
        switch (parser_.parse(input_.unread())) {
            case resp::request_parser::outcome::need_more:
                // A command beyond the bound is not answered, as in Redis: its sender does not read anyway.
                if (input_.unread().size() > state_.limits.query_bytes) { return close(); }
                return await_input();
            case resp::request_parser::outcome::broken: return refuse(parser_.error());
            case resp::request_parser::outcome::command:
                if (!parser_.arguments().empty()) { execute(parser_.arguments()); }
                input_.consume(parser_.consumed());
                break;
        }
    }
}

void session::refuse(std::string_view text) {
    std::string reply;
    resp::append_error(reply, text);
    answer(reply);
    client_.closing = true;
}

// --- writing --------------------------------------------------------------------------------------

/// Replies leave the queue from its front only: that is what keeps the order.
void session::collect_replies() {
    while (!queue_.empty() && queue_[queue_.first()].waiting_for == 0) {
        auto& done = queue_[queue_.first()];
        if (!done.text.empty()) {
            ready_.text().append(done.text);
        } else if (done.form == reply_form::info) {
            resp::append_bulk(ready_.text(), info_text(state_, done.many->total(), done.section));
        } else {
            append_reply(done.form, done.reply, done.many.get(), ready_);
        }
        queue_.pop();
    }
}

void session::write() {
    if (writing_ || closed_ || ready_.empty()) { return; }
    writing_ = true;
    std::swap(ready_, sending_);
    sending_.gather(buffers_);
    asio::async_write(socket_, buffers_, [self = shared_from_this()](error_code ec, std::size_t) {
        self->writing_ = false;
        self->sending_.clear();
        if (ec) { return self->close(); }
        self->advance();
    });
}

void session::close_if_done() {
    if (client_.closing && queue_.empty() && ready_.empty() && !writing_) { close(); }
}

/// Workers may still be at work for this connection: their replies find it closed and are dropped.
void session::close() {
    if (std::exchange(closed_, true)) { return; }
    client_.closing = true;
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    ready_.clear();
    state_.clients.erase(client_.id);
    server_.forget(*this);
}

void session::abort() { close(); }

}  // namespace kv
