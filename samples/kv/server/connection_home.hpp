// Where connections live once they are accepted.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace kv {

/// Threads: the control plane's one thread.
class connection_home {
public:
    virtual ~connection_home() = default;

    /// From now on it is the home's, and counts among server_state::connections' open ones until it is closed.
    virtual void take(boost::asio::ip::tcp::socket socket, std::uint64_t id) = 0;
    /// Lets every connection finish; `drained` is called once when none is left.
    virtual void finish(std::function<void()> drained) = 0;
    /// Closes what is left. Returns how many commands were not answered.
    virtual std::size_t abort() = 0;
    /// After either of them, and before the bridge's stop: ends the home's own threads, if it has some, about `patience` later at the latest.
    virtual void stop(std::chrono::nanoseconds patience) = 0;
};

}  // namespace kv
