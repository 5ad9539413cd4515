// Stopping: from any thread, twice, with clients, with an executor that runs later or never; a port in use.
#include "raw_client.hpp"
#include "running_server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::shared_ptr<detail::http_server> server_on(boost::asio::io_context& io, std::uint16_t port,
                                               detail::snapshot_source source) {
    auto server = std::make_shared<detail::http_server>(io.get_executor(), listener_plan{"http", "127.0.0.1", port},
                                                        std::move(source));
    server->start();
    return server;
}

TEST(server_stop, closes_connections_and_frees_the_port) {
    running_server running;
    raw_client waiting(running.port());
    raw_client kept(running.port());
    ASSERT_TRUE(kept.send(get("/healthz")));
    ASSERT_EQ(status_of(kept.read_reply()), 200U);
    running.server().stop();
    running.server().stop();
    EXPECT_EQ(kept.read_to_end().value_or("still open"), "");
    EXPECT_EQ(waiting.read_to_end().value_or("still open"), "");
    boost::asio::io_context io;
    const auto next = server_on(io, running.port(), [&] { return running.shown.view(); });
    EXPECT_EQ(next->port(), running.port());
    next->stop();
}

TEST(server_stop, frees_the_port_and_the_source_even_if_the_executor_never_runs) {
    boost::asio::io_context io;
    const auto source_alive = std::make_shared<int>(0);
    auto server = server_on(io, 0, [source_alive]() -> detail::snapshot { throw std::runtime_error("asked"); });
    const auto port = server->port();
    server->stop();
    EXPECT_EQ(source_alive.use_count(), 1);
    server.reset();
    const auto again = server_on(io, port, nullptr);
    EXPECT_EQ(again->port(), port);
    again->stop();
}

TEST(server_stop, leaves_nothing_to_trip_over_where_the_executor_runs_later) {
    boost::asio::io_context io;
    auto shown = std::make_unique<example>(two_nodes());
    auto server = server_on(io, 0, [&] { return shown->view(); });
    raw_client client(server->port());
    raw_client arriving(server->port());
    ASSERT_TRUE(client.send(get("/status")));
    ASSERT_TRUE(arriving.send("GET /sta"));
    // Some steps run, the rest is caught in the middle.
    for (int i = 0; i < 3; ++i) { io.run_one_for(200ms); }
    server->stop();
    server.reset();
    shown.reset();
    io.restart();
    io.run();
    EXPECT_TRUE(io.stopped()) << "no operation is left behind";
}

TEST(server_stop, is_safe_from_many_threads_under_load) {
    for (int round = 0; round < 20; ++round) {
        running_server running({}, 3);
        std::atomic<bool> going{true};
        std::vector<std::thread> clients;
        for (int i = 0; i < 3; ++i) {
            clients.emplace_back([&] {
                while (going) {
                    raw_client client(running.port(), 2s, false);
                    for (int n = 0; n < 20 && client.send(get("/metrics")); ++n) {
                        if (client.read_reply().empty()) { return; }
                    }
                }
            });
        }
        while (running.snapshots < 5) { std::this_thread::sleep_for(1ms); }
        going = false;
        std::vector<std::thread> stoppers;
        for (int i = 0; i < 4; ++i) {
            stoppers.emplace_back([&] { running.server().stop(); });
        }
        for (auto& thread : stoppers) { thread.join(); }
        const int asked = running.snapshots;
        for (auto& thread : clients) { thread.join(); }
        EXPECT_EQ(running.snapshots, asked) << "no snapshot is taken after stop()";
        EXPECT_EQ(running.server().connections(), 0U);
    }
}

TEST(server_stop, works_from_a_handler_of_the_same_executor) {
    boost::asio::io_context io;
    auto shown = two_nodes();
    auto server = server_on(io, 0, [&] { return shown.view(); });
    boost::asio::post(io, [&] { server->stop(); });
    EXPECT_GT(io.run_for(5s), 0U);
    EXPECT_TRUE(io.stopped()) << "run() ends, because nothing is left to wait for";
}

TEST(server_start, names_a_port_in_use_with_key_and_remedy) {
    running_server running;
    boost::asio::io_context io;
    try {
        server_on(io, running.port(), nullptr);
        FAIL() << "the port was taken twice";
    } catch (const boost::system::system_error& error) {
        const auto port = std::to_string(running.port());
        EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:" + port));
        EXPECT_THAT(error.what(), HasSubstr("listeners.http"));
        EXPECT_THAT(error.what(), HasSubstr("ss -ltnp 'sport = :" + port + "'"));
        EXPECT_EQ(error.code(), boost::system::errc::address_in_use);
    }
}

TEST(server_start, refuses_an_address_that_others_can_reach) {
    boost::asio::io_context io;
    EXPECT_THROW(detail::http_server(io.get_executor(), {"http", "0.0.0.0", 0}, nullptr), std::invalid_argument);
}

TEST(server_start, serves_ipv6_loopback) {
    boost::asio::io_context io;
    auto shown = two_nodes();
    auto server = std::make_shared<detail::http_server>(io.get_executor(), listener_plan{"http", "::1", 0},
                                                        [&] { return shown.view(); });
    server->start();
    boost::asio::ip::tcp::socket client(io);
    client.connect({boost::asio::ip::address_v6::loopback(), server->port()});
    boost::asio::write(client, boost::asio::buffer("GET /healthz HTTP/1.0\r\nHost: [::1]\r\n\r\n", 39));
    std::string reply(1024, '\0');
    client.async_read_some(boost::asio::buffer(reply), [&](auto, std::size_t size) {
        reply.resize(size);
        server->stop();
    });
    io.run_for(5s);
    EXPECT_EQ(status_of(reply), 200U);
}

}  // namespace
}  // namespace numasio::test
