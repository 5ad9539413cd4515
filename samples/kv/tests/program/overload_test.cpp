// Ten times more than a lane holds: what is not accepted is refused at once, counted, and memory stays bounded.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <thread>

namespace kv::test {
namespace {

const std::string busy = "-BUSY lane full, try again\r\n";

}  // namespace

class overload_between_workers : public on_each_front {};
INSTANTIATE_TEST_SUITE_P(fronts, overload_between_workers, shapes_of_several_workers(), shape_name);

class unread_replies : public on_each_front {};
INSTANTIATE_TEST_SUITE_P(fronts, unread_replies, every_shape(), shape_name);

/// Single keys only, so that a command is one request: every figure of the server is held against the client's own.
TEST(overload, every_command_is_accepted_or_rejected_and_the_server_counts_what_its_clients_count) {
    constexpr std::uint32_t capacity = 64;
    constexpr int clients = 20, rounds = 50, pipelined = 10 * capacity / clients * 4;
    kv_program server(plan_options{.workers = 1, .lane_capacity = capacity});
    const auto before = server.resident_bytes();
    std::map<std::string, std::uint64_t> replies;
    std::vector<std::unique_ptr<wire>> wires;
    for (int i = 0; i < clients; ++i) { wires.push_back(std::make_unique<wire>(server.port)); }
    std::string burst;
    for (int i = 0; i < pipelined; ++i) { burst += resp({"SET", "k" + std::to_string(i), "v"}); }
    std::uint64_t sent = 0;
    std::size_t most = 0;
    for (int round = 0; round < rounds; ++round) {
        for (auto& w : wires) {
            w->send(burst);
            sent += pipelined;
        }
        for (auto& w : wires) {
            for (const auto& reply : w->read_replies(pipelined)) { ++replies[reply]; }
        }
        most = std::max(most, server.resident_bytes());
    }
    EXPECT_EQ(replies[ok] + replies[busy], sent) << "some other reply, or none";
    EXPECT_GT(replies[busy], sent / 20) << "there was no overload";
    EXPECT_GT(replies[ok], std::uint64_t{capacity});
    const auto accepted = server.metric("numasio_lane_accepted_total");
    const auto rejected = server.metric("numasio_lane_rejected_total");
    EXPECT_EQ(accepted, replies[ok]);
    EXPECT_EQ(rejected, replies[busy]);
    const auto offered = server.metric("numasio_lane_offered_total");
    EXPECT_EQ(offered, sent);
    EXPECT_EQ(offered, accepted + rejected + server.metric("numasio_lane_returned_total", 0));
    EXPECT_EQ(server.metric("numasio_requests_ran_total"), replies[ok]);
    // Every client has all its replies: it is quiet.
    EXPECT_EQ(server.metric("numasio_lane_queued"), 0U);
    EXPECT_EQ(server.metric("numasio_lane_delivered_total"), accepted);
    EXPECT_EQ(wires[0]->info("busy_replies"), static_cast<long long>(replies[busy]));
    EXPECT_LT(most, before + (16U << 20));
}

/// The same where the workers ask each other: what a worker has for its own clients' keys is never refused.
TEST(overload, between_workers_every_command_is_served_or_refused_and_counted) {
    constexpr std::uint32_t capacity = 64;
    constexpr int clients = 20, rounds = 30, pipelined = 256;
    kv_program server(plan_options{.workers = several_workers(), .front = "reactor", .lane_capacity = capacity});
    const auto before = server.resident_bytes();
    std::map<std::string, std::uint64_t> replies;
    std::vector<std::unique_ptr<wire>> wires;
    for (int i = 0; i < clients; ++i) { wires.push_back(std::make_unique<wire>(server.port)); }
    std::string burst;
    for (int i = 0; i < pipelined; ++i) { burst += resp({"INCR", "k" + std::to_string(i)}); }
    std::uint64_t sent = 0, served = 0;
    for (int round = 0; round < rounds; ++round) {
        for (auto& w : wires) {
            w->send(burst);
            sent += pipelined;
        }
        for (auto& w : wires) {
            for (const auto& reply : w->read_replies(pipelined)) { ++(reply == busy ? replies[busy] : served); }
        }
    }
    EXPECT_EQ(served + replies[busy], sent);
    EXPECT_GT(replies[busy], sent / 20) << "there was no overload";
    EXPECT_GT(served, sent / 10);
    EXPECT_EQ(wires[0]->info("busy_replies"), static_cast<long long>(replies[busy]));
    EXPECT_EQ(wires[0]->info("total_commands_processed"), static_cast<long long>(sent) + 2);
    // Every command that was not refused has been applied once: the counters add up to it.
    long long applied = 0;
    for (int i = 0; i < pipelined; ++i) {
        const auto value = wires[0]->call({"GET", "k" + std::to_string(i)});
        if (value != null) { applied += std::stoll(value.substr(value.find('\n') + 1)); }
    }
    EXPECT_EQ(applied, static_cast<long long>(served));
    EXPECT_LT(server.resident_bytes(), before + (16U << 20));
}

TEST_P(overload_between_workers, a_multi_key_command_that_is_refused_has_applied_nothing) {
    constexpr int keys = 40;
    auto options = plan();
    options.lane_capacity = 8;
    kv_program server(options);
    wire client(server.port);
    std::string burst;
    std::vector<std::string> names;
    // Each MSET is for keys of its own; single commands around it fill the lanes.
    constexpr int groups = 300;
    constexpr int singles = 24;  // more than there is room for, whatever worker each of them is for
    for (int g = 0; g < groups; ++g) {
        std::vector<std::string> mset = {"MSET"};
        for (int k = 0; k < keys; ++k) {
            mset.push_back("g" + std::to_string(g) + ":" + std::to_string(k));
            mset.push_back("v");
        }
        for (int i = 0; i < singles; ++i) { burst += resp({"INCR", "n" + std::to_string(i)}); }
        burst += resp(mset);
    }
    std::thread sender([&] { client.send(burst); });
    const auto replies = client.read_replies(groups * (singles + 1));
    sender.join();
    ASSERT_EQ(replies.size(), static_cast<std::size_t>(groups * (singles + 1)));
    int refused = 0;
    for (int g = 0; g < groups; ++g) {
        const auto& reply = replies[static_cast<std::size_t>(g) * (singles + 1) + singles];
        std::vector<std::string> exists = {"EXISTS"};
        for (int k = 0; k < keys; ++k) { exists.push_back("g" + std::to_string(g) + ":" + std::to_string(k)); }
        ASSERT_TRUE(reply == ok || reply == busy) << reply;
        refused += reply == busy ? 1 : 0;
        EXPECT_EQ(client.call(exists), integer(reply == ok ? keys : 0)) << g;
    }
    EXPECT_GT(refused, 0) << "no multi-key command was refused";
    EXPECT_LT(refused, groups) << "every multi-key command was refused";
}

TEST_P(unread_replies, stop_their_client_and_others_are_served) {
    kv_program server(plan());
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
