// Which of many connections have something to read: one wait for all of them, and no system call more for each that is read.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace kv {

/// Asio arms each socket anew after each read, with a system call for each request. This is an edge-triggered epoll instance of the connections, and Asio sees that one descriptor alone.
/// Threads: its executor's. Lifetime: the executor outlives it; nothing is called any more once it is destroyed.
class readable_set {
public:
    /// `ends`: there is an end to be seen behind what there may be to read.
    using told = std::function<void(std::uint64_t id, bool ends)>;
    /// Fails: throws boost::system::system_error where there is no descriptor.
    readable_set(const boost::asio::any_io_executor& executor, told on_readable);

    /// From now on, until the socket is closed, each arrival is told once. Fails: the kernel's errno; nothing is to be removed then.
    boost::system::error_code add(int socket, std::uint64_t id);
    /// One of them was closed. While there is none, nothing is waited for.
    void remove();
    /// Tells it soon once more: something may be left to read.
    void tell_again(std::uint64_t id);

private:
    void await();
    void look();

    boost::asio::posix::stream_descriptor set_;
    told on_readable_;
    std::size_t members_ = 0;
    bool waiting_ = false;
    std::vector<std::uint64_t> again_, telling_;
    std::shared_ptr<const char> alive_ = std::make_shared<const char>();  ///< what waits may outlive this
};

}  // namespace kv
