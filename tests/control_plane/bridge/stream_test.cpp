// Streams: many replies to one request, in their order, and no more ahead than the credit.
#include "control_plane/bridge/stream_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

TEST_F(stream, items_come_in_their_order_and_then_the_end_as_often_as_it_is_asked_for) {
    auto& p = open();
    for (const std::uint32_t credit : {1U, 2U, 7U, 64U}) {
        auto s = start(p, 50, credit);
        for (int i = 0; i < 50; ++i) { ASSERT_TRUE(next(s).is(i)) << "credit " << credit << ", item " << i; }
        EXPECT_TRUE(next(s).is_end());
        EXPECT_TRUE(next(s).is_end());
        EXPECT_EQ(counter::open.load(), 0);  // the generator goes with its end
    }
    auto none = start(p, 0, 4);
    EXPECT_TRUE(next(none).is_end());
    EXPECT_EQ(counter::made.load(), 4 * 50);
}

TEST_F(stream, no_more_items_are_made_ahead_than_the_credit_allows) {
    auto& p = open();
    auto s = start(p, endless, 5);
    for (int read = 1; read < 20; ++read) {
        EXPECT_TRUE(next(s).is(read - 1));
        EXPECT_EQ(counter::made.load(), read + 5);
    }
    EXPECT_THROW(static_cast<void>(p.async_stream({0}, up_to(1), 0, asio::use_future)), std::invalid_argument);
}

TEST_F(stream, a_lane_without_room_for_the_credit_refuses_at_once_and_nothing_runs) {
    auto& p = open(4);
    error_code why;
    start(p, 1, 5, &why);
    EXPECT_EQ(why, errc::credit_too_large);
    EXPECT_EQ(counter::asked.load(), 0);
    {
        const auto two = start(p, endless, 2);
        counter::asked = 0;
        start(p, 1, 3, &why);
        EXPECT_EQ(why, errc::lane_full);
        EXPECT_EQ(counter::asked.load(), 0);
    }
    settle();
    const auto before = sum(bridge_->status(), &lane_status::ran);
    auto s = start(p, endless, 4);  // what was reserved is back; and now the lane is full although nothing is on its way
    start(p, 1, 1, &why);
    EXPECT_EQ(why, errc::lane_full);
    for (int i = 0; i < 10; ++i) { EXPECT_TRUE(next(s).is(i)); }  // the places stay the stream's
    EXPECT_EQ(sum(bridge_->status(), &lane_status::ran), before + 1 + 4 + 9);
}

TEST_F(stream, is_not_shed_where_its_pool_sheds_requests) {
    auto asked = one_worker();
    asked.pools.front().lane.full = when_full::shed;
    asked.pools.front().lane.target = 1us;
    asked.pools.front().lane.interval = 1us;
    bridge_.emplace(io_.get_executor(), asked);
    auto& p = bridge_->open<std::unique_ptr<int>, stream_of<item>, counting>("p");
    bridge_->start();
    auto s = start(p, 40, 8);
    EXPECT_TRUE(next(s).is(0));
    read_up(s, 1, 8);  // behind the closed gate eight steps wait
    std::this_thread::sleep_for(5ms);
    gated::closed = false;
    for (int i = 9; i < 40; ++i) { ASSERT_TRUE(next(s).is(i)) << i; }
    EXPECT_TRUE(next(s).is_end());
    EXPECT_EQ(sum(bridge_->status(), &lane_status::shed), 0U);
}

TEST_F(stream, as_many_are_open_at_a_worker_as_a_lane_has_places) {
    auto& p = open(4);
    std::vector<reading> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(start(p, 1, 1));
        EXPECT_TRUE(next(all.back()).is(0));
        EXPECT_TRUE(next(all.back()).is_end());  // which gives the calling thread's place back
    }
    error_code why;
    start(p, 1, 1, &why);
    EXPECT_EQ(why, errc::lane_full);
    all.pop_back();
    settle();
    all.push_back(start(p, 1, 1));
}

TEST_F(stream, no_worker_not_started_and_stopped_are_told_as_of_a_call) {
    bridge_.emplace(io_.get_executor(), one_worker());
    auto& p = bridge_->open<std::unique_ptr<int>, stream_of<item>, counting>("p");
    error_code why;
    start(p, 1, 1, &why);
    EXPECT_EQ(why, errc::not_started);
    bridge_->start();
    p.async_stream({9}, up_to(1), 1, [&](error_code ec, const reading&) { why = ec; });
    settle();
    EXPECT_EQ(why, errc::no_worker);
    bridge_->stop(1s);
    start(p, 1, 1, &why);
    EXPECT_EQ(why, errc::stopped);
}

TEST_F(stream, a_service_that_throws_fails_the_start_and_a_generator_ends_the_stream_behind_its_items) {
    auto& p = open();
    error_code why;
    p.async_stream({0}, nullptr, 1, [&](error_code ec, const reading& s) {
        why = ec;
        EXPECT_FALSE(s);
    });
    settle();
    EXPECT_EQ(why, errc::service_failed);
    EXPECT_EQ(bridge_->status().workers.front().first_failure, "to where?");
    counter::throws_at = 0;
    start(p, 9, 3, &why);
    EXPECT_EQ(why, errc::service_failed);
    counter::throws_at = 2;
    auto s = start(p, 9, 5);
    EXPECT_TRUE(next(s).is(0));
    EXPECT_TRUE(next(s).is(1));
    EXPECT_EQ(next(s).ec, errc::service_failed);
    EXPECT_EQ(next(s).ec, errc::service_failed);
    EXPECT_EQ(counter::open.load(), 0);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::failed), 3U);  // the steps behind a failure are none themselves
    counter::throws_at = -1;
    auto lives_on = start(p, 1, 1);
    EXPECT_TRUE(next(lives_on).is(0));
}

TEST_F(stream, a_wait_that_is_cancelled_loses_no_item) {
    auto& p = open();
    auto s = start(p, endless, 2);
    for (int i = 0; i < 40; i += 2) {
        read_up(s, i, 1);
        asio::cancellation_signal signal;
        answer cancelled;
        s.async_next(asio::bind_cancellation_slot(signal.slot(), cancelled.handler()));
        signal.emit(asio::cancellation_type::terminal);
        EXPECT_EQ(cancelled.ec, asio::error::would_block);  // not inside the emission
        poll();
        EXPECT_EQ(cancelled.ec, asio::error::operation_aborted);
        gated::closed = false;
        EXPECT_TRUE(next(s).is(i + 1));
    }
}

TEST_F(stream, a_cancellation_that_comes_late_hits_no_other_wait) {
    auto& p = open();
    auto s = start(p, endless, 1);
    asio::cancellation_signal signal;
    answer first;
    s.async_next(asio::bind_cancellation_slot(signal.slot(), first.handler()));
    read_up(s, 1, 0);
    answer second;
    s.async_next(second.handler());
    signal.emit(asio::cancellation_type::terminal);
    gated::closed = false;
    settle();
    EXPECT_TRUE(first.is(0));
    EXPECT_TRUE(second.is(1));
}

TEST_F(stream, a_start_that_is_cancelled_before_the_worker_came_to_it_makes_no_generator) {
    auto& p = open();
    auto busy = start(p, endless, 1);
    counter::asked = 0;
    read_up(busy, 0, 1);
    wait_until(counter::asked, 1);
    asio::cancellation_signal signal;
    error_code end;
    p.async_stream({0}, up_to(1), 1, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, const reading&) { end = ec; }));
    signal.emit(asio::cancellation_type::all);
    gated::closed = false;
    settle();
    EXPECT_EQ(end, asio::error::operation_aborted);
    EXPECT_EQ(counter::open.load(), 1);
}

TEST_F(stream, one_wait_at_a_time_and_none_on_an_empty_stream) {
    auto& p = open();
    auto s = start(p, endless, 1);
    read_up(s, 0, 1);
    answer first;
    answer second;
    s.async_next(first.handler());
    s.async_next(second.handler());
    gated::closed = false;
    settle();
    EXPECT_TRUE(first.is(1));
    EXPECT_EQ(second.ec, asio::error::already_started);
    reading empty;
    EXPECT_THROW(empty.async_next(first.handler()), std::logic_error);
}

TEST_F(stream, handlers_run_on_their_own_executor) {
    auto& p = open();
    asio::thread_pool elsewhere(1);
    std::atomic<int> there{0};
    auto s = start(p, endless, 1);
    for (int i = 0; i < 4; ++i) {  // items that are there already, and others that are waited for
        if (i == 2) { read_up(s, 2, 1); }
        s.async_next(asio::bind_executor(elsewhere, [&, i](error_code ec, const std::optional<item>& got) {
            there += elsewhere.get_executor().running_in_this_thread() && !ec && **got == i + (i < 2 ? 0 : 1);
        }));
        gated::closed = false;
        settle();
    }
    elsewhere.join();
    EXPECT_EQ(there.load(), 4);
}

}  // namespace
}  // namespace numasio::test
