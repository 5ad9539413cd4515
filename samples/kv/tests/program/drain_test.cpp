// SIGTERM under load: what was accepted is answered, whole and in order, and the exit code says how it went.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace kv::test {

using namespace std::chrono_literals;

class drain : public on_each_front {};

INSTANTIATE_TEST_SUITE_P(fronts, drain, every_shape(), shape_name);

TEST_P(drain, under_load_every_accepted_command_is_answered_and_the_exit_code_is_0) {
    for (int round = 0; round < 3; ++round) {
        kv_program server(plan());
        std::atomic<std::uint64_t> answered{0};
        std::vector<std::thread> clients;
        for (int c = 0; c < 4; ++c) {
            clients.emplace_back([&, c] {
                wire client(server.port);
                const auto key = "counter" + std::to_string(c);
                std::string burst;
                for (int i = 0; i < 64; ++i) { burst += resp({"INCR", key}); }
                std::uint64_t last = 0;
                while (!client.ended()) {
                    client.send(burst);
                    // read_reply() throws where the stream ends within a reply.
                    for (int i = 0; i < 64; ++i) {
                        const auto reply = client.read_reply();
                        if (reply.empty()) { break; }
                        ASSERT_EQ(reply, integer(static_cast<long long>(++last)));
                    }
                }
                answered += last;
            });
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100 + 150 * round));
        server.signal(SIGTERM);
        EXPECT_EQ(server.wait(), 0) << server.output();
        for (auto& c : clients) { c.join(); }
        EXPECT_GT(answered.load(), 100U);
        EXPECT_NE(server.output().find("drained: every accepted command was answered"), std::string::npos)
            << server.output();
    }
}

TEST_P(drain, an_idle_server_with_idle_clients_stops_at_once) {
    kv_program server(plan());
    wire idle(server.port), midway(server.port);
    ASSERT_EQ(idle.call({"PING"}), "+PONG\r\n");
    midway.send("*2\r\n$3\r\nGET\r\n$100\r\nhalf a com");
    const auto start = std::chrono::steady_clock::now();
    server.signal(SIGINT);
    EXPECT_EQ(server.wait(), 0) << server.output();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    EXPECT_EQ(idle.read_reply(), "");
}

TEST_P(drain, replies_that_nobody_reads_are_counted_at_the_deadline_and_the_exit_code_is_not_0) {
    auto options = plan();
    options.drain = "300ms";
    kv_program server(options);
    wire client(server.port);
    ASSERT_EQ(client.call({"SET", "large", std::string(8 << 20, 'v')}), ok);
    std::string gets;
    for (int i = 0; i < 10; ++i) { gets += resp({"GET", "large"}); }
    client.send(gets);
    std::this_thread::sleep_for(200ms);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 1) << server.output();
    EXPECT_NE(server.output().find("not drained: "), std::string::npos) << server.output();
    EXPECT_EQ(server.output().find("not drained: 0 commands"), std::string::npos) << server.output();
}

TEST_P(drain, a_second_signal_stops_at_once) {
    auto options = plan();
    options.drain = "60s";
    kv_program server(options);
    wire client(server.port);
    ASSERT_EQ(client.call({"SET", "large", std::string(8 << 20, 'v')}), ok);
    std::string gets;
    for (int i = 0; i < 10; ++i) { gets += resp({"GET", "large"}); }
    client.send(gets);
    std::this_thread::sleep_for(200ms);
    EXPECT_NE(server.http_get("/readyz").find("200 OK"), std::string::npos);
    server.signal(SIGTERM);
    ASSERT_FALSE(server.wait_for("stopping").empty());
    EXPECT_NE(server.http_get("/readyz").find("not accepting: draining"), std::string::npos);
    EXPECT_EQ(server.wait(1s), -1) << "it did not wait for the client";
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(5s), 1) << server.output();
}

}  // namespace kv::test
