// A small plan and services for the bridge's tests.
#pragma once

#include <numasio/bridge.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace numasio::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace numasio::literals;

inline plan one_worker(std::uint32_t capacity = 64, std::uint32_t producers = 4) {
    pool_plan pool;
    pool.name = "p";
    pool.nodes = {discover_topology().executor_nodes().front()};  // one worker, however many nodes there are
    pool.workers_per_node = 1;
    pool.memory.per_worker = 1_MiB;
    pool.lane.capacity = capacity;
    pool.lane.producers = producers;
    plan asked;
    asked.pools.push_back(pool);
    return asked;
}

inline pool_plan pool_that(run_mode runs, const std::string& name) {
    pool_plan pool;
    pool.name = name;
    pool.run = runs;
    pool.nodes = {discover_topology().executor_nodes().front()};
    pool.workers_per_node = 1;
    return pool;
}

/// A service "p", tasks "hot", reactors "front".
inline plan of_all_kinds() {
    auto asked = one_worker();
    asked.pools.push_back(pool_that(run_mode::tasks, "hot"));
    asked.pools.push_back(pool_that(run_mode::reactor, "front"));
    return asked;
}

/// Answers request + 1; tells on which thread it ran.
struct incrementer {
    explicit incrementer(node_context&) {
        worker_thread = std::this_thread::get_id();
        kernel_thread = ::gettid();
    }
    int operator()(int x) const noexcept { return x + 1; }
    static inline std::atomic<std::thread::id> worker_thread;
    static inline std::atomic<pid_t> kernel_thread{0};
};

/// A request of a size: cells of up to 64 bytes go round in a ring, larger ones travel by number.
template <std::size_t Bytes>
struct sized {
    int number = 0;
    std::array<char, Bytes> rest{};
};

/// Blocks its worker until the gate opens, so that a test can fill the lane behind it.
struct gated {
    explicit gated(node_context&) {}
    int operator()(int x) const {
        entered.fetch_add(1);
        while (closed.load()) { std::this_thread::yield(); }
        return x;
    }
    static void reset() { closed = false, entered = 0; }
    static inline std::atomic<bool> closed{false};
    static inline std::atomic<int> entered{0};
};

/// Sleeps for so many milliseconds; at 0 it waits for the gate instead.
struct sleeper {
    explicit sleeper(node_context&) {}
    int operator()(int milliseconds) const {
        gated::entered.fetch_add(1);
        while (milliseconds == 0 && gated::closed.load()) { std::this_thread::yield(); }
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
        return milliseconds;
    }
};

inline std::uint64_t sum(const bridge_status& s, std::uint64_t lane_status::*field) {
    std::uint64_t n = 0;
    for (const auto& w : s.workers) {
        for (const auto& l : w.lanes) { n += l.*field; }
    }
    return n;
}

/// Accounting that must hold at any quiet moment.
#define EXPECT_ACCOUNTS_BALANCE(status)                                                                       \
    do {                                                                                                      \
        for (const auto& w : (status).workers) {                                                              \
            for (const auto& l : w.lanes) {                                                                   \
                EXPECT_EQ(l.offered, l.accepted + l.rejected + l.returned + l.withdrawn + l.waiting);         \
                EXPECT_EQ(l.accepted, l.ran + l.cancelled + l.expired + l.dropped + l.shed + l.stopped + l.queued); \
            }                                                                                                 \
        }                                                                                                     \
    } while (false)

/// A bridge with one worker on an io_context that the test runs; its accounts must balance in the end.
class call : public ::testing::Test {
protected:
    template <class Service>
    port<int, int>& open(std::uint32_t capacity = 64, std::uint32_t producers = 4) {
        return open_plan<Service>(one_worker(capacity, producers));
    }
    template <class Service>
    port<int, int>& open_plan(const plan& asked) {
        bridge_.emplace(io_.get_executor(), asked);
        auto& opened = bridge_->open<int, int, Service>("p");
        bridge_->start();
        return opened;
    }
    void TearDown() override {
        gated::closed = false;
        if (bridge_) { EXPECT_ACCOUNTS_BALANCE((bridge_->stop(1s), bridge_->status())); }
        bridge_.reset();
        gated::reset();
    }
    asio::io_context io_;
    std::optional<bridge> bridge_;
};

}  // namespace numasio::test
