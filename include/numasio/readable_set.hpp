// Which of many sockets have something to read: one wait for all of them, and no system call more for each that is read.
#pragma once

#include <numasio/errc.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace numasio {

namespace platform {
class edge_set;
}

/// What the kernel tells arrivals by.
enum class poll_backend : std::uint8_t {
    epoll,
    /// Where numasio is built with NUMASIO_IO_URING and the kernel (6.1 or newer) lets it, else epoll. What has come is read from memory (256 KiB of the kernel's for each set); on the machines measured it is slower all the same (decision 0014).
    /// It does not tell urgent data: where the other side may send that, read until there is nothing. In a forked child add() answers errc::forked, and nothing is told.
    io_uring,
};

/// Asio arms a socket anew after each read, by a system call or by a read that finds nothing. This is one edge-triggered epoll instance (or one io_uring) for many stream sockets, and Asio waits for that descriptor alone;
/// the sockets are read and written without waiting (non-blocking read_some()). For workers of a reactor_pool, and any other executor.
/// Thread safety: none; its executor's thread, a strand. Lifetime: the executor outlives it; nothing is called once it is destroyed. While it has no members it waits for nothing, so that a context without other work ends.
/// A fork shares it: what one process takes is not told in the other, and what one adds or removes, both have. Only one of the two may use it, or destroy it, before the other has ended or become another program.
class readable_set {
public:
    /// `id` as it was added. `all`: there is an end or an error behind what there may be to read, or urgent data, at which a read stops; read until would_block, an end or an error, however little a read gives. May add, remove, and call tell_again(); may not destroy the set. What it throws leaves the handler of the executor; the others are told all the same.
    using told = std::function<void(std::uint64_t id, bool all)>;
    /// By io_uring, arrivals wake the thread that has added the socket: its blocking system calls may end with EINTR, also a moment after the set's end. It is interrupted while it runs, too, unless it is the worker of a reactor_pool that the set is made on.
    /// Fails: throws boost::system::system_error where there is no descriptor; std::bad_alloc.
    readable_set(const boost::asio::any_io_executor& executor, told on_readable, poll_backend wanted = poll_backend::epoll);
    readable_set(const readable_set&) = delete;
    readable_set& operator=(const readable_set&) = delete;
    ~readable_set();

    /// What it has: epoll where io_uring was wanted and refused.
    poll_backend backend() const noexcept { return backend_; }

    /// `socket`: a stream socket; a datagram's size says nothing of the next. From now on each arrival is told: once, however much there is, so read until there is less than there was room for (where `all` is told, until there is nothing), or call tell_again(). What is there already is told too.
    /// Blocks: never. Cost: a system call; no memory of the program's (io_uring: 24 bytes for each socket number up to this). Fails: the kernel's errno (ENOSPC: fs.epoll.max_user_watches; EEXIST: it is a member), and the socket is no member.
    [[nodiscard]] error_code add(int socket, std::uint64_t id);
    /// Before a member is closed: while the file is open elsewhere (dup(), a forked child) closing has the kernel forget nothing, and once it is closed nobody can; an io_uring keeps the file open. Of its id something may still be told in the same turn; behind a telling that throws, in the next.
    /// What is no member is left alone. Blocks: never. Cost: a system call.
    void remove(int socket);
    /// Tells `id` once more, behind what is ready now: something may be left to read. Fails: throws std::bad_alloc, and nothing is told once more.
    void tell_again(std::uint64_t id);

private:
    struct arrival {
        std::uint64_t id;
        bool all;
    };
    struct wait_memory;
    template <class Work>
    void turn(Work work);
    void tell_owed();
    bool owes() const noexcept { return next_ < owed_.size(); }
    void await();
    void look();

    poll_backend backend_ = poll_backend::epoll;
    std::unique_ptr<platform::edge_set> edges_;
    boost::asio::posix::stream_descriptor set_;  // of edges_, which closes it
    told on_readable_;
    std::size_t members_ = 0;
    std::shared_ptr<wait_memory> wait_;  // of the one wait; its handler may outlive this
    std::vector<arrival> owed_;          // taken from the kernel or from again_, told up to next_
    std::size_t next_ = 0;
    std::vector<arrival> again_;  // of the next turn
    bool posted_ = false;
    std::shared_ptr<const char> alive_ = std::make_shared<const char>();  // handlers may outlive this
};

}  // namespace numasio
