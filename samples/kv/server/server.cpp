// Accepting, and the end.
#include "server/server.hpp"

#include "server/command.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <string_view>
#include <utility>

namespace kv {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

server::server(asio::io_context& io, const tcp::endpoint& address, server_limits limits)
    : io_(io), acceptor_(io), pause_(io) {
    acceptor_.open(address.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(address);
    acceptor_.listen();
    state_.limits = limits;
    state_.query_memory.limit = limits.total_query_bytes;
    state_.reply_memory.limit = limits.total_reply_bytes;
    state_.port = acceptor_.local_endpoint().port();
}

const server_state& server::describe(std::uint32_t workers, std::uint64_t worker_memory) {
    state_.workers = workers;
    state_.worker_memory = worker_memory;
    fill_config(state_);
    return state_;
}

void server::start(connection_home& home) {
    home_ = &home;
    asio::co_spawn(io_, accept_loop(), asio::detached);
}

asio::awaitable<void> server::accept_loop() {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (!stopping_) {
        auto [ec, socket] = co_await acceptor_.async_accept(token);
        if (stopping_) { co_return; }
        if (ec == asio::error::connection_aborted) { continue; }
        if (ec) {
            // Most likely no descriptor is left. Trying at once would only burn the core.
            std::cerr << "numasio-kv: cannot accept: " << ec.message() << "; trying again in 100 ms\n";
            pause_.expires_after(100ms);
            co_await pause_.async_wait(token);
            continue;
        }
        ++state_.connections->accepted;
        if (state_.connections->open >= state_.limits.clients) {
            ++state_.connections->refused;
            error_code ignored;
            socket.non_blocking(true, ignored);
            socket.write_some(asio::buffer(std::string_view("-ERR max number of clients reached\r\n")), ignored);
            continue;
        }
        ++state_.connections->open;
        home_->take(std::move(socket), next_id_++);
    }
}

void server::finish(std::function<void()> drained) {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    home_->finish(std::move(drained));
}

std::size_t server::abort() { return home_->abort(); }

}  // namespace kv
