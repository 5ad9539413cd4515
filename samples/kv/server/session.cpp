// Reading from and writing to the socket; session_commands.cpp is the way to the workers.
#include "server/session.hpp"

#include "resp/reply_text.hpp"
#include "server/front.hpp"

#include <boost/asio/write.hpp>

#include <span>

namespace kv {

using boost::system::error_code;

namespace {

constexpr std::string_view no_query_memory = "-OOM all query buffers are in use, try again";

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    const auto host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
    return host + ":" + std::to_string(endpoint.port());
}

}  // namespace

session::session(asio::ip::tcp::socket socket, front& owner, std::uint64_t id, numasio::open_connection counted)
    : socket_(std::move(socket)), counted_(std::move(counted)), front_(owner), state_(owner.state()), calls_(owner.calls()),
      input_(state_.query_memory), parser_(state_.limits.parser),
      account_(state_.reply_memory, state_.limits.reply_allowance) {
    error_code ignored;  // a client may be gone before we look
    client_.id = id;
    client_.address = text_of(socket_.remote_endpoint(ignored));
    client_.local = text_of(socket_.local_endpoint(ignored));
    client_.descriptor = socket_.native_handle();
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    state_.clients.emplace(id, &client_);
}

void session::start() {
    const auto ec = front_.readable().add(socket_.native_handle(), client_.id);
    watched_ = !ec;
    if (ec) {
        refuse("-ERR cannot watch another connection: " + ec.message());
        return advance();
    }
    await_input();
}

void session::finish() {
    client_.closing = true;
    advance();
}

void session::advance() {
    for (bool held_back = true; held_back && !closed_;) {
        collect_replies();
        read_commands();
        // Where replies that are not sent yet keep it from going on, and now they are, it does.
        held_back = overloaded() || (!queue_.empty() && queue_[queue_.first()].waiting_for == 0);
        held_back = write() && held_back;
    }
    if (!closed_) { close_if_done(); }
}

// --- reading --------------------------------------------------------------------------------------

void session::await_input() {
    if (reading_ || closed_ || client_.closing) { return; }
    reading_ = true;
    if (has_more_) { front_.readable().tell_again(client_.id); }
}

void session::on_readable(bool all) {
    has_more_ = true;
    read_all_ = read_all_ || all;
    if (std::exchange(reading_, false)) { receive(); }
}

void session::receive() {
    if (closed_ || client_.closing) { return; }
    const auto room = input_.room();
    if (room.empty()) {
        refuse(no_query_memory);
        return advance();
    }
    error_code ec;
    const std::size_t size = socket_.read_some(asio::buffer(room.data(), room.size()), ec);
    if (ec) {
        if (ec == asio::error::eof) { return finish(); }  // the client may still read what it is owed
        if (ec != asio::error::would_block && ec != asio::error::try_again) { return close(); }
        has_more_ = read_all_ = false;
        return await_input();
    }
    // Where there was less than there was room, there is no more until it is told.
    has_more_ = read_all_ || size == room.size();
    input_.received(size);
    advance();
}

bool session::overloaded() const noexcept {
    const std::size_t most = state_.limits.unsent_bytes;
    return stepping_ || waiting_ || queue_.size() >= state_.limits.in_flight || unsent() > most || account_.used() > most ||
           account_.full();
}

/// A million empty arguments are 6 MB on the wire and 16 MB or more to the parser.
bool session::charge_parser() {
    constexpr std::size_t free_of_charge = 16 << 10;
    const std::size_t kept = parser_.bookkeeping_bytes();
    const std::size_t charged = kept > free_of_charge ? kept : 0;
    if (charged == parser_charge_.bytes()) { return true; }
    parser_charge_ = {};
    if (!state_.query_memory.has_room(charged)) { return false; }
    parser_charge_ = resp::metered(state_.query_memory, charged);
    return true;
}

void session::read_commands() {
    if (client_.closing) { return; }
    const auto all_read = [this] { return input_.unread().empty() && parser_charge_.bytes() == 0; };
    if (all_read()) { return await_input(); }
    client_.active = std::chrono::steady_clock::now();  // as Redis does: one look at the clock for a batch
    now_ = state_.clock.at(client_.active);
    while (!client_.closing && !overloaded()) {
        const auto outcome = parser_.parse(input_.unread());
        if (!charge_parser()) { return refuse(no_query_memory); }
        switch (outcome) {
            case resp::request_parser::outcome::need_more:
                // A command beyond the bound is not answered, as in Redis: its sender does not read anyway.
                if (input_.unread().size() > state_.limits.query_bytes) { return close(); }
                return await_input();
            case resp::request_parser::outcome::broken: return refuse(parser_.error());
            case resp::request_parser::outcome::command:
                if (!parser_.arguments().empty()) { execute(parser_.arguments()); }
                if (waiting_) { return; }
                input_.consume(parser_.consumed());
                if (all_read()) { return await_input(); }
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

/// Replies leave the queue from its front only: that is what keeps the order. One that does not fit now waits while
/// there is something to send before it, and is made when that is gone; with nothing before it, it is refused.
void session::collect_replies() {
    while (!queue_.empty() && queue_[queue_.first()].waiting_for == 0 && unsent() <= state_.limits.unsent_bytes) {
        auto& done = queue_[queue_.first()];
        const auto refuse_with = [&](std::string_view error) {
            ++state_.oversized;
            done.text = error;
        };
        if (done.text.empty()) {
            const auto size = size_of_reply(done.reply, done.many.get());
            const bool too_large = (done.many && done.many->too_large()) ||
                                   reply_stream::cost(size) > state_.limits.reply_bytes;
            if (too_large) {
                refuse_with(reply_too_large);
            } else if (!account_.fits(reply_stream::cost(size), unsent() == 0)) {
                if (unsent() != 0) { break; }
                refuse_with(reply_memory_in_use);
            } else {
                ready_.reserve(size);
            }
        }
        if (!done.text.empty()) {
            ready_.text().append(done.text);
        } else if (done.form == reply_form::info) {
            const auto fronts = calls_.claims() ? done.many->figures() : state_.figures();
            resp::append_bulk(ready_.text(), info_text(state_, fronts, done.many->total(), done.section));
        } else {
            append_reply(done.form, done.reply, done.many.get(), ready_);
        }
        queued_text_ -= done.counted;
        queue_.pop();
        settle();
    }
}

/// True where the kernel has taken all of it.
bool session::write() {
    if (writing_ || closed_ || ready_.empty()) { return false; }
    calls_.send_off();
    ready_.gather(buffers_);
    // Nearly always the kernel takes all of it at once: then nothing is left to wait for.
    error_code ec;
    const auto taken = buffers_.size() == 1 ? socket_.write_some(buffers_.front(), ec) : 0;
    const bool failed = ec && ec != asio::error::would_block && ec != asio::error::try_again;
    if (taken == ready_.bytes() || failed) {
        sent(ready_, failed ? ec : error_code());
        return !failed;
    }
    writing_ = true;
    std::swap(ready_, sending_);
    sending_.gather(buffers_);  // a short text has moved with the swap
    buffers_.front() += taken;
    // A view of the list: async_write() would copy the list itself.
    const std::span<const asio::const_buffer> all(buffers_);
    asio::async_write(socket_, all, [self = shared_from_this()](error_code ended, std::size_t) {
        self->writing_ = false;
        self->sent(self->sending_, ended);
        self->advance();
    });
    return false;
}

void session::sent(reply_stream& what, error_code ec) {
    what.clear();
    settle();
    if (ec) { close(); }
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
    if (watched_) { front_.readable().remove(socket_.native_handle()); }
    socket_.close(ignored);
    ready_.clear();
    waiting_.reset();
    settle();
    state_.clients.erase(client_.id);
    front_.forget(*this);
}

void session::abort() { close(); }

}  // namespace kv
