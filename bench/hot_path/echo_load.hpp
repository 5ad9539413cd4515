// What the echo servers are asked, and by whom: messages of 64 bytes, from a client that is a process of its own on another CPU.
#pragma once

#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/errc.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace numasio::bench {

constexpr std::size_t message = 64;

/// What the calling thread has used, in user mode.
inline double user_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) * 1e-6;
}

/// A message that begins with `ask_time` comes back with what the server's thread has used, one with `ask_end` has it end: an unlocked io_context has no other way in.
constexpr char ask_time = 'T';
constexpr char ask_end = 'E';
using text = std::array<char, message>;

/// False: it is to end.
inline bool look_at(char* asked) {
    const char what = *asked;
    if (what == ask_time) {
        const double used = user_seconds();
        std::memcpy(asked, &used, sizeof used);
    }
    return what != ask_end;
}

inline text ask(const boost::asio::ip::tcp::endpoint& at, char what) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect(at);
    text bytes{what};
    boost::asio::write(socket, boost::asio::buffer(bytes));
    error_code ec;
    boost::asio::read(socket, boost::asio::buffer(bytes), ec);
    return bytes;
}

struct figures {
    double per_second = 0;
    double user_us = 0;  // of the server's, for a request
};

/// One request of each connection is on its way all the time.
inline figures load(const boost::asio::ip::tcp::endpoint& to, std::size_t connections, double seconds) {
    const auto used = [&] {
        const auto told = ask(to, ask_time);
        double value = 0;
        std::memcpy(&value, told.data(), sizeof value);
        return value;
    };
    boost::asio::io_context io;
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<boost::asio::ip::tcp::socket> sockets;
    text bytes{};
    sockets.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) {
        auto& socket = sockets.emplace_back(io);
        socket.connect(to);
        socket.set_option(boost::asio::ip::tcp::no_delay(true));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket.native_handle();
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket.native_handle(), &event);
    }
    for (auto& socket : sockets) { boost::asio::write(socket, boost::asio::buffer(bytes)); }
    std::array<epoll_event, 128> events;
    const auto turn = [&] {
        std::uint64_t done = 0;
        const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < n; ++i) {
            const int socket = events[static_cast<std::size_t>(i)].data.fd;
            if (::recv(socket, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(message)) { give_up(1, "an echo that is not whole"); }
            if (::send(socket, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(message)) { give_up(1, "a request that was not sent whole"); }
            ++done;
        }
        return done;
    };
    for (std::uint64_t warm = 0; warm < 5 * connections;) { warm += turn(); }
    const auto before = used();
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t requests = 0;
    while (seconds_since(start) < seconds) { requests += turn(); }
    const double took = seconds_since(start);
    const double user = used() - before;
    ::close(epoll);
    return {static_cast<double>(requests) / took, user * 1e6 / static_cast<double>(requests)};
}

/// The client is a process of its own: it has as many files to open as the server has.
class client {
public:
    explicit client(cpu_id cpu) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) { give_up(1, "socketpair"); }
        end_ = ends[0];
        child_ = ::fork();
        if (child_ != 0) {
            ::close(ends[1]);
            return;
        }
        ::close(ends[0]);
        pin(cpu);
        order todo;
        while (::recv(ends[1], &todo, sizeof todo, 0) == static_cast<ssize_t>(sizeof todo)) {
            const auto f = load({boost::asio::ip::address_v4::loopback(), todo.port}, todo.connections, todo.seconds);
            if (::send(ends[1], &f, sizeof f, 0) != static_cast<ssize_t>(sizeof f)) { break; }
        }
        ::_exit(0);
    }
    ~client() {
        ::close(end_);
        ::waitpid(child_, nullptr, 0);
    }
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    figures measure(const boost::asio::ip::tcp::endpoint& to, std::size_t connections, double seconds) const {
        const order todo{to.port(), connections, seconds};
        figures f;
        if (::send(end_, &todo, sizeof todo, 0) < 0 || ::recv(end_, &f, sizeof f, 0) != static_cast<ssize_t>(sizeof f)) { give_up(1, "the client has ended"); }
        return f;
    }

private:
    struct order {
        std::uint16_t port = 0;
        std::size_t connections = 0;
        double seconds = 0;
    };
    int end_ = -1;
    pid_t child_ = -1;
};

}  // namespace numasio::bench
