// Listens on the loopback address and keeps its connections.
#pragma once

#include "http/session.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <unordered_set>

namespace web {

/// Thread safety: stop() from any thread; the io_context may be run by many.
class server {
public:
    /// Binds at once and accepts as soon as the context runs. `served` outlives the context's run.
    /// Fails: throws std::runtime_error with the remedy, where the port cannot be had.
    server(boost::asio::io_context& io, std::uint16_t port, const routes& served);
    /// Closes the listener; each connection answers what has arrived, and ends.
    void stop();
    boost::asio::ip::tcp::endpoint address() const { return address_; }

private:
    boost::asio::awaitable<void> accept();

    boost::asio::io_context& io_;
    const routes& routes_;
    boost::asio::ip::tcp::acceptor acceptor_;  // on a strand; so is all that follows
    boost::asio::ip::tcp::endpoint address_;
    std::unordered_set<std::shared_ptr<session>> sessions_;
};

}  // namespace web
