// What a caller and the plan may ask for a request: a time to start in, a class, being dropped, being shed.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

namespace numasio::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// Keeps the order in which it was called; the first call waits for the gate.
struct recorder {
    explicit recorder(node_context&) { order.clear(); }
    int operator()(int x) const {
        order.push_back(x);
        gated::entered.fetch_add(1);
        while (gated::closed.load()) { std::this_thread::yield(); }
        return x;
    }
    static inline std::vector<int> order;  // by the worker; read when all is answered
};

class options : public call {
protected:
    port<int, int>& open_closed(const plan& asked) {
        gated::closed = true;
        return open_plan<recorder>(asked);
    }
    static void until_entered() {
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
    }
    void open_and_run() {
        gated::closed = false;
        io_.run();
    }
    auto told() {
        return [this](error_code ec, int = 0) { outcomes_.push_back(ec); };
    }
    lane_status lane() const { return bridge_->status().workers.front().lanes.front(); }

    std::vector<error_code> outcomes_;
};

// --- start_within -----------------------------------------------------------------------------------

TEST_F(options, a_request_that_did_not_start_in_time_never_runs) {
    auto& p = open_closed(one_worker());
    p.async_call({0}, 1, told());
    until_entered();
    p.with({.start_within = 1ms}).async_call({0}, 2, told());
    p.with({.start_within = 1h}).async_call({0}, 3, told());
    p.with({.start_within = 0ns}).async_call({0}, 4, told());
    p.with({.start_within = -1s}).async_call({0}, 5, told());
    p.with({.start_within = 1000h}).async_call({0}, 6, told());
    p.async_call({0}, 7, told());
    std::this_thread::sleep_for(10ms);
    open_and_run();
    const error_code late = asio::error::timed_out, fine;
    EXPECT_THAT(outcomes_, ElementsAre(fine, late, fine, late, late, fine, fine));
    EXPECT_THAT(recorder::order, ElementsAre(1, 3, 6, 7));
    EXPECT_EQ(lane().expired, 3U);
    EXPECT_EQ(lane().ran, 4U);
}

TEST_F(options, a_request_with_no_time_at_all_does_not_run_on_an_idle_worker_either) {
    auto p = open<recorder>().with({.start_within = 0ns});
    for (int i = 0; i < 50; ++i) { p.async_call({0}, i, told()); }
    io_.run();
    EXPECT_THAT(outcomes_, Each(error_code(asio::error::timed_out)));
    EXPECT_TRUE(recorder::order.empty());
}

// --- classes ----------------------------------------------------------------------------------------

plan with_bulk(std::uint32_t weight, std::uint32_t capacity = 64) {
    auto asked = one_worker(capacity, 2);
    asked.pools.front().lane.bulk = bulk_plan{capacity, weight};
    return asked;
}

TEST_F(options, a_request_of_class_latency_overtakes_those_of_class_bulk) {
    auto& p = open_closed(with_bulk(1));
    auto bulk = p.with({.kind = request_class::bulk});
    for (int i = 100; i < 110; ++i) { bulk.async_call({0}, i, told()); }
    until_entered();
    p.async_call({0}, 1, told());
    open_and_run();
    EXPECT_THAT(recorder::order, ElementsAre(100, 1, 101, 102, 103, 104, 105, 106, 107, 108, 109));
}

TEST_F(options, requests_of_class_bulk_get_their_share_of_a_busy_worker) {
    auto& p = open_closed(with_bulk(8, 1024));
    auto bulk = p.with({.kind = request_class::bulk});
    p.async_call({0}, 0, told());
    until_entered();
    for (int i = 1; i < 640; ++i) { p.async_call({0}, i, told()); }
    for (int i = 1000; i < 1060; ++i) { bulk.async_call({0}, i, told()); }
    open_and_run();
    const auto& order = recorder::order;
    const auto bulk_among = [&](std::size_t first) { return std::count_if(order.begin(), order.begin() + static_cast<long>(first), [](int x) { return x >= 1000; }); };
    EXPECT_EQ(bulk_among(64), 0) << "when the worker looked, there was none";
    EXPECT_EQ(bulk_among(64 + 3 * (64 + 8)), 3 * 8);
    EXPECT_EQ(order.size(), 700U);
}

TEST_F(options, each_class_has_lanes_of_its_own) {
    auto& p = open_closed(with_bulk(8, 2));
    auto bulk = p.with({.kind = request_class::bulk});
    for (int i = 0; i < 3; ++i) { p.async_call({0}, i, told()); }
    until_entered();
    for (int i = 10; i < 13; ++i) { bulk.async_call({0}, i, told()); }
    open_and_run();
    const error_code full = errc::lane_full, fine;
    EXPECT_THAT(outcomes_, ::testing::UnorderedElementsAre(fine, fine, full, fine, fine, full));
    const auto lanes = bridge_->status().workers.front().lanes;
    ASSERT_EQ(lanes.size(), 6U) << "2 producers and the others, of both classes";
    EXPECT_EQ(lanes[0].kind, request_class::latency);
    EXPECT_EQ(lanes[0].accepted, 2U);
    EXPECT_EQ(lanes[3].kind, request_class::bulk);
    EXPECT_EQ(lanes[3].accepted, 2U);
    EXPECT_TRUE(lanes[2].shared);
    EXPECT_TRUE(lanes[5].shared);
}

TEST_F(options, a_class_that_the_plan_has_no_lanes_for_is_refused) {
    auto bulk = open<recorder>().with({.kind = request_class::bulk});
    bulk.async_call({0}, 1, told());
    io_.run();
    EXPECT_THAT(outcomes_, ElementsAre(errc::no_bulk));
    EXPECT_EQ(bulk.try_reserve({0}).error(), errc::no_bulk);
    EXPECT_EQ(bridge_->status().pools.front().refused, 2U);
}

TEST_F(options, a_reservation_keeps_the_class_that_it_was_taken_with) {
    auto& p = open_closed(with_bulk(8));
    auto place = p.with({.kind = request_class::bulk}).try_reserve({0});
    p.async_call(std::move(place), 1, told());
    open_and_run();
    EXPECT_EQ(bridge_->status().workers.front().lanes[3].ran, 1U);
}

// --- when_full: drop_oldest -------------------------------------------------------------------------

plan that_drops(std::uint32_t capacity, or_auto<std::uint32_t> keep) {
    auto asked = one_worker(capacity);
    asked.pools.front().lane.full = when_full::drop_oldest;
    asked.pools.front().lane.keep = keep;
    return asked;
}

TEST_F(options, the_oldest_posts_of_too_many_are_dropped) {
    auto& p = open_closed(that_drops(16, 4));
    p.async_post({0}, 0, told());
    until_entered();
    for (int i = 1; i <= 10; ++i) { p.async_post({0}, i, told()); }
    open_and_run();
    EXPECT_THAT(recorder::order, ElementsAre(0, 7, 8, 9, 10));
    EXPECT_EQ(std::count(outcomes_.begin(), outcomes_.end(), errc::dropped), 6);
    EXPECT_EQ(lane().dropped, 6U);
}

TEST_F(options, a_call_is_never_dropped) {
    auto& p = open_closed(that_drops(16, 2));
    p.async_call({0}, 0, told());
    until_entered();
    for (int i = 1; i <= 6; ++i) { p.async_call({0}, i, told()); }
    p.async_post({0}, 7, told());
    p.async_post({0}, 8, told());
    open_and_run();
    EXPECT_THAT(recorder::order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(options, a_lane_without_a_place_rejects_where_the_oldest_are_dropped_too) {
    auto& p = open_closed(that_drops(4, std::nullopt));  // keeps half
    p.async_post({0}, 0, told());
    until_entered();
    for (int i = 1; i <= 5; ++i) { p.async_post({0}, i, told()); }
    open_and_run();
    EXPECT_THAT(recorder::order, ElementsAre(0, 2, 3));
    EXPECT_EQ(lane().rejected, 2U);
    EXPECT_EQ(lane().dropped, 1U);
}

// --- when_full: shed --------------------------------------------------------------------------------

TEST_F(options, a_worker_that_does_not_keep_up_sheds_what_waited_too_long) {
    auto asked = one_worker(256);
    asked.pools.front().lane.full = when_full::shed;
    asked.pools.front().lane.target = 5ms;
    asked.pools.front().lane.interval = 100ms;  // a worker that is kept off its processor for longer makes a pause, in which no queue stands
    auto& p = open_plan<sleeper>(asked);
    for (int i = 0; i < 100; ++i) { p.async_call({0}, 5, told()); }  // 500 ms of work at once
    io_.run();
    ASSERT_GT(outcomes_.size(), 4U);
    for (int i = 0; i < 4; ++i) { EXPECT_FALSE(outcomes_[static_cast<std::size_t>(i)]) << "a burst is no overload"; }
    const auto shed = std::count(outcomes_.begin(), outcomes_.end(), errc::shed);
    EXPECT_GT(shed, 50) << "behind the first interval or two all are late";
    EXPECT_EQ(std::count(outcomes_.begin(), outcomes_.end(), error_code()), 100 - shed);
    EXPECT_EQ(lane().shed, static_cast<std::uint64_t>(shed));
    EXPECT_EQ(lane().ran, 100U - lane().shed);

    outcomes_.clear();
    for (int i = 0; i < 20; ++i) {  // one at a time it keeps up, however long it takes to wake up
        io_.restart();
        p.async_call({0}, 1, told());
        io_.run();
    }
    EXPECT_THAT(outcomes_, Each(error_code()));
}

TEST_F(options, a_request_with_none_behind_it_is_not_shed_however_long_the_worker_took_to_wake_up) {
    auto asked = one_worker();
    asked.pools.front().idle.strategy = idle_strategy::park;
    asked.pools.front().lane.full = when_full::shed;
    asked.pools.front().lane.target = 1us;
    asked.pools.front().lane.interval = 1ms;
    auto& p = open_plan<incrementer>(asked);
    for (int i = 0; i < 100; ++i) {
        io_.restart();
        p.async_call({0}, 1, told());
        io_.run();
        std::this_thread::sleep_for(200us);
    }
    EXPECT_THAT(outcomes_, Each(error_code()));
}

/// Ten times what the worker can take: everything that was offered is accounted for, under each answer to a full lane.
class overload : public ::testing::TestWithParam<when_full> {};

TEST_P(overload, accounts_for_every_request) {
    asio::io_context io;
    auto asked = one_worker(32);
    auto& lane = asked.pools.front().lane;
    lane.full = GetParam();
    lane.waiting = 16;
    lane.keep = 8;
    lane.target = 10us;
    lane.interval = 100us;
    bridge b(io, asked);
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    std::uint64_t ended = 0;
    constexpr std::uint64_t rounds = 200, burst = 320;
    for (std::uint64_t r = 0; r < rounds; ++r) {
        for (std::uint64_t i = 0; i < burst; ++i) { p.async_post({0}, 1, [&](error_code) { ++ended; }); }
        io.poll();
        io.restart();
    }
    io.run();
    EXPECT_EQ(ended, rounds * burst);
    const auto status = b.status();
    EXPECT_ACCOUNTS_BALANCE(status);
    EXPECT_EQ(sum(status, &lane_status::offered), rounds * burst);
    EXPECT_EQ(sum(status, &lane_status::accepted), sum(status, &lane_status::delivered));
    EXPECT_EQ(sum(status, &lane_status::queued) + sum(status, &lane_status::waiting), 0U);
    EXPECT_GT(sum(status, &lane_status::rejected), 0U);
    b.stop(1s);
}

INSTANTIATE_TEST_SUITE_P(answers, overload, ::testing::Values(when_full::reject, when_full::wait, when_full::drop_oldest, when_full::shed),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

}  // namespace
}  // namespace numasio::test
