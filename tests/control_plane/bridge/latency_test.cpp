// What the latency histograms and the stuck state say of slow services and slow handlers, on a real bridge.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
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

/// 0 waits for the gate, 1 takes 20 ms, others take no time.
struct mostly_quick {
    explicit mostly_quick(node_context&) {}
    int operator()(int x) const {
        if (x == 0) {
            gated::entered.fetch_add(1);
            while (gated::closed.load()) { std::this_thread::yield(); }
        }
        if (x == 1) { std::this_thread::sleep_for(20ms); }
        return x;
    }
};

/// Wherever the slow one stands among those that share a reading of the clock.
TEST_F(call, posts_behind_a_slow_one_among_quick_ones_waited_as_long_as_they_did) {
    auto& p = open<mostly_quick>();
    std::uint64_t posted = 0;
    const auto post = [&](int x) {
        ASSERT_FALSE(p.try_post({0}, int{x}));
        ++posted;
    };
    for (int quick = 6; quick < 10; ++quick) {
        gated::entered = 0;
        gated::closed = true;
        post(0);
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
        for (int i = 0; i < quick; ++i) { post(2); }
        post(1);
        for (int i = 0; i < 8; ++i) { post(2); }
        gated::closed = false;
        while (sum(bridge_->status(), &lane_status::ran) < posted) { std::this_thread::yield(); }
        io_.restart();
        io_.run();
    }
    // A drain may have delivered the last posts before the worker has recorded what they waited.
    while (bridge_->status().workers.at(0).queue_delay.count() < posted) { std::this_thread::yield(); }
    const auto delay = bridge_->status().workers.at(0).queue_delay;
    ASSERT_EQ(delay.count(), 70U);
    EXPECT_GE(delay.quantile(39.0 / 70), 20ms);  // 32 of 70
}

TEST_F(call, replies_behind_a_slow_handler_among_quick_ones_waited_for_it) {
    auto& p = open<mostly_quick>();
    std::uint64_t called = 0;
    for (int quick = 6; quick < 10; ++quick) {
        for (int i = 0; i < quick + 9; ++i, ++called) {
            p.async_call({0}, 2, [slow = i == quick](error_code, int) {
                if (slow) { std::this_thread::sleep_for(20ms); }
            });
        }
        while (sum(bridge_->status(), &lane_status::ran) < called) { std::this_thread::yield(); }  // all in one drain
        io_.restart();
        io_.run();
    }
    const auto trip = bridge_->status().workers.at(0).round_trip;
    ASSERT_EQ(trip.count(), 66U);
    EXPECT_GE(trip.quantile(35.0 / 66), 20ms);  // 32 of 66
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

TEST_F(call, quick_posts_that_turn_slow_are_no_stuck_worker) {
    for (int quick = 8; quick < 12; ++quick) {  // wherever the slow ones stand among those that share a reading of the clock
        struct turns_slow {
            explicit turns_slow(node_context&) {}
            int operator()(int x) const {
                gated::entered.fetch_add(1);
                while (x == 0 && gated::closed.load()) { std::this_thread::yield(); }
                if (x == 1) { std::this_thread::sleep_for(400ms); }
                return x;
            }
        };
        gated::closed = true;
        gated::entered = 0;
        asio::io_context io;
        bridge b(io, one_worker());
        auto& p = b.open<int, int, turns_slow>("p");
        b.start();
        ASSERT_FALSE(p.try_post({0}, 0));
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
        for (int i = 0; i < quick; ++i) { ASSERT_FALSE(p.try_post({0}, 2)); }
        for (int i = 0; i < 3; ++i) { ASSERT_FALSE(p.try_post({0}, 1)); }
        gated::closed = false;
        while (gated::entered.load() < quick + 4) {
            ASSERT_EQ(b.status().workers.at(0).state, worker_state::running) << quick;
            std::this_thread::sleep_for(5ms);
        }
        io.run();
    }
}

/// Serves number 0 in a millisecond, number 1 once the reply to 0 has arrived, number 2 once the others are queued.
template <std::size_t Bytes>
struct in_turns {
    explicit in_turns(node_context&) {}
    int operator()(const sized<Bytes>& x) const {
        if (x.number == 0) { std::this_thread::sleep_for(1ms); }
        if (x.number == 1) { wait_for(arrived); }
        if (x.number == 2) {
            entered = true;
            wait_for(queued);
        }
        return x.number;
    }
    static void wait_for(const std::atomic<bool>& what) {
        while (!what) { std::this_thread::yield(); }
    }
    static void reset() { arrived = queued = entered = false; }
    static inline std::atomic<bool> arrived{false}, queued{false}, entered{false};
};

/// Number 0 and, behind it in the same lane or in the next, number 1 in one sweep of the worker.
template <std::size_t Bytes>
void expect_a_reply_before_the_next_is_served(bool two_lanes) {
    using service = in_turns<Bytes>;
    service::reset();
    asio::io_context io;
    bridge b(io, one_worker());
    auto& p = b.open<sized<Bytes>, int, service>("p");
    b.start();
    const auto call = [&p](int number) {
        ASSERT_FALSE(p.try_call({0}, {number, {}}, [number](error_code, int) { service::arrived = service::arrived || number == 0; }));
    };
    ASSERT_TRUE(p.try_reserve({0}));  // this thread's lane comes first
    std::thread holds([&] {  // and its lane with it
        call(2);
        service::wait_for(service::queued);
    });
    service::wait_for(service::entered);
    call(0);
    if (two_lanes) { std::thread(call, 1).join(); }
    else { call(1); }
    service::queued = true;
    holds.join();
    io.run();  // for ever, if the first reply waits for the end of the sweep
    EXPECT_TRUE(service::arrived);
}

/// 0: waits until the others are queued, and then `first`; 1: takes no time; 2: waits for the reply to 1, or two seconds.
template <std::size_t Bytes>
struct quick_before_slow {
    explicit quick_before_slow(node_context&) {}
    int operator()(const sized<Bytes>& x) const {
        if (x.number == 0) {
            entered = true;
            while (!queued) { std::this_thread::yield(); }
            std::this_thread::sleep_for(first);
        }
        if (x.number == 2) {
            last_began = true;
            const auto until = std::chrono::steady_clock::now() + 2s;
            while (!arrived && std::chrono::steady_clock::now() < until) { std::this_thread::yield(); }
            was_there = arrived.load();
        }
        return x.number;
    }
    static void reset(std::chrono::milliseconds first_takes) {
        entered = queued = last_began = arrived = was_there = false;
        first = first_takes;
    }
    static inline std::atomic<bool> entered{false}, queued{false}, last_began{false}, arrived{false}, was_there{false};
    static inline std::chrono::milliseconds first{};
};

/// Number 1 and, behind it, number 2 in one sweep, with no drain under way, or with one that began for number 0 and looks when 1 has ended.
template <std::size_t Bytes>
void expect_a_quick_reply_before_a_slow_one(bool with_a_drain, bool parks) {
    using service = quick_before_slow<Bytes>;
    service::reset(with_a_drain ? 1ms : 0ms);
    asio::io_context io;
    auto asked = one_worker();
    if (parks) { asked.pools[0].idle.strategy = idle_strategy::park; }
    bridge b(io, asked);
    auto& p = b.open<sized<Bytes>, int, service>("p");
    b.start();
    p.async_call({0}, {0, {}}, [=](error_code, int) {
        while (with_a_drain && !service::last_began) { std::this_thread::yield(); }
    });
    while (!service::entered) { std::this_thread::yield(); }
    p.async_call({0}, {1, {}}, [](error_code, int) { service::arrived = true; });
    p.async_call({0}, {2, {}}, [](error_code, int) {});
    service::queued = true;
    io.run();
    EXPECT_TRUE(service::was_there) << Bytes << " bytes, a drain: " << with_a_drain << ", parks: " << parks;
}

TEST(replies, of_quick_requests_do_not_wait_for_slow_ones_behind_them) {
    for (int i = 0; i < 4; ++i) {
        for (const bool with_a_drain : {false, true}) {
            for (const bool parks : {false, true}) {
                expect_a_quick_reply_before_a_slow_one<4>(with_a_drain, parks);
                expect_a_quick_reply_before_a_slow_one<1000>(with_a_drain, parks);
                ASSERT_FALSE(HasFailure());
            }
        }
    }
}

/// The worker was asleep, the control thread has nothing else to do.
template <std::size_t Bytes>
void expect_a_quick_reply_from_a_worker_that_is_woken(std::chrono::milliseconds asleep) {
    using service = quick_before_slow<Bytes>;
    service::reset(0ms);
    asio::io_context io;
    bridge b(io, one_worker());
    auto& p = b.open<sized<Bytes>, int, service>("p");
    b.start();
    std::this_thread::sleep_for(asleep);
    p.async_call({0}, {1, {}}, [](error_code, int) { service::arrived = true; });
    p.async_call({0}, {2, {}}, [](error_code, int) {});
    io.run();
    EXPECT_TRUE(service::was_there) << Bytes;
}

TEST(replies, of_quick_requests_do_not_wait_for_slow_ones_that_come_with_them_to_an_idle_worker) {
    for (int i = 0; i < 3; ++i) {
        for (const auto asleep : {0ms, 20ms}) {
            expect_a_quick_reply_from_a_worker_that_is_woken<4>(asleep);
            expect_a_quick_reply_from_a_worker_that_is_woken<1000>(asleep);
            ASSERT_FALSE(HasFailure());
        }
    }
}

TEST(replies, are_not_kept_for_slow_requests_behind_them) {
    expect_a_reply_before_the_next_is_served<4>(false);
    expect_a_reply_before_the_next_is_served<1000>(false);  // which travel by number
}

TEST(replies, are_not_kept_for_slow_requests_of_other_lanes) {
    expect_a_reply_before_the_next_is_served<4>(true);
    expect_a_reply_before_the_next_is_served<1000>(true);
}

}  // namespace
}  // namespace numasio::test
