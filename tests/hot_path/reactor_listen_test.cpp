// Connections reach a worker by a listener of its own, by one that hands them over, or by hand; and stay there.
#include <numasio/reactor_pool.hpp>
#include <numasio/scoped_pin.hpp>

#include "support/few_descriptors.hpp"
#include "support/reactor_pools.hpp"
#include "support/threads.hpp"
#include "support/time_given.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using test::reactors_here;

const tcp::endpoint any_port{asio::ip::address_v4::loopback(), 0};

/// Echoes on the worker that has the connection, and counts by worker.
struct echo {
    explicit echo(std::uint32_t workers) : served(workers) {}

    connection_handler handler(reactor_pool& pool) {
        return [this, &pool](reactor_connection connection) {
            const auto at = connection.socket.get_executor();
            for (std::uint32_t w = 0; w < pool.workers(); ++w) {
                if (pool.on(w) == at && at.running_in_this_thread()) { ++served[w]; }
            }
            asio::co_spawn(at, session(std::move(connection)), asio::detached);
        };
    }
    static asio::awaitable<void> session(reactor_connection connection) {
        std::array<char, 64> bytes;
        try {
            for (;;) {
                const auto n = co_await connection.socket.async_read_some(asio::buffer(bytes), asio::use_awaitable);
                co_await asio::async_write(connection.socket, asio::buffer(bytes, n), asio::use_awaitable);
            }
        } catch (const boost::system::system_error&) {  // the peer has closed
        }
    }
    int sum() const {
        int n = 0;
        for (const auto& s : served) { n += s; }
        return n;
    }

    std::vector<std::atomic<int>> served;
};

std::string asked_back(tcp::socket& socket, const std::string& text) {
    asio::write(socket, asio::buffer(text));
    std::string back(text.size(), '?');
    asio::read(socket, asio::buffer(back));
    return back;
}

std::vector<tcp::socket> connected(asio::io_context& io, const tcp::endpoint& to, int n) {
    std::vector<tcp::socket> sockets;
    for (int i = 0; i < n; ++i) {
        sockets.emplace_back(io);
        sockets.back().connect(to);
    }
    return sockets;
}

/// A control plane on a thread of its own.
class control_plane {
public:
    ~control_plane() { stop(); }
    void stop() {
        guard_.reset();
        io.stop();
        if (thread_.joinable()) { thread_.join(); }
    }
    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(io);
    std::thread thread_{[this] { io.run(); }};
};

TEST(ReactorListen, a_listener_for_each_worker_serves_its_connections_there) {
    echo all(2);
    reactors_here here(2);
    const auto threads = test::running_threads();
    const auto at = here.pool.listen(any_port, all.handler(here.pool));
    const auto listeners = here.pool.status().listeners;
    ASSERT_EQ(listeners.size(), 2u);
    for (std::uint32_t w = 0; w < 2; ++w) {
        EXPECT_EQ(listeners[w].endpoint, at);
        EXPECT_EQ(listeners[w].worker, w);
        EXPECT_TRUE(listeners[w].incoming_cpu == here.pool.sites()[w].cpu || !listeners[w].why.empty());
    }
    asio::io_context io;
    auto sockets = connected(io, at, 40);
    for (int turn = 0; turn < 3; ++turn) {
        for (auto& socket : sockets) { EXPECT_EQ(asked_back(socket, "hello, worker"), "hello, worker"); }
    }
    EXPECT_EQ(all.sum(), 40);
    EXPECT_EQ(test::running_threads(), threads);
    const auto open = [&] {
        const auto s = here.pool.status();
        return s.workers[0].open + s.workers[1].open;
    };
    EXPECT_EQ(open(), 40);
    sockets.clear();
    EXPECT_TRUE(test::within(5s, [&] { return open() == 0; }));
    here.pool.stop_listening();
    EXPECT_EQ(here.pool.stop(5s), 0u);
    error_code ec;
    tcp::socket late(io);
    late.connect(at, ec);
    EXPECT_TRUE(ec.failed());
}

TEST(ReactorListen, a_port_that_somebody_listens_at_is_told) {
    echo all(2);
    reactors_here here(2);
    reactors_here other(1);
    const auto at = here.pool.listen(any_port, all.handler(here.pool));
    try {
        other.pool.listen(at, all.handler(other.pool));
        ADD_FAILURE() << "it listens too";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), boost::system::errc::address_in_use);
        EXPECT_THAT(e.what(), testing::HasSubstr(std::to_string(at.port())));
    }
    EXPECT_TRUE(other.pool.status().listeners.empty());
}

TEST(ReactorListen, a_listener_of_the_control_plane_gives_each_worker_as_many) {
    echo all(2);
    reactors_here here(2);
    control_plane control;
    const auto at = here.pool.accept_on(control.io.get_executor(), any_port, all.handler(here.pool));
    asio::io_context io;
    auto sockets = connected(io, at, 40);
    for (auto& socket : sockets) { EXPECT_EQ(asked_back(socket, "hello"), "hello"); }
    EXPECT_EQ(all.served[0], 20);
    EXPECT_EQ(all.served[1], 20);
    here.pool.stop(0ms);
    control.stop();
}

/// From the CPU of worker 1: the kernel gives its listener what comes from there, or one in two.
scoped_pin beside_worker_1(const reactors_here& here) { return scoped_pin(here.pool.sites()[1].cpu); }

/// How many connections each worker gets of `n`, which are asked and closed.
std::vector<int> shares(echo& service, asio::io_context& io, const tcp::endpoint& to, int n) {
    std::vector<int> before(service.served.begin(), service.served.end());
    for (auto& socket : connected(io, to, n)) { EXPECT_EQ(asked_back(socket, "ping"), "ping"); }
    for (std::size_t w = 0; w < before.size(); ++w) { before[w] = service.served[w] - before[w]; }
    return before;
}

TEST(ReactorListen, a_worker_that_resize_leaves_out_gets_no_new_connections_and_keeps_its_own) {
    constexpr int n = 64;  // that the kernel gives all of them to one listener does not happen
    echo service(2);
    reactors_here here(2);
    const auto pinned = beside_worker_1(here);
    asio::io_context io;
    const auto at = here.pool.listen(any_port, service.handler(here.pool));
    auto early = connected(io, at, n);
    for (auto& socket : early) { EXPECT_EQ(asked_back(socket, "ping"), "ping"); }
    EXPECT_GT(service.served[1], 0);

    here.pool.resize(1);
    EXPECT_THAT(shares(service, io, at, n), testing::ElementsAre(n, 0));
    for (auto& socket : early) { EXPECT_EQ(asked_back(socket, "pong"), "pong"); }
    for (int i = 0; i < 4; ++i) { EXPECT_EQ(here.pool.least_loaded(), here.pool.on(0)); }
    EXPECT_FALSE(here.pool.status().workers[0].benched);
    EXPECT_TRUE(here.pool.status().workers[1].benched);

    here.pool.resize(2);
    EXPECT_GT(shares(service, io, at, n)[1], 0);
    EXPECT_FALSE(here.pool.status().workers[1].benched);
    here.pool.resize(0);
    EXPECT_TRUE(here.pool.status().workers[1].benched) << "one stays";
    EXPECT_FALSE(here.pool.status().workers[0].benched);
    EXPECT_EQ(here.pool.status().turned_away, 0u);
}

TEST(ReactorListen, a_listener_of_the_control_plane_gives_nothing_to_whom_resize_leaves_out) {
    constexpr int n = 16;
    echo service(2);
    reactors_here here(2);
    control_plane control;
    asio::io_context io;
    const auto at = here.pool.accept_on(control.io.get_executor(), any_port, service.handler(here.pool));
    here.pool.resize(1);
    EXPECT_THAT(shares(service, io, at, n), testing::ElementsAre(n, 0));
    here.pool.stop(0ms);
    control.stop();
}

/// Where nobody else has room, it serves the connection itself.
TEST(ReactorListen, a_worker_that_is_left_out_keeps_what_others_have_no_room_for) {
    auto asked = test::reactor_plan();
    asked.tasks.capacity = 2;
    echo service(2);
    std::promise<void> held, goes_on;
    reactors_here here(2, asked);
    const auto pinned = beside_worker_1(here);
    asio::io_context io;
    const auto at = here.pool.listen(any_port, service.handler(here.pool));
    here.pool.resize(1);
    asio::post(here.pool.on(0), [&] {
        held.set_value();
        goes_on.get_future().wait();
    });
    held.get_future().wait();
    while (!here.pool.try_post(here.pool.on(0), [] {})) {}
    std::optional<tcp::socket> kept;
    for (int tries = 0; service.served[1] == 0 && tries < 1000; ++tries) {  // until the kernel gives one to its listener
        kept.emplace(io);
        kept->connect(at);
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_GT(service.served[1], 0);
    goes_on.set_value();
    EXPECT_EQ(asked_back(*kept, "ping"), "ping");
    EXPECT_EQ(here.pool.status().turned_away, 0u);
}

TEST(ReactorListen, a_chooser_names_the_worker) {
    echo all(2);
    reactors_here here(2);
    control_plane control;
    std::atomic<std::uint16_t> last{0};
    const auto at = here.pool.accept_on(control.io.get_executor(), any_port, all.handler(here.pool), [&](const tcp::endpoint& peer) {
        last = peer.port();
        return here.pool.on(1);
    });
    asio::io_context io;
    auto sockets = connected(io, at, 10);
    for (auto& socket : sockets) { EXPECT_EQ(asked_back(socket, "hello"), "hello"); }
    EXPECT_EQ(all.served[0], 0);
    EXPECT_EQ(all.served[1], 10);
    EXPECT_NE(last, 0);
    control.stop();
}

TEST(ReactorListen, a_chooser_that_throws_turns_that_connection_away_and_its_first_text_is_kept) {
    echo all(1);
    reactors_here here(1);
    control_plane control;
    EXPECT_EQ(here.pool.status().first_failure, "");
    int asked = 0;
    const auto at = here.pool.accept_on(control.io.get_executor(), any_port, all.handler(here.pool), [&](const tcp::endpoint&) {
        if (++asked == 1) { throw std::runtime_error("no such tenant"); }
        if (asked == 2) { throw 3; }
        return here.pool.on(0);
    });
    asio::io_context io;
    auto sockets = connected(io, at, 2);
    for (auto& socket : sockets) {
        error_code ec;
        char none = 0;
        EXPECT_EQ(asio::read(socket, asio::buffer(&none, 1), ec), 0u);
    }
    auto third = connected(io, at, 1);
    EXPECT_EQ(asked_back(third[0], "hello"), "hello");
    EXPECT_EQ(here.pool.status().turned_away, 2u);
    EXPECT_EQ(here.pool.status().first_failure, "no such tenant");
    control.stop();
}

TEST(ReactorListen, a_connection_that_no_worker_has_room_for_is_closed_and_counted) {
    auto asked = test::reactor_plan();
    asked.tasks.capacity = 2;
    echo all(1);
    reactors_here here(1, asked);
    control_plane control;
    const auto at = here.pool.accept_on(control.io.get_executor(), any_port, all.handler(here.pool));
    std::promise<void> go_on;
    asio::post(here.pool.on(0), [f = go_on.get_future().share()] { f.wait(); });
    ASSERT_TRUE(test::within(5s, [&] { return here.pool.status().workers[0].queued == 0; }));
    asio::io_context io;
    auto sockets = connected(io, at, 5);
    EXPECT_TRUE(test::within(5s, [&] { return here.pool.status().turned_away == 3; }));
    go_on.set_value();
    int served = 0;
    for (auto& socket : sockets) {
        error_code ec;
        asio::write(socket, asio::buffer("x", 1), ec);
        char back = 0;
        served += !ec && asio::read(socket, asio::buffer(&back, 1), ec) == 1 ? 1 : 0;
    }
    EXPECT_EQ(served, 2);
    EXPECT_TRUE(test::within(5s, [&] { return here.pool.status().workers[0].open == 2; }));
    control.stop();
}

TEST(ReactorListen, a_socket_is_handed_over_or_stays_with_the_caller) {
    echo all(2);
    reactors_here here(2);
    asio::io_context io;
    tcp::acceptor acceptor(io, any_port);
    const auto pair = [&] {
        tcp::socket client(io);
        client.connect(acceptor.local_endpoint());
        return std::pair(std::move(client), acceptor.accept());
    };
    auto [client, server] = pair();
    EXPECT_EQ(here.pool.hand_over(std::move(server), here.pool.home_of(42), all.handler(here.pool)), error_code());
    EXPECT_EQ(asked_back(client, "hello"), "hello");
    EXPECT_EQ(all.sum(), 1);
    auto [second_client, second_server] = pair();
    here.pool.stop(0ms);
    EXPECT_EQ(here.pool.hand_over(std::move(second_server), here.pool.on(0), all.handler(here.pool)), errc::stopped);
    asio::write(second_server, asio::buffer("still", 5));
    std::string got(5, '?');
    asio::read(second_client, asio::buffer(got));
    EXPECT_EQ(got, "still");
}

TEST(ReactorListen, an_empty_handler_is_refused_before_there_is_a_connection) {
    reactors_here here(1);
    control_plane control;
    const auto refused = [](const auto& call) {
        try {
            call();
            ADD_FAILURE() << "it listens";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), boost::system::errc::invalid_argument);
            EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("127.0.0.1:0"), testing::HasSubstr("handler")));
        }
    };
    refused([&] { here.pool.listen(any_port, {}); });
    refused([&] { here.pool.accept_on(control.io.get_executor(), any_port, {}); });
    EXPECT_TRUE(here.pool.status().listeners.empty());
    asio::io_context io;
    tcp::acceptor acceptor(io, any_port);
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto server = acceptor.accept();
    EXPECT_EQ(here.pool.hand_over(std::move(server), here.pool.on(0), {}), boost::system::errc::invalid_argument);
    EXPECT_TRUE(server.is_open());
    control.stop();
}

TEST(ReactorListen, without_descriptors_it_tries_again_later_and_costs_no_processor) {
    echo all(1);
    reactors_here here(1);
    const auto at = here.pool.listen(any_port, all.handler(here.pool));
    asio::io_context io;
    auto first = connected(io, at, 1);
    EXPECT_EQ(asked_back(first[0], "a"), "a");
    tcp::socket second(io, tcp::v4());
    {
        const test::few_descriptors none(0);
        second.connect(at);  // the kernel queues it
        std::this_thread::sleep_for(220ms);
    }
    const auto failures = here.pool.status().accept_failures;
    EXPECT_GE(failures, 1u);
    EXPECT_LE(failures, 10u);
    EXPECT_EQ(asked_back(second, "b"), "b");
}

TEST(ReactorListen, without_descriptors_says_where_it_was_to_listen_and_which_limit_it_is) {
    reactors_here here(2);
    bool listens = false;
    for (unsigned more = 0; !listens && more < 50; ++more) {
        const test::few_descriptors only(more);
        try {
            here.pool.listen(any_port, [](const reactor_connection&) {});
            listens = true;
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), boost::system::errc::too_many_files_open);
            EXPECT_THAT(e.what(), testing::AllOf(testing::StartsWith("listening at 127.0.0.1:"), testing::HasSubstr("ulimit -n")));
            EXPECT_EQ(test::times_in(e.what(), e.code().message()), 1) << e.what();
        }
    }
    EXPECT_TRUE(listens);
}

TEST(ReactorListen, a_handler_that_throws_is_counted_and_the_next_connection_served) {
    std::atomic<int> calls{0};
    reactors_here here(1);
    const auto at = here.pool.listen(any_port, [&](const reactor_connection&) {
        ++calls;
        throw std::runtime_error("not today");
    });
    asio::io_context io;
    const auto sockets = connected(io, at, 3);
    EXPECT_TRUE(test::within(5s, [&] { return calls == 3; }));
    EXPECT_TRUE(test::within(5s, [&] { return here.pool.status().workers[0].failed == 3; }));
    EXPECT_EQ(here.pool.status().workers[0].first_failure, "not today");
}

TEST(ReactorListen, a_pool_ends_with_connections_open) {
    for (int round = 0; round < 20; ++round) {
        echo all(2);
        reactors_here here(2);
        const auto at = here.pool.listen(any_port, all.handler(here.pool));
        asio::io_context io;
        auto sockets = connected(io, at, 10);
        for (int i = 0; i < round; ++i) { asked_back(sockets[static_cast<std::size_t>(i) % 10], "x"); }
        if (round % 2 == 0) { here.pool.stop(1ms); }
    }
}

}  // namespace
}  // namespace numasio
