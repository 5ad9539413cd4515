// A reactor's worker that does not come from one handler to the next is seen, whatever it does while idle; one that rests or is only busy is not.
#include "support/reactor_pools.hpp"
#include "support/time_given.hpp"

#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <latch>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace numasio::test {

/// Not of this file alone: a stack shows the names of what the program exports.
[[gnu::noinline]] void stay_in_a_handler(const std::atomic<bool>& may_end) {
    while (!may_end) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
}

}  // namespace numasio::test

namespace numasio {

void PrintTo(idle_strategy s, std::ostream* out) { *out << (s == idle_strategy::park ? "park" : s == idle_strategy::busy_spin ? "busy_spin" : "spin_then_park"); }

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::reactors_here;

pool_plan that_idles(idle_strategy by) {
    auto asked = test::reactor_plan();
    asked.idle.strategy = by;
    return asked;
}

class ReactorStall : public testing::TestWithParam<idle_strategy> {
protected:
    reactors_here here{1, that_idles(GetParam())};
    std::vector<task_stall> told;
    std::atomic<bool> may_end{false};

    void tell(std::chrono::nanoseconds limit) {
        here.pool.on_stall(limit, [this](const task_stall& stall) { told.push_back(stall); });
    }
    void look() { here.pool.look_after([](const placement&) {}); }
    reactor_worker_status worker() const { return here.pool.status().workers[0]; }
    void go_on() {
        may_end = true;
        asio::post(here.pool.on(0), asio::use_future([] {})).get();
    }
};
INSTANTIATE_TEST_SUITE_P(idle, ReactorStall, testing::Values(idle_strategy::park, idle_strategy::spin_then_park, idle_strategy::busy_spin),
                         testing::PrintToStringParamName());

TEST_P(ReactorStall, of_a_sockets_handler_is_told_once_and_the_state_is_stuck_meanwhile) {
    tell(300ms);
    asio::io_context control;
    asio::writable_pipe writes(control);
    std::unique_ptr<asio::basic_readable_pipe<reactor_executor>> reads;
    std::array<char, 1> byte{};
    std::atomic<bool> is_in{false};
    asio::post(here.pool.on(0), asio::use_future([&] {
        reads = std::make_unique<asio::basic_readable_pipe<reactor_executor>>(here.pool.on(0));
        asio::connect_pipe(*reads, writes);
        reads->async_read_some(asio::buffer(byte), [&](error_code, std::size_t) {
            is_in = true;
            while (!may_end) { std::this_thread::sleep_for(1ms); }
        });
    })).get();
    if (GetParam() != idle_strategy::busy_spin) { EXPECT_TRUE(test::within(10s, [&] { return worker().asleep; })); }
    asio::write(writes, asio::buffer("x", 1));
    while (!is_in) { std::this_thread::yield(); }
    look();  // sees it for the first time
    EXPECT_EQ(worker().state, worker_state::running);
    std::this_thread::sleep_for(310ms);
    look();
    EXPECT_EQ(told.size(), 1u);
    for (const auto& stall : told) {
        EXPECT_EQ(stall.task, "a handler");
        EXPECT_EQ(stall.site.pool, "io");
        EXPECT_GE(stall.lasting, 310ms);
        EXPECT_TRUE(stall.trace.empty());
    }
    std::this_thread::sleep_for(1s);
    look();
    EXPECT_EQ(told.size(), 1u);
    EXPECT_EQ(worker().state, worker_state::stuck);
    EXPECT_EQ(worker().stalls, 1u);
    go_on();
    look();
    EXPECT_EQ(worker().state, worker_state::running);
    EXPECT_EQ(worker().stalls, 1u);
    asio::post(here.pool.on(0), asio::use_future([&] { reads.reset(); })).get();
}

TEST_P(ReactorStall, of_a_function_from_outside_is_told) {
    tell(5ms);
    asio::post(here.pool.on(0), [&] { test::stay_in_a_handler(may_end); });
    EXPECT_TRUE(test::within(10s, [&] {
        look();
        return !told.empty();
    }));
    go_on();
}

TEST_P(ReactorStall, of_a_handler_that_posts_to_its_own_worker_is_told) {
    tell(100ms);
    asio::post(here.pool.on(0), [&] {
        while (!may_end) {
            asio::post(here.pool.on(0), [] {});
            std::this_thread::sleep_for(5ms);
        }
    });
    EXPECT_TRUE(test::within(10s, [&] {
        look();
        return !told.empty();
    }));
    go_on();
}

TEST_P(ReactorStall, is_not_a_handler_that_is_long_over) {
    using timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, reactor_executor>;
    tell(500ms);
    asio::post(here.pool.on(0), asio::use_future([&] {
        auto soon = std::make_shared<timer>(here.pool.on(0), 20ms);
        soon->async_wait([soon](error_code) {});
    })).get();
    std::this_thread::sleep_for(100ms);
    for (int i = 0; i < 40; ++i) {
        look();
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(worker().stalls, 0u);
}

TEST_P(ReactorStall, of_a_parent_is_none_of_its_childs) {
    tell(50ms);
    std::atomic<bool> is_in{false};
    asio::post(here.pool.on(0), [&] {
        is_in = true;
        while (!may_end) { std::this_thread::sleep_for(1ms); }
    });
    while (!is_in) { std::this_thread::yield(); }
    const auto child = ::fork();
    if (child == 0) {
        here.pool.look_for_stalls();
        std::this_thread::sleep_for(60ms);
        here.pool.look_for_stalls();
        ::_exit(told.empty() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    go_on();
}

TEST_P(ReactorStall, is_not_what_rests_nor_what_is_only_busy) {
    tell(500ms);
    asio::post(here.pool.on(0), asio::use_future([] {})).get();
    if (GetParam() != idle_strategy::busy_spin) { EXPECT_TRUE(test::within(10s, [&] { return worker().asleep; })); }
    look();  // may wake it, once
    if (GetParam() != idle_strategy::busy_spin) { EXPECT_TRUE(test::within(10s, [&] { return worker().asleep; })); }
    const auto before = worker();
    for (int i = 0; i < 40; ++i) {
        std::this_thread::sleep_for(20ms);
        look();
    }
    EXPECT_EQ(worker().doorbells, before.doorbells);
    // One handler after another, none of them long.
    std::atomic<bool> ends{false};
    std::promise<void> ended;
    struct again {
        std::atomic<bool>& ends;
        std::promise<void>& ended;
        reactor_executor at;
        void operator()() const { ends ? ended.set_value() : asio::post(at, again(*this)); }
    };
    asio::post(here.pool.on(0), again{ends, ended, here.pool.on(0)});
    for (int i = 0; i < 40; ++i) {
        std::this_thread::sleep_for(20ms);
        look();
    }
    ends = true;
    ended.get_future().wait();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(worker().stalls, 0u);
}

TEST(ReactorStallTrace, has_the_workers_stack_where_a_signal_was_given_for_it) {
    std::atomic<bool> may_end{false};
    reactors_here here(1);
    std::vector<task_stall> told;
    here.pool.on_stall(10ms, [&](const task_stall& stall) { told.push_back(stall); }, SIGRTMIN + 3);
    // Again where the machine was too busy for the worker to answer in time.
    for (int attempt = 0; attempt < 20 && (told.empty() || told.back().trace.empty()); ++attempt) {
        may_end = false;
        asio::post(here.pool.on(0), [&] { test::stay_in_a_handler(may_end); });
        for (const auto before = told.size(); told.size() == before; std::this_thread::sleep_for(3ms)) { here.pool.look_for_stalls(); }
        may_end = true;
        asio::post(here.pool.on(0), asio::use_future([] {})).get();
    }
    EXPECT_THAT(told.back().trace, testing::Contains(testing::HasSubstr("stay_in_a_handler")));
}

TEST(ReactorStallTrace, takes_no_signal_that_means_something_else) {
    reactors_here here(1);
    for (const int other : {SIGSEGV, SIGTERM, SIGUSR1, SIGKILL, SIGRTMIN - 1, SIGRTMAX + 1, 0}) {
        try {
            here.pool.on_stall(10ms, [](const task_stall&) {}, other);
            ADD_FAILURE() << "signal " << other << " was taken";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), boost::system::errc::invalid_argument);
            EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("signal " + std::to_string(other)), testing::HasSubstr("SIGRTMIN + n")));
        }
    }
    here.pool.on_stall(10ms, [](const task_stall&) {}, SIGRTMAX);
}

}  // namespace
}  // namespace numasio
