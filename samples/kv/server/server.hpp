// The listening side: accepts connections up to a bound, and lets them finish at the end.
#pragma once

#include "server/connection_home.hpp"
#include "server/server_state.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>

namespace kv {

/// Threads: the control plane's one thread. Lifetime: the io_context outlives it.
class server {
public:
    /// Binds at once, so that a port in use is found before anything is pinned.
    /// Fails: throws boost::system::system_error.
    server(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& address, server_limits limits = {});

    /// What every front begins with. `worker_memory`: bytes, of each worker.
    const server_state& describe(std::uint32_t workers, std::uint64_t worker_memory);
    /// Accepts from now on. Lifetime: `home` outlives the server.
    void start(connection_home& home);
    /// Accepts nothing more and lets every connection finish; `drained` is called once when none is left.
    void finish(std::function<void()> drained);
    /// Closes what is left. Returns how many commands were not answered.
    std::size_t abort();

    boost::asio::ip::tcp::endpoint address() const { return acceptor_.local_endpoint(); }

private:
    boost::asio::awaitable<void> accept_loop();

    boost::asio::io_context& io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;  ///< accept_loop's, when the system has no descriptor left
    server_state state_;
    connection_home* home_ = nullptr;
    std::uint64_t next_id_ = 1;
    bool stopping_ = false;
};

}  // namespace kv
