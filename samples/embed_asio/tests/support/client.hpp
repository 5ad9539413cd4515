// An HTTP client that shows every byte: it sends text, and cuts what comes back into replies.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace embed::test {

using reply = boost::beast::http::response<boost::beast::http::string_body>;

std::string get(const std::string& path);
std::string post_order(const std::string& body);
std::string order(const std::string& symbol, int quantity, int price);

/// One connection. Fails: throws where the other side breaks off within a reply. Blocks: until it answers.
class client {
public:
    explicit client(std::uint16_t port);
    void send(const std::string& bytes);
    /// The next reply, read by Beast; nothing at the end of the stream.
    std::optional<reply> read();
    /// All bytes up to the end of the stream.
    std::string read_all();

private:
    boost::asio::io_context io_;
    boost::asio::ip::tcp::socket socket_{io_};
    boost::beast::flat_buffer buffer_;
};

/// Cuts a stream of replies; throws where it is none.
std::vector<reply> cut(const std::string& bytes);

}  // namespace embed::test
