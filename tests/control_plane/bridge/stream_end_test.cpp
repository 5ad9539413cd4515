// How streams end before their items do: by their reader, by a stop, by a context that is gone.
#include "control_plane/bridge/stream_fixture.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>

namespace numasio::test {
namespace {

TEST_F(stream, an_early_end_destroys_the_generator_on_its_worker_and_gives_its_memory_back) {
    auto& p = open(2, 1);
    const auto two = [&] { return std::pair(start(p, 1, 1), start(p, 1, 1)); };
    two();
    settle();
    const auto before = memory_used();
    auto idle = start(p, endless, 1);
    EXPECT_EQ(counter::open.load(), 1);
    EXPECT_GT(memory_used(), before + bytes{counter::block});
    gated::closed = true;
    counter::asked = 0;
    error_code full;
    reading other;
    p.async_stream({0}, up_to(endless), 1, [&](error_code, reading s) { other = std::move(s); });
    p.async_stream({0}, up_to(endless), 1, [&](error_code ec, const reading&) { full = ec; });
    wait_until(counter::asked, 1);
    std::thread([s = std::move(idle)] {}).join();  // on a thread that has no lane, beside one that is full
    gated::closed = false;
    settle();
    EXPECT_EQ(full, errc::lane_full);
    EXPECT_EQ(counter::open.load(), 1);
    other = {};
    settle();
    EXPECT_EQ(counter::open.load(), 0);
    EXPECT_EQ(counter::destroyed_on.load(), counting::worker_thread.load());
    EXPECT_EQ(memory_used(), before);
}

TEST_F(stream, steps_that_are_on_their_way_when_it_is_closed_make_nothing) {
    auto& p = open(256, 1);
    auto busy = start(p, endless, 1);
    auto s = start(p, endless, 200);
    EXPECT_TRUE(next(busy).is(0));
    const auto made = counter::made.load();
    counter::asked = 0;
    read_up(busy, 1, 1);
    wait_until(counter::asked, 1);
    read_up(s, 0, 1);  // and sends 200 steps behind the other's
    s = {};            // by another lane, whose turn is after 64 of these
    gated::closed = false;
    settle();
    EXPECT_EQ(counter::open.load(), 1);
    EXPECT_EQ(counter::made.load(), made + 1 + 64);
}

TEST_F(stream, a_wait_ends_with_its_stream) {
    auto& p = open();
    auto s = start(p, endless, 1);
    read_up(s, 0, 1);
    answer pending;
    s.async_next(pending.handler());
    s = {};
    poll();
    EXPECT_EQ(pending.ec, asio::error::operation_aborted);  // the worker is still at it
    gated::closed = false;
    settle();
    EXPECT_EQ(counter::open.load(), 0);
}

TEST_F(stream, a_stop_ends_every_wait_and_what_was_made_can_still_be_read) {
    auto& p = open();
    auto busy = start(p, endless, 1);
    auto full = start(p, endless, 3);
    auto waits = start(p, endless, 1);
    EXPECT_TRUE(next(full).is(0));
    counter::asked = 0;
    read_up(busy, 0, 1);
    wait_until(counter::asked, 1);
    read_up(waits, 0, 1);
    answer running;
    answer stopped;
    busy.async_next(running.handler());
    waits.async_next(stopped.handler());
    EXPECT_EQ(bridge_->stop(0s).stuck, 1U);
    gated::closed = false;
    settle();
    EXPECT_TRUE(running.is(1));
    EXPECT_EQ(stopped.ec, errc::stopped);
    for (int i = 1; i < 4; ++i) { EXPECT_TRUE(next(full).is(i)); }
    EXPECT_EQ(next(full).ec, errc::stopped);
    EXPECT_EQ(next(waits).ec, errc::stopped);
    wait_until(counter::open, 0);  // the worker was left to itself
}

TEST_F(stream, one_that_outlives_its_bridge_answers_stopped) {
    auto& p = open();
    auto s = start(p, endless, 2);
    bridge_->stop(1s);
    bridge_.reset();
    EXPECT_TRUE(next(s).is(0));
    EXPECT_EQ(next(s).ec, errc::stopped);
    EXPECT_EQ(counter::open.load(), 0);
}

TEST(stream_alone, handlers_that_own_their_stream_go_with_a_context_that_never_runs_again) {
    struct owner {
        std::shared_ptr<reading> s;
        void operator()(error_code, const std::optional<item>&) const { ADD_FAILURE() << "its context never ran"; }
    };
    auto s = std::make_shared<reading>();
    const std::weak_ptr<reading> witness = s;
    {
        asio::io_context io;
        bridge b(io, one_worker());
        auto& p = b.open<std::unique_ptr<int>, stream_of<item>, counting>("p");
        b.start();
        p.async_stream({0}, up_to(endless), 2, [&](error_code, reading opened) { *s = std::move(opened); });
        io.run();
        s->async_next(owner{s});  // the first item is there, and posted
        s->async_next(owner{s});
        p.async_stream({0}, up_to(endless), 2, [s](error_code, const reading&) { ADD_FAILURE() << "its context never ran"; });
        s.reset();
        b.stop(1s);
        EXPECT_EQ(witness.use_count(), 3);
    }
    EXPECT_TRUE(witness.expired());
    EXPECT_EQ(counter::open.load(), 0);
    counter::reset();
}

}  // namespace
}  // namespace numasio::test
