// The listener: accepts connections up to a cap and owns them until they close.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>

namespace numasio::detail {

class http_session;

struct http_limits {
    std::size_t connections = 64;
    std::chrono::milliseconds header{5'000};     ///< for a whole header, from its first byte or the accept
    std::chrono::milliseconds idle{60'000};      ///< between two requests of a connection
    std::chrono::milliseconds write{10'000};     ///< for the client to take a whole reply
    std::chrono::milliseconds linger{1'000};     ///< for the client to close after the last reply
    std::chrono::milliseconds accept_pause{100};  ///< after a failed accept (descriptors run out)
};

/// Everything runs on one strand of the given executor, and each handler holds `mutex_`: the strand keeps the
/// executor's threads from waiting for each other, the mutex lets stop() close sockets from any thread at
/// once, even where the executor runs no more. Operations are single steps (no composed ones), because the
/// inner handlers of a composed one would not take the mutex.
class http_server : public std::enable_shared_from_this<http_server> {
public:
    /// Binds and listens. Fails: see loopback_endpoint() and cannot_listen().
    http_server(boost::asio::any_io_executor executor, const listener_plan& listener, snapshot_source source,
                http_limits limits = {});
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    void start();
    /// Threads: any, but not from within the source. Blocks: while a reply is being put together.
    /// Afterwards the port is free and the source is gone, whether or not the executor ever runs again.
    void stop();

    std::uint16_t port() const noexcept { return port_; }
    std::uint64_t failed_accepts() const noexcept { return failed_accepts_.load(std::memory_order_relaxed); }
    std::size_t connections() const;

private:
    friend class http_session;

    void accept();
    void on_accept(const boost::system::error_code& ec, boost::asio::ip::tcp::socket socket);
    void admit(boost::asio::ip::tcp::socket socket);
    void close_longest_idle();

    mutable std::mutex mutex_;
    boost::asio::any_io_executor strand_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    snapshot_source source_;
    const http_limits limits_;
    std::set<std::shared_ptr<http_session>> sessions_;
    std::uint16_t port_ = 0;
    bool stopped_ = false;
    std::atomic<std::uint64_t> failed_accepts_{0};
};

}  // namespace numasio::detail
