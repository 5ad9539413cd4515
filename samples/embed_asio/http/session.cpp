// The life of a connection. Bounds: 8 KiB of head, 4 KiB of body, a minute idle, five seconds for one transfer.
#include "http/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>

namespace web {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using boost::system::error_code;

constexpr auto idle_time = 60s;
constexpr auto transfer_time = 5s;
constexpr std::uint64_t most_body = 4096;
constexpr std::uint32_t most_head = 8192;
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

/// The reply to what was no request; status::unknown where nobody is left to read one.
status status_of(const error_code& error) {
    if (error == http::error::body_limit) { return status::payload_too_large; }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return status::request_header_fields_too_large;
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) { return status::unknown; }
    return error.category() == make_error_code(http::error::bad_method).category() ? status::bad_request : status::unknown;
}

}  // namespace

session::session(asio::ip::tcp::socket socket, const routes& served) : stream_(std::move(socket)), routes_(served) {}

asio::awaitable<void> session::run() {
    const auto self = shared_from_this();
    error_code ignored;
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    while (co_await has_arrived()) {
        if (!co_await serve_one()) { break; }
    }
    co_await close();
}

void session::wind_up() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
        self->winding_up_ = true;
        if (self->idle_) { self->stream_.cancel(); }
    });
}

/// False at the end of the stream, after a minute of silence, and when winding up with nothing left to answer.
asio::awaitable<bool> session::has_arrived() {
    while (buffer_.size() == 0) {
        error_code failed;
        if (winding_up_ && (stream_.socket().available(failed) == 0 || failed)) { co_return false; }
        stream_.expires_after(idle_time);
        idle_ = true;
        const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), as_tuple);
        idle_ = false;
        buffer_.commit(bytes);
        // Cancelled by wind_up(): nothing was taken from the socket; look once more whether something is there.
        if (error && !(winding_up_ && error == asio::error::operation_aborted)) { co_return false; }
    }
    co_return true;
}

/// False where it was the connection's last.
asio::awaitable<bool> session::serve_one() {
    http::request_parser<http::string_body> parser;
    parser.body_limit(most_body);
    parser.header_limit(most_head);
    stream_.expires_after(transfer_time);
    const auto [error, taken] = co_await http::async_read(stream_, buffer_, parser, as_tuple);
    response out;
    if (!error) {
        out = co_await routes_.answer(parser.get());
    } else {
        const auto code = status_of(error);
        if (code == status::unknown) { co_return false; }
        out = refusal({}, code, error.message());
    }
    out.keep_alive(!error && parser.get().keep_alive());
    out.prepare_payload();
    stream_.expires_after(transfer_time);
    const auto [failed, written] = co_await http::async_write(stream_, out, as_tuple);
    co_return !failed && out.keep_alive();
}

/// Reads on for a moment what nobody asked for: a socket that is closed on unread bytes takes the last reply with it.
asio::awaitable<void> session::close() {
    error_code ended;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ended);
    stream_.expires_after(1s);
    buffer_.clear();
    for (std::size_t seen = 0; !ended && !winding_up_ && seen < 1024 * 1024;) {
        const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), as_tuple);
        ended = error;
        seen += bytes;
    }
}

}  // namespace web
