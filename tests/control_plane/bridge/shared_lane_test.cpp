// The lane of all threads beyond the plan's producers.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

constexpr int callers = 6;

struct numbered {
    int thread = 0;
    int number = 0;
};

/// Counts what comes out of order, by the thread that sent it.
struct order_checker {
    explicit order_checker(node_context&) {}
    int operator()(numbered x) {
        disorder += x.number != next_[static_cast<std::size_t>(x.thread)]++;
        return disorder;
    }
    int disorder = 0;

private:
    std::array<int, callers> next_{};
};

TEST(shared_lane, takes_the_requests_of_many_threads_each_in_its_order_and_loses_none) {
    asio::io_context io;
    bridge b(io, one_worker(32, 1));
    auto& p = b.open<numbered, int, order_checker>("p");
    b.start();
    auto work = asio::make_work_guard(io);
    std::thread runs([&] { io.run(); });
    const auto mine = p.try_reserve({0});  // the one lane of a thread's own
    ASSERT_TRUE(mine);

    constexpr int each = 5'000;
    std::atomic<int> answered{0};
    std::atomic<int> disorder{0};
    std::atomic<std::uint64_t> full{0};
    std::vector<std::thread> senders;
    for (int t = 0; t < callers; ++t) {
        senders.emplace_back([&, t] {
            for (int i = 0; i < each;) {
                const auto refused = p.try_call({0}, numbered{t, i}, [&](error_code ec, int wrong) {
                    disorder += ec ? 1 : wrong;
                    ++answered;
                });
                if (!refused) { ++i; }
                else {
                    EXPECT_EQ(refused, errc::lane_full);
                    ++full;
                    std::this_thread::yield();
                }
            }
        });
    }
    for (auto& s : senders) { s.join(); }
    b.stop(10s);
    work.reset();
    runs.join();

    EXPECT_EQ(answered.load(), callers * each);
    EXPECT_EQ(disorder.load(), 0);
    const auto status = b.status();
    const auto& lane = status.workers.front().lanes.back();
    EXPECT_TRUE(lane.shared);
    EXPECT_EQ(lane.ran, static_cast<std::uint64_t>(callers) * each);
    EXPECT_EQ(lane.rejected, full.load());
    EXPECT_EQ(status.pools.front().refused, 0U);
}

TEST_F(call, a_place_on_the_shared_lane_can_be_used_by_another_thread_that_shares_it) {
    auto& p = open<incrementer>(64, 1);
    const auto mine = p.try_reserve({0});
    auto taken = std::make_optional(p.try_reserve({0}));
    std::thread([&] { taken.emplace(p.try_reserve({0})); }).join();
    int got = 0;
    std::thread([&] { p.async_call(std::move(*taken), 1, [&](error_code, int v) { got = v; }); }).join();
    io_.run();
    EXPECT_EQ(got, 2);
    const auto status = bridge_->status();
    EXPECT_EQ(status.workers.front().lanes.back().returned, 0U);
    EXPECT_EQ(status.workers.front().lanes.back().ran, 1U);
}

TEST_F(call, threads_that_share_a_lane_leave_it_to_those_that_follow) {
    auto& p = open<incrementer>(1, 1);  // a place that were not given back would be missed at once
    const auto mine = p.try_reserve({0});
    for (int i = 0; i < 50; ++i) {
        std::thread([&] { EXPECT_TRUE(p.try_reserve({0})); }).join();
    }
}

}  // namespace
}  // namespace numasio::test
