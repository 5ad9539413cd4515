// Pools that the plan has run tasks or reactors: made by start(), looked after and stopped with the bridge.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/failures.hpp"

#include "support/time_given.hpp"

#include <numasio/node_pool.hpp>
#include <numasio/reactor_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>

namespace numasio::test {
namespace {

plan of_tasks() {
    plan asked;
    asked.pools.push_back(pool_that(run_mode::tasks, "hot"));
    return asked;
}

errc refusal_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const boost::system::system_error& e) {
        EXPECT_STREQ(e.code().category().name(), "numasio");
        return static_cast<errc>(e.code().value());
    }
    return {};
}

struct all_kinds {
    asio::io_context context;
    bridge b{context, of_all_kinds()};
    port<int, int>& p = b.open<int, int, incrementer>("p");
    all_kinds() { b.start(); }
};

TEST(executor_pools, run_tasks_and_reactors_on_their_own_workers) {
    all_kinds here;
    const auto thread_of = [](const auto& executor) {
        return asio::post(executor, asio::use_future([] { return std::this_thread::get_id(); })).get();
    };
    const auto of_task = thread_of(here.b.tasks("hot").get_executor());
    const auto of_reactor = thread_of(here.b.reactors("front").on(0));
    EXPECT_NE(of_task, of_reactor);
    EXPECT_NE(of_task, incrementer::worker_thread.load());
    EXPECT_NE(of_task, std::this_thread::get_id());
    EXPECT_EQ(here.b.tasks("hot").sites().front().pool, "hot");
}

TEST(executor_pools, are_seen_in_status_and_placements) {
    all_kinds here;
    asio::post(here.b.tasks("hot").get_executor(), asio::use_future([] {})).get();
    auto s = here.b.status();
    while (s.task_pools.at(0).workers.at(0).ran == 0) { s = here.b.status(); }
    EXPECT_EQ(s.task_pools[0].name, "hot");
    EXPECT_EQ(s.reactor_pools.at(0).name, "front");
    EXPECT_EQ(s.pools.size(), 1u);
    EXPECT_EQ(s.workers.size(), 1u);
    for (const auto* owner : {"p/0", "hot/0", "front/0"}) {
        EXPECT_TRUE(std::any_of(s.placements.begin(), s.placements.end(), [&](const placement& one) {
            return one.owner == owner && one.subject == placement_subject::cpu;
        })) << owner;
    }
}

TEST(executor_pools, call_services_while_the_bridge_drains) {
    all_kinds here;
    auto& pool = here.b.tasks("hot");
    std::promise<int> answered;
    asio::co_spawn(
        pool.get_executor(),
        [&]() -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 50ms);
            co_await timer.async_wait(asio::use_awaitable);
            answered.set_value(co_await here.p.async_call(home{0}, 41, asio::use_awaitable));
        },
        asio::detached);
    std::jthread control([&] {
        const auto guard = asio::make_work_guard(here.context);
        here.context.run_for(10s);
    });
    const auto report = here.b.stop(10s);
    EXPECT_TRUE(report.drained());
    EXPECT_EQ(answered.get_future().get(), 42);
    here.context.stop();
}

TEST(executor_pools, do_not_wait_for_their_own_end) {
    all_kinds here;
    const auto stopped_on = [&](const auto& worker) { return asio::post(worker, asio::use_future([&] { return test::code_of([&] { here.b.stop(1s); }); })).get(); };
    EXPECT_EQ(stopped_on(here.b.tasks("hot").get_executor()), errc::may_not_block);
    EXPECT_EQ(stopped_on(here.b.reactors("front").on(0)), errc::may_not_block);
    EXPECT_TRUE(here.b.status().accepting);
}

TEST(executor_pools, may_be_asked_for_by_what_a_stop_waits_for) {
    all_kinds here;
    std::promise<void> runs, asked;
    asio::post(here.b.reactors("front").on(0), [&] {
        runs.set_value();
        while (here.b.status().accepting) { std::this_thread::sleep_for(1ms); }
        std::this_thread::sleep_for(5ms);
        asio::post(here.b.tasks("hot").get_executor(), [&] { asked.set_value(); });
    });
    runs.get_future().get();
    EXPECT_TRUE(here.b.stop(10s).drained());
    EXPECT_EQ(asked.get_future().wait_for(0s), std::future_status::ready);
}

TEST(executor_pools, are_not_there_for_their_own_start) {
    asio::io_context context;
    bridge b(context, of_tasks());
    errc why{};
    b.hook("hot", {.starts = [&](const worker_site&) { why = refusal_of([&] { static_cast<void>(b.tasks("hot")); }); }});
    b.start();
    EXPECT_EQ(why, errc::not_started);
}

TEST(executor_pools, tell_of_coroutines_that_a_stop_has_cut) {
    asio::io_context context;
    bridge b(context, of_tasks());
    b.start();
    std::promise<void> waits;
    asio::co_spawn(
        b.tasks("hot").get_executor(),
        [&]() -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
            waits.set_value();
            co_await timer.async_wait(asio::use_awaitable);
        },
        asio::detached);
    waits.get_future().get();
    EXPECT_FALSE(b.stop(20ms).drained());
}

TEST(executor_pools, tell_stalls_before_twice_the_limit) {
    asio::io_context context;
    bridge b(context, of_tasks());
    b.start();
    std::atomic<std::int64_t> lasting{0};
    b.tasks("hot").on_stall(40ms, [&](const task_stall& stall) { lasting = stall.lasting.count(); });
    // Again where the machine was too busy to look in time.
    auto least = std::chrono::nanoseconds::max();
    for (int attempt = 0; attempt < 10 && least >= 80ms; ++attempt) {
        if (attempt != 0) { std::this_thread::sleep_for(1s); }  // one is told in a second
        lasting = 0;
        asio::post(b.tasks("hot").get_executor(), asio::use_future([&] {
            while (lasting == 0) { std::this_thread::sleep_for(1ms); }
        })).get();
        least = std::min(least, std::chrono::nanoseconds(lasting));
    }
    EXPECT_GE(least, 40ms);
    EXPECT_LT(least, 80ms);
}

TEST(executor_pools, tell_a_stall_that_begins_right_behind_the_call_that_asks_for_it) {
    // Again where the machine was too busy to look in time.
    bool heard = false;
    for (int attempt = 0; attempt < 10 && !heard; ++attempt) {
        std::atomic<bool> told{false};
        asio::io_context context;
        bridge b(context, of_tasks());
        b.start();
        std::this_thread::sleep_for(20ms);  // the watch has looked, and nobody wanted to be told soon
        b.tasks("hot").on_stall(20ms, [&](const task_stall&) { told = true; });
        asio::post(b.tasks("hot").get_executor(), asio::use_future([] { std::this_thread::sleep_for(100ms); })).get();
        heard = told;
    }
    EXPECT_TRUE(heard);
}

TEST(executor_pools, are_left_unfinished_at_the_deadline_and_that_is_told) {
    asio::io_context context;
    bridge b(context, of_tasks());
    b.start();
    auto& pool = b.tasks("hot");
    std::atomic<bool> destroyed{false};
    const std::shared_ptr<void> token(nullptr, [&](void*) { destroyed = true; });
    pool.pause();
    asio::post(pool.get_executor(), [token = token] {});
    const auto report = b.stop(20ms);
    EXPECT_EQ(report.left, 1u);
    EXPECT_FALSE(report.drained());
    EXPECT_EQ(refusal_of([&] { static_cast<void>(pool.try_post(pool.get_executor(), [] {})); }), errc{});
    EXPECT_EQ(pool.try_post(pool.get_executor(), [] {}), errc::stopped);
    EXPECT_FALSE(b.status().task_pools.at(0).accepting);
}

TEST(executor_pools, destroy_what_is_left_with_the_bridge) {
    bool destroyed = false;
    {
        asio::io_context context;
        bridge b(context, of_tasks());
        b.start();
        b.tasks("hot").pause();
        asio::post(b.tasks("hot").get_executor(), [token = std::shared_ptr<void>(nullptr, [&](void*) { destroyed = true; })] {});
        EXPECT_FALSE(destroyed);
    }
    EXPECT_TRUE(destroyed);
}

TEST(executor_pools, need_no_service) {
    asio::io_context context;
    bridge b(context, of_tasks());
    b.check();
    b.start();
    EXPECT_TRUE(b.status().accepting);
    EXPECT_EQ(asio::post(b.tasks("hot").get_executor(), asio::use_future([] { return 7; })).get(), 7);
}

TEST(executor_pools, are_asked_for_by_name_and_kind_once_they_run) {
    asio::io_context context;
    bridge b(context, of_all_kinds());
    EXPECT_EQ(refusal_of([&] { b.tasks("hot"); }), errc::not_started);
    EXPECT_EQ(refusal_of([&] { b.reactors("front"); }), errc::not_started);
    EXPECT_EQ(refusal_of([&] { b.tasks("nobody"); }), errc::unknown_pool);
    EXPECT_EQ(refusal_of([&] { b.tasks("p"); }), errc::wrong_run);
    EXPECT_EQ(refusal_of([&] { b.reactors("hot"); }), errc::wrong_run);
    EXPECT_EQ(refusal_of([&] { b.open<int, int, incrementer>("hot"); }), errc::wrong_run);
    EXPECT_EQ(refusal_of([&] { b.invoker_of("front", 0); }), errc::wrong_run);
}

TEST(executor_pools, call_their_hooks) {
    asio::io_context context;
    bridge b(context, of_tasks());
    int started = 0, ended = 0;
    b.hook("hot", {.starts = [&](const worker_site&) { ++started; }, .ends = [&](const worker_site&) { ++ended; }});
    b.start();
    EXPECT_EQ(started, 1);
    EXPECT_EQ(refusal_of([&] { b.hook("hot", {}); }), errc::already_started);
    b.stop(1s);
    EXPECT_EQ(ended, 1);
}

TEST(executor_pools, whose_hook_throws_fail_the_start_by_the_workers_name) {
    const auto start_with = [](const std::function<void(const worker_site&)>& starts) {
        asio::io_context context;
        bridge b(context, of_tasks());
        b.hook("hot", {.starts = starts});
        try {
            b.start();
            ADD_FAILURE() << "started";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), errc::service_failed);
            EXPECT_THAT(e.what(), testing::HasSubstr("hot/0 on CPU "));
            EXPECT_TRUE(b.placements().empty());
            try {
                std::rethrow_if_nested(e);
            } catch (const std::runtime_error& inner) {
                EXPECT_THAT(e.what(), testing::HasSubstr(inner.what()));
                return 1;
            } catch (int inner) {
                return inner;
            }
        }
        return 0;
    };
    EXPECT_EQ(start_with([](const worker_site&) { throw std::runtime_error("no db"); }), 1);
    EXPECT_EQ(start_with([](const worker_site&) { throw 3; }), 3);
}

TEST(executor_pools, are_looked_after_for_stalls) {
    asio::io_context context;
    bridge b(context, of_tasks());
    b.start();
    std::promise<std::string> told;
    b.tasks("hot").on_stall(1ms, [&](const task_stall& stall) { told.set_value(stall.site.pool); });
    std::promise<void> may_end;
    asio::post(b.tasks("hot").get_executor(), [&] { may_end.get_future().wait(); });
    auto pool = told.get_future();
    EXPECT_EQ(pool.wait_for(10s), std::future_status::ready);
    b.tasks("hot").on_stall(1ms, {});
    may_end.set_value();
    EXPECT_EQ(pool.get(), "hot");
}

TEST(executor_pools, that_are_reactors_are_looked_after_for_stalls_too) {
    all_kinds here;
    std::promise<std::string> told;
    here.b.reactors("front").on_stall(1ms, [&](const task_stall& stall) { told.set_value(stall.site.pool); });
    std::promise<void> may_end;
    asio::post(here.b.reactors("front").on(0), [&] { may_end.get_future().wait(); });
    auto pool = told.get_future();
    EXPECT_EQ(pool.wait_for(10s), std::future_status::ready);
    here.b.reactors("front").on_stall(1ms, {});
    const auto is_stuck = [&] { return here.b.status().reactor_pools[0].workers[0].state == worker_state::stuck; };
    EXPECT_TRUE(within(10s, is_stuck));
    may_end.set_value();
    EXPECT_EQ(pool.get(), "front");
    EXPECT_TRUE(within(10s, [&] { return !is_stuck(); }));
}

struct failing {
    explicit failing(node_context&) { throw std::runtime_error("no"); }
    int operator()(int x) const noexcept { return x; }
};

TEST(executor_pools, end_where_a_service_fails_the_start) {
    asio::io_context context;
    bridge b(context, of_all_kinds());
    b.open<int, int, failing>("p");
    EXPECT_EQ(refusal_of([&] { b.start(); }), errc::service_failed);
    EXPECT_EQ(refusal_of([&] { b.tasks("hot"); }), errc::not_started);
    EXPECT_TRUE(b.placements().empty());
}

}  // namespace
}  // namespace numasio::test
