// Ten times more than a lane holds: what is not accepted is refused at once, counted, and memory stays bounded.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <thread>

namespace kv::test {
namespace {

const std::string busy = "-BUSY lane full, try again\r\n";

}  // namespace

TEST(overload, offered_is_accepted_plus_rejected_and_clients_counted_the_same) {
    constexpr std::uint32_t capacity = 64;
    constexpr int clients = 20, rounds = 50, pipelined = 10 * capacity / clients * 4;
    kv_program server(plan_options{.workers = 1, .lane_capacity = capacity});
    const auto before = server.resident_bytes();
    std::map<std::string, std::uint64_t> replies;
    std::vector<std::unique_ptr<wire>> wires;
    for (int i = 0; i < clients; ++i) { wires.push_back(std::make_unique<wire>(server.port)); }
    std::string burst;
    for (int i = 0; i < pipelined; ++i) { burst += resp({"SET", "k" + std::to_string(i), "v"}); }
    std::size_t most = 0;
    for (int round = 0; round < rounds; ++round) {
        for (auto& w : wires) { w->send(burst); }
        for (auto& w : wires) {
            for (const auto& reply : w->read_replies(pipelined)) { ++replies[reply]; }
        }
        most = std::max(most, server.resident_bytes());
    }
    const std::uint64_t total = std::uint64_t{clients} * rounds * pipelined;
    EXPECT_EQ(replies[ok] + replies[busy], total) << "some other reply";
    EXPECT_GT(replies[busy], total / 20) << "there was no overload";
    EXPECT_GT(replies[ok], std::uint64_t{capacity});
    EXPECT_EQ(server.metric("numasio_lane_offered_total"), total);
    EXPECT_EQ(server.metric("numasio_lane_accepted_total"), replies[ok]);
    EXPECT_EQ(server.metric("numasio_lane_rejected_total"), replies[busy]);
    EXPECT_EQ(server.metric("numasio_requests_ran_total"), replies[ok]);
    EXPECT_LT(most, before + (16U << 20));
}

TEST(overload, a_multi_key_command_that_is_refused_has_applied_nothing) {
    constexpr int keys = 40;
    kv_program server(plan_options{.workers = usable_cpus(), .lane_capacity = 8});
    wire client(server.port);
    std::string burst;
    std::vector<std::string> names;
    // Each MSET is for keys of its own; single commands around it fill the lanes.
    constexpr int groups = 300;
    for (int g = 0; g < groups; ++g) {
        std::vector<std::string> mset = {"MSET"};
        for (int k = 0; k < keys; ++k) {
            mset.push_back("g" + std::to_string(g) + ":" + std::to_string(k));
            mset.push_back("v");
        }
        for (int i = 0; i < 12; ++i) { burst += resp({"INCR", "n" + std::to_string(i)}); }
        burst += resp(mset);
    }
    std::thread sender([&] { client.send(burst); });
    const auto replies = client.read_replies(groups * 13);
    sender.join();
    ASSERT_EQ(replies.size(), static_cast<std::size_t>(groups * 13));
    int refused = 0;
    for (int g = 0; g < groups; ++g) {
        const auto& reply = replies[static_cast<std::size_t>(g) * 13 + 12];
        std::vector<std::string> exists = {"EXISTS"};
        for (int k = 0; k < keys; ++k) { exists.push_back("g" + std::to_string(g) + ":" + std::to_string(k)); }
        ASSERT_TRUE(reply == ok || reply == busy) << reply;
        refused += reply == busy ? 1 : 0;
        EXPECT_EQ(client.call(exists), integer(reply == ok ? keys : 0)) << g;
    }
    EXPECT_GT(refused, 0) << "no multi-key command was refused";
    EXPECT_LT(refused, groups) << "every multi-key command was refused";
}

TEST(overload, a_client_that_does_not_read_is_stopped_and_others_are_served) {
    kv_program server;
    wire other(server.port);
    const std::string value(100'000, 'v');
    ASSERT_EQ(other.call({"SET", "large", value}), ok);
    const auto before = server.resident_bytes();
    std::vector<std::unique_ptr<wire>> greedy;
    std::string gets;
    for (int i = 0; i < 2000; ++i) { gets += resp({"GET", "large"}) + resp({"ECHO", std::string(1000, 'e')}); }
    for (int i = 0; i < 10; ++i) {
        greedy.push_back(std::make_unique<wire>(server.port));
        greedy.back()->try_send(gets);  // 200 MB of replies each, were they all made
    }
    for (int i = 0; i < 200; ++i) { ASSERT_EQ(other.call({"GET", "large"}), bulk(value)); }
    EXPECT_LT(server.resident_bytes(), before + (64U << 20));
    // Whoever starts to read gets everything.
    const auto replies = greedy[0]->read_replies(100);
    ASSERT_EQ(replies.size(), 100U);
    EXPECT_EQ(replies[98], bulk(value));
}

}  // namespace kv::test
