// What the latency histograms and the stuck state say of slow services and slow handlers, on a real bridge.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace numasio::test {
namespace {

TEST_F(call, the_queue_delay_includes_the_wait_behind_the_same_batch) {
    gated::closed = true;
    auto& p = open<sleeper>();
    p.async_call({0}, 0, [](error_code, int) {});  // the others gather behind it, into one batch
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    for (int i = 0; i < 10; ++i) { p.async_call({0}, 20, [](error_code, int) {}); }
    gated::closed = false;
    io_.run();
    const auto delay = bridge_->status().workers.at(0).queue_delay;
    EXPECT_EQ(delay.count(), 11U);
    EXPECT_GE(delay.quantile(1.0), 9 * 20ms);  // nine before the last
    EXPECT_GE(delay.quantile(0.5), 4 * 20ms);
}

TEST_F(call, the_round_trip_includes_the_handlers_before_it) {
    auto& p = open<incrementer>();
    for (int i = 0; i < 30; ++i) {
        p.async_call({0}, i, [](error_code, int) { std::this_thread::sleep_for(5ms); });
    }
    while (sum(bridge_->status(), &lane_status::ran) < 30) { std::this_thread::yield(); }  // all in one drain
    io_.run();
    const auto trip = bridge_->status().workers.at(0).round_trip;
    EXPECT_EQ(trip.count(), 30U);
    EXPECT_GE(trip.quantile(1.0), 29 * 5ms);
    EXPECT_GE(trip.quantile(0.5), 14 * 5ms);
}

TEST_F(call, a_long_batch_of_short_calls_is_not_a_stuck_worker_and_one_long_call_is) {
    gated::closed = true;
    auto& p = open<sleeper>();
    p.async_call({0}, 0, [](error_code, int) {});
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    for (int i = 0; i < 60; ++i) { p.async_call({0}, 25, [](error_code, int) {}); }
    while (bridge_->status().workers.at(0).state != worker_state::stuck) { std::this_thread::sleep_for(10ms); }
    gated::closed = false;
    while (sum(bridge_->status(), &lane_status::ran) < 3) { std::this_thread::yield(); }
    while (sum(bridge_->status(), &lane_status::ran) < 61) {
        ASSERT_EQ(bridge_->status().workers.at(0).state, worker_state::running);
        std::this_thread::sleep_for(10ms);
    }
    io_.run();
}

}  // namespace
}  // namespace numasio::test
