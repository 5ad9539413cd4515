// A readable_set on an io_context that the test runs, and sockets for it: the same with each of its backends.
#pragma once

#include <numasio/readable_set.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace numasio::test {

class readable_sets : public testing::TestWithParam<poll_backend> {
protected:
    struct pair {
        explicit pair(boost::asio::io_context& io) : ours(io), theirs(io) {
            boost::asio::local::connect_pair(ours, theirs);
            ours.non_blocking(true);
        }
        boost::asio::local::stream_protocol::socket ours, theirs;
    };
    pair& connect() { return pairs_.emplace_back(io); }
    std::pair<boost::asio::ip::tcp::socket, boost::asio::ip::tcp::socket> connect_tcp() {
        boost::asio::ip::tcp::acceptor at(io, {boost::asio::ip::address_v4::loopback(), 0});
        boost::asio::ip::tcp::socket theirs(io);
        theirs.connect(at.local_endpoint());
        auto ours = at.accept();
        ours.non_blocking(true);
        theirs.set_option(boost::asio::ip::tcp::no_delay(true));
        return {std::move(ours), std::move(theirs)};
    }
    template <class Socket>
    static std::string read(Socket& from, std::size_t most = 100) {
        std::string text(most, '\0');
        error_code ec;
        text.resize(from.read_some(boost::asio::buffer(text), ec));
        return text;
    }

    std::vector<std::pair<std::uint64_t, bool>> next_told() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);  // a telling that is lost fails its test
        io.restart();
        while (told.empty() && io.run_one_until(end) != 0) {}
        return std::exchange(told, {});
    }
    void leave(boost::asio::local::stream_protocol::socket& member) {
        set->remove(member.native_handle());
        member.close();
    }
    /// What is told within a time in which it would be.
    std::vector<std::pair<std::uint64_t, bool>> told_soon() {
        io.restart();
        io.run_for(std::chrono::milliseconds(20));
        return std::exchange(told, {});
    }

    boost::asio::io_context io;
    std::vector<std::pair<std::uint64_t, bool>> told;
    std::optional<readable_set> set{std::in_place, io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); }, GetParam()};

private:
    std::deque<pair> pairs_;
};

/// A kernel that refuses io_uring has it tested twice that epoll is there then.
inline const auto both_backends = testing::Values(poll_backend::epoll, poll_backend::io_uring);
inline std::string backend_name(const testing::TestParamInfo<poll_backend>& of) { return of.param == poll_backend::epoll ? "epoll" : "io_uring"; }

}  // namespace numasio::test
