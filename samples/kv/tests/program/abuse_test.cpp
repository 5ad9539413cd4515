// Connections that misbehave: they hurt themselves only.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <thread>

namespace kv::test {

using namespace std::chrono_literals;

class abuse : public on_each_front {};

INSTANTIATE_TEST_SUITE_P(fronts, abuse, every_shape(), shape_name);

TEST_P(abuse, a_half_closed_client_gets_every_reply_it_is_owed) {
    kv_program server(plan());
    wire client(server.port);
    std::string bytes;
    for (int i = 0; i < 200; ++i) { bytes += resp({"INCR", "n"}); }
    client.send(bytes + "*1\r\n$4\r\nPI");  // the last one is not complete
    client.no_more();
    std::string expected;
    for (int i = 1; i <= 200; ++i) { expected += integer(i); }
    EXPECT_EQ(client.read_all(), expected);
}

TEST_P(abuse, resets_in_mid_flight_harm_nobody) {
    kv_program server(plan());
    wire steady(server.port);
    std::string burst;
    for (int i = 0; i < 100; ++i) {
        burst += resp({"SET", "k" + std::to_string(i), std::string(5000, 'v')});
        burst += resp({"MSET", "a" + std::to_string(i), "1", "b", "2", "c", "3"});
        burst += resp({"MGET", "k" + std::to_string(i), "b", "c"});
    }
    for (int i = 0; i < 200; ++i) {
        wire client(server.port);
        client.try_send(burst);
        if (i % 3 == 0) { std::this_thread::sleep_for(1ms); }
        client.reset();
        ASSERT_EQ(steady.call({"INCR", "steady"}), integer(i + 1));
    }
    // Nothing that belonged to them is left: the server drains at once.
    EXPECT_EQ(steady.call({"CLIENT", "GETNAME"}), null);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0) << server.output();
}

TEST_P(abuse, without_descriptors_the_server_waits_and_recovers_without_burning_its_core) {
    // As if no descriptor was left, at the 6th accept and for the 30 after it: by our pause of 100 ms, 3 s long.
    kv_program server(plan(), {"strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=accept,accept4", "-e",
                           "inject=accept,accept4:error=EMFILE:when=6..35"});
    std::vector<std::unique_ptr<wire>> clients;
    for (int i = 0; i < 10; ++i) {  // the kernel takes them all
        clients.push_back(std::make_unique<wire>(server.port));
        if (i == 0) { ASSERT_EQ(clients[0]->call({"SET", "a", "1"}), ok); }
    }
    ASSERT_FALSE(server.wait_for("cannot accept").empty()) << server.output();
    const auto before = server.cpu_ms();
    const auto began = std::chrono::steady_clock::now();
    auto took = began - began;
    for (int served = 0; took < 1s || served <= 5; ++served) {  // a second; longer where the machine has no time for us
        ASSERT_EQ(clients[0]->call({"GET", "a"}), bulk("1"));
        std::this_thread::sleep_for(50ms);
        took = std::chrono::steady_clock::now() - began;
    }
    EXPECT_LT((server.cpu_ms() - before) * 1ms, 0.3 * took);
    EXPECT_EQ(clients.back()->call({"GET", "a"}), bulk("1"));  // whoever waited is served at last
}

TEST_P(abuse, random_bytes_never_stop_the_server) {
    kv_program server(plan());
    unsigned seed = 3;
    const auto random = [&](unsigned n) { return (seed = seed * 1664525U + 1013904223U) / 65536U % n; };
    static const char* pieces[] = {"*", "$", "\r\n", "3", "-1", "SET", "a", "MSET", "GET", "\n", "\"", "'", " ", "*3\r\n$3\r\nSET\r\n"};
    for (int i = 0; i < 300; ++i) {
        wire client(server.port);
        std::string bytes;
        for (unsigned k = 0; k < 100; ++k) {
            if (random(4) == 0) { bytes += static_cast<char>(random(256)); }
            else { bytes += pieces[random(std::size(pieces))]; }
        }
        client.send(bytes);
        if (i % 10 == 0) { client.read_until_quiet(5ms); }
    }
    wire after(server.port);
    EXPECT_EQ(after.call({"ECHO", "alive"}), bulk("alive"));
}

TEST_P(abuse, an_idle_server_does_not_burn_a_core) {
    kv_program server(plan());
    wire client(server.port);
    ASSERT_EQ(client.call({"SET", "a", "1", "EX", "1000"}), ok);  // with a key to watch: sweeping goes on
    std::this_thread::sleep_for(300ms);
    const auto before = server.cpu_ms();
    std::this_thread::sleep_for(2s);
    EXPECT_LE(server.cpu_ms() - before, 100);
}

TEST_P(abuse, keys_that_nobody_asks_for_are_removed_when_they_expire) {
    kv_program server(plan());
    wire client(server.port);
    for (int i = 0; i < 2000; ++i) { ASSERT_EQ(client.call({"SET", "k" + std::to_string(i), "v", "PX", "50"}), ok); }
    std::string size;
    for (int i = 0; i < 50 && size != integer(0); ++i) {
        std::this_thread::sleep_for(100ms);
        size = client.call({"DBSIZE"});
    }
    EXPECT_EQ(size, integer(0));
}

}  // namespace kv::test
