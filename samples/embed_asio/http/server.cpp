// Accepts connections, each on a strand of its own, up to a bound.
#include "http/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>

namespace web {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t most_connections = 1024;

tcp::acceptor listen(asio::io_context& io, std::uint16_t port) {
    try {
        return {asio::make_strand(io), tcp::endpoint{asio::ip::address_v4::loopback(), port}};
    } catch (const boost::system::system_error& e) {
        throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + e.code().message() +
                                 (e.code() == asio::error::address_in_use
                                      ? "; see with \"ss -ltnp\" what uses the port, or choose another with --port"
                                      : "; choose another port with --port (from 1024 on, or 0: the system chooses)"));
    }
}

}  // namespace

server::server(asio::io_context& io, std::uint16_t port, const routes& served)
    : io_(io), routes_(served), acceptor_(listen(io, port)), address_(acceptor_.local_endpoint()) {
    asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
}

void server::stop() {
    asio::dispatch(acceptor_.get_executor(), [this] {
        acceptor_.close();
        for (const auto& open : sessions_) { open->wind_up(); }
    });
}

asio::awaitable<void> server::accept() {
    asio::steady_timer pause(acceptor_.get_executor());
    while (acceptor_.is_open()) {
        tcp::socket socket(asio::make_strand(io_));
        const auto [error] = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
        if (!acceptor_.is_open()) { co_return; }
        if (error) {  // out of descriptors, say: the connections that are there go on
            pause.expires_after(std::chrono::milliseconds(50));
            co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
            continue;
        }
        if (sessions_.size() == most_connections) { continue; }  // closes it
        const auto made = std::make_shared<session>(std::move(socket), routes_);
        sessions_.insert(made);
        asio::co_spawn(made->get_executor(), made->run(), [this, made](const std::exception_ptr& thrown) {
            try {
                if (thrown) { std::rethrow_exception(thrown); }
            } catch (const std::exception& e) {
                std::cerr << "a connection ended: " << e.what() << std::endl;
            }
            asio::post(acceptor_.get_executor(), [this, made] { sessions_.erase(made); });
        });
    }
}

}  // namespace web
