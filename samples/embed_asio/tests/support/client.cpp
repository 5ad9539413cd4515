// Blocking calls, whose time-out is the test's; Beast's parser where replies are looked at.
#include "support/client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <stdexcept>

namespace embed::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

}  // namespace

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: limits\r\n\r\n"; }

std::string post_order(const std::string& body) {
    return "POST /orders HTTP/1.1\r\nHost: limits\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string order(const std::string& symbol, int quantity, int price) {
    return R"({"symbol":")" + symbol + R"(","quantity":)" + std::to_string(quantity) + R"(,"price":)" +
           std::to_string(price) + "}";
}

client::client(std::uint16_t port) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    socket_.set_option(tcp::no_delay(true));
}

void client::send(const std::string& bytes) {
    boost::system::error_code ignored;  // where the other side has closed, reading will show it
    asio::write(socket_, asio::buffer(bytes), ignored);
}

std::optional<reply> client::read() {
    reply out;
    boost::system::error_code error;
    http::read(socket_, buffer_, out, error);
    if (error == http::error::end_of_stream) { return {}; }
    if (error) { throw std::runtime_error("no whole reply: " + error.message()); }
    return out;
}

std::string client::read_all() {
    std::string out(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(out), error);
    if (error != asio::error::eof) { throw std::runtime_error("no end of the stream: " + error.message()); }
    return out;
}

std::vector<reply> cut(const std::string& bytes) {
    std::vector<reply> out;
    for (std::size_t at = 0; at < bytes.size();) {
        http::response_parser<http::string_body> parser;
        parser.eager(true);
        boost::system::error_code error;
        at += parser.put(asio::buffer(bytes.data() + at, bytes.size() - at), error);
        if (error || !parser.is_done()) { throw std::runtime_error("not a reply, at byte " + std::to_string(at)); }
        out.push_back(parser.release());
    }
    return out;
}

}  // namespace embed::test
