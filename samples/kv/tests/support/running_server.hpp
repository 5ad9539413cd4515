// A whole server in the test's process, so that a test can set limits which the program has as constants.
#pragma once

#include "reactor/reactor_front.hpp"
#include "server/lane_front.hpp"
#include "server/server.hpp"
#include "shard/kv_shard.hpp"

#include <numasio/bridge.hpp>

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace kv::test {

inline numasio::plan one_pool() {
    numasio::plan plan;
    numasio::pool_plan pool;
    pool.name = "kv";
    pool.workers_per_node = 1;
    pool.memory.per_worker = numasio::bytes{64 << 20};
    pool.lane = {.capacity = 16'384, .producers = 1};  // no BUSY where a test is about something else
    pool.idle.strategy = numasio::idle_strategy::park;
    plan.pools.push_back(pool);
    return plan;
}

/// The assembly of main.cpp, with its control plane on a thread of the test.
class running_server {
public:
    running_server(server_limits limits, numasio::pool_front front)
        : bridge_(io_.get_executor(), front == numasio::pool_front::reactor ? reactor_front::for_bridge(one_pool()) : one_pool()),
          port_(bridge_.open<kv_request, kv_reply, kv_shard>("kv")),
          server_(io_, {asio::ip::make_address("127.0.0.1"), 0}, limits) {
        bridge_.start();
        const auto& begin = server_.describe(port_.workers(), 64 << 20);
        if (front == numasio::pool_front::reactor) { front_ = std::make_unique<reactor_front>(io_, bridge_, port_, one_pool().pools.front(), begin); }
        else { front_ = std::make_unique<lane_front>(io_.get_executor(), port_, begin); }
        server_.start(*front_);
        control_ = std::thread([this] { io_.run(); });
    }
    ~running_server() {
        asio::post(io_, [this] { server_.finish([] {}); });
        control_.join();
        front_->stop(std::chrono::seconds(5));
        bridge_.stop(std::chrono::seconds(5));
    }
    std::uint16_t port() const { return server_.address().port(); }

private:
    asio::io_context io_{1};
    numasio::bridge bridge_;
    kv_port& port_;
    server server_;
    std::unique_ptr<connection_home> front_;
    std::thread control_;
};

/// Tests of what each front keeps to with its own limits.
class on_a_running_server : public testing::TestWithParam<numasio::pool_front> {};
inline auto both_fronts() { return testing::Values(numasio::pool_front::lanes, numasio::pool_front::reactor); }
inline std::string front_name(const testing::TestParamInfo<numasio::pool_front>& front) { return std::string(to_string(front.param)); }

}  // namespace kv::test
