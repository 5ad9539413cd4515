// The bounds of connections, on a real bridge in this process with small limits.
#include "server/server.hpp"
#include "shard/kv_shard.hpp"
#include "support/local_shards.hpp"
#include "support/wire.hpp"

#include <numasio/bridge.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace kv::test {
namespace {

using namespace std::chrono_literals;

numasio::plan one_pool() {
    numasio::plan plan;
    numasio::pool_plan pool;
    pool.name = "kv";
    pool.workers_per_node = 1;
    pool.memory.per_worker = numasio::bytes{64 << 20};
    pool.idle.strategy = numasio::idle_strategy::park;
    plan.pools.push_back(pool);
    return plan;
}

/// The assembly of main.cpp, with its control plane on a thread of the test.
class running_server {
public:
    explicit running_server(server_limits limits)
        : bridge_(io_.get_executor(), one_pool()),
          port_(bridge_.open<kv_request, kv_reply, kv_shard>("kv")),
          server_(io_, {asio::ip::make_address("127.0.0.1"), 0}, port_, limits) {
        bridge_.start();
        server_.start(64 << 20);
        control_ = std::thread([this] { io_.run(); });
    }
    ~running_server() {
        asio::post(io_, [this] { server_.finish([] {}); });
        control_.join();
        bridge_.stop(5s);
    }
    std::uint16_t port() const { return server_.address().port(); }

private:
    asio::io_context io_{1};
    numasio::bridge bridge_;
    kv_port& port_;
    server server_;
    std::thread control_;
};

}  // namespace

TEST(session, one_client_too_many_gets_rediss_error_and_the_others_stay) {
    server_limits limits;
    limits.clients = 2;
    running_server server(limits);
    auto a = std::make_unique<wire>(server.port());
    wire b(server.port());
    ASSERT_EQ(a->call({"SET", "k", "v"}), ok);
    ASSERT_EQ(b.call({"GET", "k"}), bulk("v"));
    wire c(server.port());
    EXPECT_EQ(c.read_all(), error("max number of clients reached"));
    EXPECT_EQ(b.call({"GET", "k"}), bulk("v"));
    a.reset();
    std::this_thread::sleep_for(100ms);
    wire d(server.port());
    EXPECT_EQ(d.call({"GET", "k"}), bulk("v"));
}

TEST(session, a_command_beyond_the_query_bound_ends_its_connection) {
    server_limits limits;
    limits.query_bytes = 100'000;
    running_server server(limits);
    wire a(server.port()), b(server.port());
    a.send("*2\r\n$4\r\nECHO\r\n$1000000\r\n" + std::string(500'000, 'x'));
    EXPECT_EQ(a.read_all(), "");
    EXPECT_EQ(b.call({"ECHO", std::string(90'000, 'x')}), bulk(std::string(90'000, 'x')));
}

TEST(session, when_all_query_memory_is_used_a_client_is_told_and_others_go_on) {
    server_limits limits;
    limits.total_query_bytes = 1 << 20;
    running_server server(limits);
    wire holder(server.port()), small(server.port());
    holder.send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(400'000, 'x'));
    std::this_thread::sleep_for(100ms);
    wire late(server.port());
    late.send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(900'000, 'x'));
    EXPECT_EQ(late.read_all().substr(0, 5), "-OOM ");
    EXPECT_EQ(small.call({"ECHO", "x"}), bulk("x"));
    holder.reset();
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(small.call({"ECHO", std::string(200'000, 'x')}), bulk(std::string(200'000, 'x')));
}

TEST(session, at_its_bound_of_commands_in_flight_a_connection_waits_and_loses_nothing) {
    server_limits limits;
    limits.in_flight = 2;
    running_server server(limits);
    wire client(server.port());
    std::string bytes;
    for (int i = 0; i < 3000; ++i) { bytes += resp({"INCR", "n"}); }
    client.send(bytes);
    const auto replies = client.read_replies(3000);
    ASSERT_EQ(replies.size(), 3000U);
    for (int i = 0; i < 3000; ++i) { ASSERT_EQ(replies[static_cast<std::size_t>(i)], integer(i + 1)); }
}

TEST(session, a_large_value_is_sent_whole_although_it_is_overwritten_meanwhile) {
    running_server server({});
    wire reader(server.port()), writer(server.port());
    const std::string first(8 << 20, 'a');
    ASSERT_EQ(writer.call({"SET", "k", first}), ok);
    reader.send(resp({"GET", "k"}));
    std::this_thread::sleep_for(100ms);  // the kernel's buffers are full, the rest waits in the worker's memory
    for (int i = 0; i < 5; ++i) { ASSERT_EQ(writer.call({"SET", "k", std::string(8 << 20, 'b')}), ok); }
    EXPECT_EQ(reader.read_reply(), bulk(first));
    EXPECT_EQ(reader.call({"GET", "k"}), bulk(std::string(8 << 20, 'b')));
}

}  // namespace kv::test
