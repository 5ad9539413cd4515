// A connection that a reactor worker has got: its socket, and its share of the worker's load.
#pragma once

#include <numasio/detail/reactor_executor.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace numasio {

/// An Asio executor of 8 bytes: one worker of a reactor_pool. Lifetime: the pool's.
using reactor_executor = detail::reactor_executor<std::allocator<void>, 0>;
/// Converts to boost::asio::ip::tcp::socket; as it is, operations on it go through one virtual call less.
using reactor_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, reactor_executor>;

/// Counts in its worker's load until it is destroyed or moved from. Thread safety: distinct objects safe. Lifetime: the pool's.
class open_connection {
public:
    open_connection() noexcept = default;
    explicit open_connection(detail::reactor_core& core) noexcept : core_(&core) { core.open.fetch_add(1, std::memory_order_relaxed); }
    open_connection(open_connection&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    open_connection& operator=(open_connection&& other) noexcept {
        auto moved = std::move(other);
        std::swap(core_, moved.core_);
        return *this;
    }
    ~open_connection() {
        if (core_ != nullptr) { core_->open.fetch_sub(1, std::memory_order_relaxed); }
    }

private:
    detail::reactor_core* core_ = nullptr;
};

/// What a listener's handler gets, on the worker whose executor the socket has. To be kept, both, until the connection is closed.
struct reactor_connection {
    reactor_socket socket;
    boost::asio::ip::tcp::endpoint peer;
    open_connection open;
};

/// Called on the worker that has got the connection; of one that several workers share: on all of them, at the same time too. What it throws is counted
/// (reactor_worker_status::failed).
using connection_handler = std::function<void(reactor_connection)>;

}  // namespace numasio
