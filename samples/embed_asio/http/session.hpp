// One connection: reads a request, has it answered, writes the reply, and goes on with the next.
#pragma once

#include "http/routes.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <memory>

namespace web {

/// Everything runs on the socket's executor, a strand; wind_up() may be called from any thread.
class session : public std::enable_shared_from_this<session> {
public:
    session(boost::asio::ip::tcp::socket socket, const routes& served);
    boost::asio::awaitable<void> run();
    /// Answers what has arrived, then closes.
    void wind_up();
    auto get_executor() { return stream_.get_executor(); }

private:
    boost::asio::awaitable<bool> has_arrived();
    boost::asio::awaitable<bool> serve_one();
    boost::asio::awaitable<void> close();

    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_{64 * 1024};
    const routes& routes_;
    bool winding_up_ = false;
    bool idle_ = false;
};

}  // namespace web
