// A whole server in the test's process, so that a test can set limits which the program has as constants.
#pragma once

#include "server/lane_front.hpp"
#include "server/server.hpp"
#include "shard/kv_shard.hpp"

#include <numasio/bridge.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
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
    explicit running_server(server_limits limits)
        : bridge_(io_.get_executor(), one_pool()),
          port_(bridge_.open<kv_request, kv_reply, kv_shard>("kv")),
          server_(io_, {asio::ip::make_address("127.0.0.1"), 0}, limits) {
        bridge_.start();
        front_.emplace(io_.get_executor(), port_, server_.describe(port_.workers(), 64 << 20));
        server_.start(*front_);
        control_ = std::thread([this] { io_.run(); });
    }
    ~running_server() {
        asio::post(io_, [this] { server_.finish([] {}); });
        control_.join();
        bridge_.stop(std::chrono::seconds(5));
    }
    std::uint16_t port() const { return server_.address().port(); }

private:
    asio::io_context io_{1};
    numasio::bridge bridge_;
    kv_port& port_;
    server server_;
    std::optional<lane_front> front_;
    std::thread control_;
};

}  // namespace kv::test
