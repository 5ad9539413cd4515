// Which of many sockets have something to read, told at the edges: by an epoll instance, or by the polls of an io_uring. Private to src/ and hot_path/.
#pragma once

#include <numasio/errc.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace numasio::platform {

struct edge {
    std::uint64_t id = 0;
    bool all = false;  ///< the other side has ended, there is an error, or (epoll only) urgent data, at which a read stops: read until the kernel says that there is nothing
};

/// Threads: one at a time.
class edge_set {
public:
    virtual ~edge_set() = default;
    /// Readable while there is something to take. The set's own.
    virtual int descriptor() const noexcept = 0;
    /// Fails: the kernel's errno.
    virtual error_code watch(int socket, std::uint64_t id) noexcept = 0;
    /// False: it was not watched.
    virtual bool forget(int socket) noexcept = 0;
    /// What has come since the last look; how many. Blocks: never.
    virtual std::size_t take(std::span<edge> to) noexcept = 0;
    /// The kernel has refused, for want of memory, something that the next look asks for again; nothing makes the descriptor readable for that.
    virtual bool owes() const noexcept { return false; }

protected:
    edge_set() = default;
    edge_set(const edge_set&) = delete;
    edge_set& operator=(const edge_set&) = delete;
};

/// Nothing where the kernel refuses, with its errno in `ec`. Fails: throws std::bad_alloc.
std::unique_ptr<edge_set> make_epoll_set(error_code& ec);
/// `one_thread`: whoever watches and forgets is who takes; what has come does not interrupt it while it runs.
/// Nothing where the kernel refuses, or is older than 6.1, or where numasio is built without NUMASIO_IO_URING (ENOSYS). In a forked child watching is refused (errc::forked) and nothing is told. Fails: throws std::bad_alloc.
std::unique_ptr<edge_set> make_uring_set(bool one_thread, error_code& ec);

}  // namespace numasio::platform
