// A service that calls the port itself: from worker to worker, round in circles, and with every lane full.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace numasio::test {
namespace {

struct token {
    std::uint32_t at = 0;  // the worker that has it
    int hops = 0;          // that are left
    int copies = 1;        // that each worker hands on
};

/// Hands each token on to the other worker.
struct relay {
    explicit relay(node_context&) {}
    int operator()(token t) {
        for (int i = 0; i < t.copies && t.hops > 0; ++i) {
            const std::uint32_t other = 1 - t.at;
            ++under_way;
            const auto refused = entry->try_call({other}, token{other, t.hops - 1, t.copies}, [](error_code ec, int) {
                EXPECT_FALSE(ec);
                ++ended;
                --under_way;
            });
            if (refused) {
                EXPECT_EQ(refused, errc::lane_full);
                ++full;
                --under_way;
            }
        }
        ++ran;
        return t.hops;
    }
    static inline port<token, int>* entry = nullptr;
    static inline std::atomic<std::int64_t> under_way{0};
    static inline std::atomic<std::uint64_t> ran{0}, full{0}, ended{0};
};

struct between_workers : ::testing::Test {
    port<token, int>& open(std::uint32_t capacity, std::uint32_t producers) {
        auto asked = one_worker(capacity, producers);
        asked.pools.front().workers_per_node = 2;
        bridge_.emplace(io_, asked);
        auto& opened = bridge_->open<token, int, relay>("p");
        relay::entry = &opened;
        relay::under_way = 0, relay::ran = 0, relay::full = 0, relay::ended = 0;
        bridge_->start();
        runs_ = std::thread([this] { io_.run(); });
        return opened;
    }
    void start(port<token, int>& p, token t) {
        ++relay::under_way;
        p.async_call({t.at}, t, [](error_code ec, int) {
            EXPECT_FALSE(ec);
            ++relay::ended;
            --relay::under_way;
        });
    }
    void wait_until_all_have_ended() {
        const auto latest = std::chrono::steady_clock::now() + 60s;
        while (relay::under_way != 0) {
            ASSERT_LT(std::chrono::steady_clock::now(), latest) << relay::under_way << " are under way for ever";
            std::this_thread::yield();
        }
    }
    void TearDown() override {
        if (bridge_) {
            bridge_->stop(10s);
            EXPECT_ACCOUNTS_BALANCE(bridge_->status());
        }
        work_.reset();
        if (runs_.joinable()) { runs_.join(); }
    }
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::optional<bridge> bridge_;
    std::thread runs_;
};

TEST_F(between_workers, a_token_goes_round_as_often_as_it_is_told) {
    auto& p = open(2'048, 3);  // a place is taken until its reply is delivered: none may be refused
    start(p, {0, 2'000, 1});
    wait_until_all_have_ended();
    EXPECT_EQ(relay::ran.load(), 2'001U);
    EXPECT_EQ(relay::ended.load(), 2'001U);
    EXPECT_EQ(relay::full.load(), 0U);
}

TEST_F(between_workers, tokens_that_multiply_in_a_circle_of_full_lanes_cannot_lock_it) {
    auto& p = open(2, 3);
    for (int i = 0; i < 4; ++i) {
        start(p, {0, 60, 3});  // three of each: what does not fit is refused at once, and the rest goes on
        start(p, {1, 60, 3});
        wait_until_all_have_ended();
    }
    EXPECT_GT(relay::full.load(), 0U);
    EXPECT_EQ(relay::ran.load(), relay::ended.load());
}

TEST_F(between_workers, workers_share_a_lane_where_the_plan_has_none_for_them) {
    auto& p = open(2, 1);
    start(p, {0, 200, 2});
    wait_until_all_have_ended();
    EXPECT_EQ(relay::ran.load(), relay::ended.load());
    EXPECT_TRUE(bridge_->status().workers.front().lanes.back().in_use);
}

}  // namespace
}  // namespace numasio::test
