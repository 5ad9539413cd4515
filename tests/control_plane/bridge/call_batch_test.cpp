// Calls that are handed over together: not before, each once, in their order.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/call_batch.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

plan parked(std::uint32_t capacity = 256) {
    auto asked = one_worker(capacity);
    asked.pools.front().idle = {idle_strategy::park, 0us};
    return asked;
}

class batch : public call {
protected:
    worker_status worker() const { return bridge_->status().workers.front(); }
    void sleeps() const {
        while (!worker().parked) { std::this_thread::yield(); }
    }
};

TEST_F(batch, wakes_a_sleeping_worker_once_and_not_before_it_is_sent) {
    auto& p = open_plan<incrementer>(parked());
    sleeps();
    std::vector<int> answers;
    call_batch collected(p, home{0});
    for (int i = 0; i < 10; ++i) {
        ASSERT_FALSE(collected.try_call(int{i}, [&](error_code ec, int x) { answers.push_back(ec ? -1 : x); }));
    }
    EXPECT_EQ(collected.size(), 10U);
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(worker().parked);
    const auto doorbells = worker().doorbells;
    collected.send();
    EXPECT_EQ(collected.size(), 0U);
    io_.run();
    std::vector<int> expected(10);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(answers, expected);
    EXPECT_EQ(worker().doorbells, doorbells + 1);
}

TEST_F(batch, is_sent_by_its_destructor_and_every_64_calls) {
    auto& p = open_plan<incrementer>(parked());
    int answered = 0;
    {
        call_batch collected(p, home{0});
        for (int i = 0; i < 64; ++i) { ASSERT_FALSE(collected.try_call(1, [&](error_code, int) { ++answered; })); }
        EXPECT_EQ(collected.size(), 0U);
        io_.run();
        EXPECT_EQ(answered, 64);
        ASSERT_FALSE(collected.try_call(1, [&](error_code, int) { ++answered; }));
        ASSERT_FALSE(collected.try_post(1));
        EXPECT_EQ(collected.size(), 2U);
    }
    io_.restart();
    io_.run();
    EXPECT_EQ(answered, 65);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::ran), 66U);
}

TEST_F(batch, that_meets_a_full_lane_leaves_the_request_alone_and_sends_the_others) {
    bridge_.emplace(io_.get_executor(), parked(4));
    struct holder {
        explicit holder(node_context&) {}
        int operator()(std::unique_ptr<int> x) const { return *x; }
    };
    auto& p = bridge_->open<std::unique_ptr<int>, int, holder>("p");
    bridge_->start();
    int answered = 0;
    call_batch collected(p, home{0});
    for (int i = 0; i < 4; ++i) { ASSERT_FALSE(collected.try_call(std::make_unique<int>(i), [&](error_code, int) { ++answered; })); }
    auto request = std::make_unique<int>(5);
    EXPECT_EQ(collected.try_call(std::move(request), [](error_code, int) {}), errc::lane_full);
    ASSERT_TRUE(request);
    io_.run();  // they were sent
    EXPECT_EQ(answered, 4);
    EXPECT_FALSE(collected.try_call(std::move(request), [&](error_code, int x) { answered += x; }));
    collected.send();
    io_.restart();
    io_.run();
    EXPECT_EQ(answered, 9);
}

TEST_F(batch, whose_handler_cannot_be_stored_gives_its_place_back) {
    auto& p = open_plan<incrementer>(parked(2));
    struct refusing {
        refusing() = default;
        refusing(refusing&&) { throw std::bad_alloc(); }
        void operator()(error_code, int) {}
    };
    call_batch collected(p, home{0});
    for (int i = 0; i < 3; ++i) { EXPECT_THROW(static_cast<void>(collected.try_call(1, refusing())), std::bad_alloc); }
    int answered = 0;
    for (int i = 0; i < 2; ++i) { EXPECT_FALSE(collected.try_call(1, [&](error_code, int) { ++answered; })); }
    collected.send();
    io_.run();
    EXPECT_EQ(answered, 2);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::returned), 3U);
}

TEST_F(batch, is_refused_with_the_ports_reasons) {
    bridge_.emplace(io_.get_executor(), parked());
    auto& p = bridge_->open<int, int, incrementer>("p");
    call_batch early(p, home{0});
    EXPECT_EQ(early.try_post(1), errc::not_started);
    bridge_->start();
    call_batch astray(p, home{7});
    EXPECT_EQ(astray.try_post(1), errc::no_worker);
    call_batch bulk(p.with({.kind = request_class::bulk}), home{0});
    EXPECT_EQ(bulk.try_post(1), errc::no_bulk);
    bridge_->stop(1s);
    EXPECT_EQ(early.try_post(1), errc::stopped);
}

TEST_F(batch, keeps_the_options_of_its_port) {
    auto asked = parked();
    asked.pools.front().lane.bulk.emplace();
    bridge_.emplace(io_.get_executor(), asked);
    auto& p = bridge_->open<int, int, incrementer>("p");
    bridge_->start();
    error_code late;
    call_batch hurried(p.with({.start_within = 1ms}), home{0});
    ASSERT_FALSE(hurried.try_call(1, [&](error_code ec, int) { late = ec; }));
    call_batch bulk(p.with({.kind = request_class::bulk}), home{0});
    ASSERT_FALSE(bulk.try_post(1));
    std::this_thread::sleep_for(5ms);  // nobody has woken the worker
    hurried.send();
    bulk.send();
    io_.run();
    EXPECT_EQ(late, asio::error::timed_out);
    std::map<request_class, std::uint64_t> ran;
    for (const auto& l : worker().lanes) { ran[l.kind] += l.ran; }
    EXPECT_EQ(ran, (std::map<request_class, std::uint64_t>{{request_class::latency, 0}, {request_class::bulk, 1}}));
}

TEST_F(batch, can_have_its_calls_cancelled_before_and_after_it_is_sent) {
    auto& p = open_plan<gated>(parked());
    gated::closed = true;
    std::vector<error_code> ends(3);
    std::vector<asio::cancellation_signal> cancel(3);
    call_batch collected(p, home{0});
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_FALSE(collected.try_call(1, asio::bind_cancellation_slot(cancel[i].slot(), [&ends, i](error_code ec, int) { ends[i] = ec; })));
    }
    cancel[1].emit(asio::cancellation_type::all);
    collected.send();
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    cancel[2].emit(asio::cancellation_type::all);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(ends, (std::vector<error_code>{{}, asio::error::operation_aborted, asio::error::operation_aborted}));
}

TEST_F(batch, that_a_stop_finds_unsent_ends_with_stopped) {
    auto& p = open_plan<incrementer>(parked());
    sleeps();
    std::vector<error_code> ends;
    call_batch collected(p, home{0});
    for (int i = 0; i < 5; ++i) { ASSERT_FALSE(collected.try_call(1, [&](error_code ec, int) { ends.push_back(ec); })); }
    bridge_->stop(1s);
    // Its worker's last sweep serves what was accepted.
    EXPECT_EQ(collected.try_post(1), errc::stopped);
    EXPECT_EQ(collected.size(), 0U);
    io_.run();
    EXPECT_EQ(ends, std::vector<error_code>(5));
}

TEST_F(batch, whose_unsent_calls_fill_the_lane_keeps_no_other_caller_from_a_place) {
    auto& p = open_plan<incrementer>(parked(4));
    sleeps();
    int answered = 0;
    call_batch filling(p, home{0});
    for (int i = 0; i < 4; ++i) { ASSERT_FALSE(filling.try_call(1, [&](error_code, int) { ++answered; })); }
    auto work = asio::make_work_guard(io_);
    std::thread runs([&] { io_.run(); });
    while (p.try_call({0}, 1, [](error_code, int) {})) { std::this_thread::yield(); }  // ends: a refusal wakes the worker, too
    work.reset();
    filling.send();
    runs.join();
    EXPECT_EQ(answered, 4);
}

TEST_F(batch, whose_unsent_calls_fill_the_lane_keeps_nobody_waiting_in_line) {
    auto asked = parked(4);
    asked.pools.front().lane.full = when_full::wait;
    auto& p = open_plan<incrementer>(asked);
    sleeps();
    int answered = 0;
    call_batch filling(p, home{0});
    for (int i = 0; i < 4; ++i) { ASSERT_FALSE(filling.try_call(1, [&](error_code, int) { ++answered; })); }
    bool waited = false;
    p.async_call({0}, 1, [&](error_code ec, int) { waited = !ec; });
    EXPECT_EQ(filling.try_post(1), errc::lane_full) << "nobody overtakes who waits";
    io_.run();
    EXPECT_TRUE(waited);
    EXPECT_EQ(answered, 4);
    EXPECT_FALSE(filling.try_post(1));
}

/// Calls once more when its thread has given its lanes back.
struct late_caller {
    ~late_caller() {
        if (calls) { refused = calls->try_call(1, [](error_code, int) { ++answered; }); }
    }
    std::optional<call_batch<int, int>> calls;
    static inline error_code refused;
    static inline std::atomic<int> answered{0};
};

TEST(batches, of_a_thread_that_ends_leave_its_lane_with_it) {
    asio::io_context io;
    bridge b(io, parked());
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    late_caller::answered = 0;
    std::thread([&] {
        thread_local late_caller last;  // made before the thread has lanes: it ends after they are given back
        last.calls.emplace(p, home{0});
        EXPECT_FALSE(last.calls->try_call(1, [](error_code, int) { ++late_caller::answered; }));
    }).join();
    io.run();
    EXPECT_EQ(late_caller::refused, errc::no_lane);
    EXPECT_EQ(late_caller::answered, 1);
    b.stop(1s);
}

TEST_F(batch, of_a_thread_without_a_lane_of_its_own_is_sent_call_by_call) {
    auto& p = open_plan<incrementer>(one_worker(64, 1));
    const auto mine = p.try_reserve({0});  // the only lane of a thread's own
    ASSERT_TRUE(mine);
    std::atomic<int> answered{0};
    std::thread([&] {
        call_batch collected(p, home{0});
        for (int i = 0; i < 10; ++i) {
            ASSERT_FALSE(collected.try_call(1, [&](error_code, int) { ++answered; }));
            EXPECT_EQ(collected.size(), 0U);
        }
    }).join();
    io_.run();
    EXPECT_EQ(answered, 10);
}

TEST(batches, beside_stops_lose_nothing_and_end_nothing_twice) {
    std::minstd_rand dice(std::random_device{}());
    for (int round = 0; round < 20; ++round) {
        asio::io_context io;
        std::atomic<int> ended{0};
        std::atomic<int> accepted{0};
        bridge b(io, parked(128));
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        auto work = asio::make_work_guard(io);
        std::thread runs([&] { io.run(); });
        std::vector<std::thread> senders;
        for (int t = 0; t < 3; ++t) {
            senders.emplace_back([&, size = dice() % 70 + 1] {
                call_batch collected(p, home{0});
                for (error_code refused; refused != errc::stopped;) {
                    for (unsigned i = 0; i < size && refused != errc::stopped; ++i) {
                        refused = collected.try_call(1, [&](error_code, int) { ++ended; });
                        if (!refused) { ++accepted; }
                    }
                    collected.send();
                    std::this_thread::yield();
                }
            });
        }
        std::this_thread::sleep_for(std::chrono::microseconds(dice() % 3000));
        b.stop(1s);
        for (auto& s : senders) { s.join(); }
        while (ended < accepted) { std::this_thread::yield(); }
        EXPECT_ACCOUNTS_BALANCE(b.status());
        EXPECT_EQ(b.status().abandoned, 0U);
        work.reset();
        runs.join();
        EXPECT_EQ(ended, accepted);
    }
}

}  // namespace
}  // namespace numasio::test
