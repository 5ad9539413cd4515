// The listening side: accepts connections up to a bound, keeps them, and lets them finish at the end.
#pragma once

#include "server/server_state.hpp"
#include "server/session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace kv {

/// Threads: the control plane's one thread. Lifetime: the io_context and the port outlive it.
class server {
public:
    /// Binds at once, so that a port in use is found before anything is pinned.
    /// Fails: throws boost::system::system_error.
    server(asio::io_context& io, const asio::ip::tcp::endpoint& address, kv_port& port, server_limits limits = {});

    void start(std::uint64_t worker_memory);
    /// Accepts nothing more and lets every connection finish; `drained` is called once when none is left.
    void finish(std::function<void()> drained);
    /// Closes what is left. Returns how many commands were not answered.
    std::size_t abort();

    server_state& state() noexcept { return state_; }
    kv_port& port() noexcept { return port_; }
    asio::ip::tcp::endpoint address() const { return acceptor_.local_endpoint(); }

    // For sessions.
    void has_replies(std::shared_ptr<session> ready);
    void forget(session& closed);

private:
    asio::awaitable<void> accept_loop();
    asio::awaitable<void> sweep_loop();
    void send_sweep(std::uint32_t worker);
    void check_drained();

    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;   ///< accept_loop's, when the system has no descriptor left
    asio::steady_timer sweeps_;
    kv_port& port_;
    server_state state_;
    std::unordered_map<std::uint64_t, std::shared_ptr<session>> sessions_;
    std::vector<std::shared_ptr<session>> ready_;  ///< sessions with replies of the current batch
    std::vector<std::shared_ptr<session>> advancing_;
    std::function<void()> drained_;
    std::uint64_t next_id_ = 1;
    std::uint32_t sweeping_ = 0;  ///< workers that have not answered the last sweep
    bool stopping_ = false;
};

}  // namespace kv
