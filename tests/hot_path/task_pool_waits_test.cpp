// Who waits for a task pool, for one of its tasks or for its end, does not wait for ever, and nobody is kept from running by who waits.
#include <numasio/node_pool.hpp>
#include <numasio/task_group.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::task_pool_here;
using test::task_pool_plan;

/// Counts how often it is moved, and throws at one of them.
class moved_badly {
public:
    moved_badly(int& moves, int throws_at, int& called) : moves_(&moves), throws_at_(throws_at), called_(&called) {}
    moved_badly(moved_badly&& other) : moves_(other.moves_), throws_at_(other.throws_at_), called_(other.called_) {
        if (++*moves_ == throws_at_) { throw std::runtime_error("moved badly"); }
    }
    moved_badly& operator=(moved_badly&&) = delete;
    void operator()() const { ++*called_; }

private:
    int* moves_;
    int throws_at_;
    int* called_;
};

TEST(TaskWaits, a_group_whose_function_cannot_be_moved_is_waited_for_once_and_no_longer) {
    task_pool_here here(1);
    int refused = 0;
    for (int at = 1; at < 12; ++at) {
        int moves = 0, called = 0;
        bool thrown = false, lost = false;
        task_group group(here.pool.get_executor());
        try {
            group.run(moved_badly(moves, at, called));
        } catch (const std::runtime_error&) { thrown = true; }
        try {
            group.wait();
        } catch (const boost::system::system_error&) { lost = true; }  // it was moved badly by the worker
        EXPECT_EQ(called + thrown + lost, 1) << at;
        refused += thrown;
    }
    EXPECT_GE(refused, 1);
}

TEST(TaskWaits, a_function_that_cannot_be_moved_ends_unrun_with_its_pool) {
    int moves = 0, called = 0;
    {
        task_pool_here here(1);
        here.pool.pause();
        here.pool.get_executor().execute(moved_badly(moves, 1000, called));
        moves = 998;  // the next one but one throws
        here.pool.get_executor().execute([] {});
        moves = 999;
    }
    EXPECT_EQ(called, 0);
}

/// A task of worker 1 that worker 0 waits for when all are told to leave: worker 1 leaves without it.
template <class WaitFor>
void stop_while_worker_0_waits(WaitFor wait_for) {
    task_pool_here here(2);
    std::latch both_busy(3);
    std::atomic<bool> may_end{false}, called{false};
    asio::post(here.pool.on(1u), [&] {
        both_busy.arrive_and_wait();
        while (!may_end) { std::this_thread::sleep_for(1ms); }
    });
    asio::post(here.pool.on(0u), [&] {
        both_busy.arrive_and_wait();
        wait_for(here.pool, called);
    });
    both_busy.arrive_and_wait();
    while (here.pool.status().workers[1].queued == 0) { std::this_thread::sleep_for(1ms); }
    here.pool.stop();
    may_end = true;
    here.pool.join();
    EXPECT_FALSE(called);
    EXPECT_EQ(here.pool.status().abandoned, 1u);
}

TEST(TaskWaits, a_group_of_a_worker_that_has_left_is_over) {
    stop_while_worker_0_waits([](node_pool& pool, std::atomic<bool>& called) {
        task_group group(pool.on(1u));
        group.run([&] { called = true; });
        group.wait();
    });
}

TEST(TaskWaits, a_blocking_call_of_a_worker_that_has_left_is_refused) {
    stop_while_worker_0_waits([](node_pool& pool, std::atomic<bool>& called) {
        error_code why;
        try {
            asio::require(pool.on(1u), asio::execution::blocking.always).execute([&] { called = true; });
        } catch (const boost::system::system_error& e) { why = e.code(); }
        EXPECT_EQ(why, errc::stopped);
    });
}

TEST(TaskWaits, a_blocking_call_runs_nothing_else_meanwhile) {
    task_pool_here here(2);
    std::latch both_busy(2);
    std::atomic<bool> waits{true}, beside{false};
    auto waited = asio::post(here.pool.on(0u), asio::use_future([&] {
        both_busy.arrive_and_wait();
        asio::post(here.pool.on(0u), [&] { beside = waits.load(); });
        asio::require(here.pool.on(1u), asio::execution::blocking.always).execute([] { std::this_thread::sleep_for(80ms); });
        waits = false;
    }));
    asio::post(here.pool.on(1u), [&] { both_busy.arrive_and_wait(); });
    waited.get();
    here.pool.join();
    EXPECT_FALSE(beside);
}

TEST(TaskWaits, a_group_lets_no_task_in_that_is_for_its_worker_alone) {
    task_pool_here here(2);
    std::atomic<bool> inside{false}, beside{false}, may_end{false};
    auto waited = asio::post(here.pool.on(0u), asio::use_future([&] {
        inside = true;
        task_group group(here.pool.get_executor());
        for (int i = 0; i < 2; ++i) {
            group.run([&] {
                while (!may_end) { std::this_thread::sleep_for(1ms); }
            });
        }
        asio::post(here.pool.on(0u), [&] { beside = inside.load(); });
        std::thread late([&] {
            std::this_thread::sleep_for(20ms);
            may_end = true;
        });
        group.wait();
        late.join();
        inside = false;
    }));
    waited.get();
    here.pool.join();
    EXPECT_FALSE(beside);
}

TEST(TaskWaits, timers_expire_while_a_worker_forks_and_joins) {
    task_pool_here here(1);
    std::atomic<bool> expired{false};
    asio::steady_timer timer(here.pool.get_executor(), 5ms);
    timer.async_wait([&](const error_code&) { expired = true; });
    auto met = asio::post(here.pool.get_executor(), asio::use_future([&] {
        // One task, with joins in it for two seconds at most.
        const auto until = std::chrono::steady_clock::now() + 2s;
        while (!expired && std::chrono::steady_clock::now() < until) {
            task_group group(here.pool.get_executor());
            for (int i = 0; i < 8; ++i) { group.run([] { std::this_thread::sleep_for(50us); }); }
            group.wait();
        }
        return expired.load();
    }));
    EXPECT_TRUE(met.get());
}

TEST(TaskWaits, a_deadline_holds_beside_a_join_without_end) {
    task_pool_here here(1);
    asio::steady_timer timer(here.pool.get_executor(), 1h);
    timer.async_wait([](const error_code&) {});
    std::thread joins([&] { here.pool.join(); });
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(here.pool.stop(20ms), 1u);  // the timer
    joins.join();
}

TEST(TaskWaits, a_deadline_that_has_passed_does_not_end_a_join_beside_it) {
    task_pool_here here(1);
    std::atomic<bool> may_end{false}, joined{false};
    asio::post(here.pool.get_executor(), [&] {
        while (!may_end) { std::this_thread::sleep_for(1ms); }
    });
    std::thread joins([&] {
        here.pool.join();
        joined = true;
    });
    std::thread stops([&] { EXPECT_EQ(here.pool.stop(10ms), 0u); });  // waits for the task that runs
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(joined);
    may_end = true;
    stops.join();
    joins.join();
}

TEST(TaskWaits, what_a_stop_leaves_is_counted_and_gone_when_it_returns) {
    task_pool_here here(1);
    asio::io_context io;
    std::future<void> never;
    {
        here.pool.pause();
        for (int i = 0; i < 10; ++i) {
            asio::post(here.pool.get_executor(), [work = asio::make_work_guard(io)] {});
        }
        never = asio::post(here.pool.get_executor(), asio::use_future([] {}));
        asio::co_spawn(here.pool.get_executor(), []() -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
            co_await timer.async_wait(asio::use_awaitable);
        }, asio::detached);
    }
    EXPECT_EQ(here.pool.stop(0ms), 13u);  // the coroutine is two: what would begin it, and what unwinds it
    EXPECT_THROW(never.get(), std::future_error);
    io.run();  // nothing holds it
}

TEST(TaskWaits, what_was_accepted_while_the_pool_stopped_has_ended_with_the_stop_or_with_the_call) {
    for (int round = 0; round < 300; ++round) {
        task_pool_here here(1);
        std::atomic<std::uint64_t> made{0}, ended{0};
        std::latch start(3);
        const auto post = [&] {
            start.arrive_and_wait();
            for (error_code refused; refused != errc::stopped; ++made) {
                std::shared_ptr<void> token(&ended, [](void* count) { ++*static_cast<std::atomic<std::uint64_t>*>(count); });
                refused = here.pool.try_post(here.pool.get_executor(), [held = std::move(token)] {});
            }
        };
        std::thread first(post), second(post);
        start.arrive_and_wait();
        std::this_thread::sleep_for(std::chrono::microseconds(round % 50 * 4));
        here.pool.stop(1s);
        first.join();
        second.join();
        EXPECT_EQ(ended, made) << round;  // run, refused, or destroyed
        EXPECT_EQ(here.pool.status().queued, 0u) << round;
    }
}

TEST(TaskWaits, a_task_that_is_destroyed_may_wait_for_one_behind_it) {
    auto here = std::make_unique<task_pool_here>(1);
    here->pool.pause();
    auto group = std::make_shared<task_group>(here->pool.get_executor());
    auto* const forks = group.get();
    asio::post(here->pool.get_executor(), [last = std::move(group)] {});  // waits for the group as it is destroyed
    forks->run([] {});
    here.reset();
}

TEST(TaskWaits, orders_that_meet_leave_the_pool_as_the_last_of_them_says) {
    task_pool_here here(2);
    for (int round = 0; round < 200; ++round) {
        std::latch start(3);
        std::thread pauses([&] {
            start.arrive_and_wait();
            here.pool.pause();
        });
        std::thread resizes([&] {
            start.arrive_and_wait();
            here.pool.resize(1 + static_cast<std::uint32_t>(round) % 2);
        });
        start.arrive_and_wait();
        here.pool.resume();
        here.pool.resize(2);
        pauses.join();
        resizes.join();
        const bool paused = here.pool.status().paused;
        std::promise<void> ran;
        asio::post(here.pool.get_executor(), [&] { ran.set_value(); });
        auto done = ran.get_future();
        if (paused) {
            EXPECT_EQ(done.wait_for(1ms), std::future_status::timeout);
            here.pool.resume();
        }
        ASSERT_EQ(done.wait_for(10s), std::future_status::ready);
    }
    here.pool.join();
}

TEST(TaskWaits, coroutines_on_the_pools_own_executor_are_destroyed_with_it) {
    std::atomic<bool> destroyed{false};
    {
        task_pool_here here(1);
        const std::shared_ptr<void> token(nullptr, [&](void*) { destroyed = true; });
        using awaitable = asio::awaitable<void, node_pool::executor_type>;
        std::promise<void> waits;
        asio::co_spawn(
            here.pool.get_executor(),
            [held = token, &waits]() -> awaitable {
                asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, node_pool::executor_type> timer(
                    co_await asio::this_coro::executor, 1h);
                waits.set_value();
                co_await timer.async_wait(asio::use_awaitable_t<node_pool::executor_type>());
                static_cast<void>(held);
            },
            asio::detached);
        waits.get_future().get();
        here.pool.stop();
    }
    EXPECT_TRUE(destroyed);
}

TEST(TaskWaits, a_forked_child_ends_its_pool_as_it_is_and_waits_for_nothing) {
    task_pool_here here(2);
    std::promise<void> waits;
    asio::co_spawn(here.pool.on(0u), [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
        waits.set_value();
        co_await timer.async_wait(asio::use_awaitable);
    }, asio::detached);
    waits.get_future().get();
    auto pool = std::make_unique<task_pool_here>(1);
    asio::steady_timer timer(pool->pool.get_executor(), 1h);
    timer.async_wait([](const error_code&) {});
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        int faults = 0;
        here.pool.join();
        here.pool.stop(1h);
        task_group group(here.pool.get_executor());
        try {
            group.run([] {});
            ++faults;
        } catch (const boost::system::system_error& e) { faults += e.code() != errc::forked; }
        group.wait();
        here.pool.~node_pool();
        static_cast<void>(pool.release()->pool.~node_pool());
        ::_exit(faults);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(TaskWaits, idle_nodes_see_a_backlog_that_a_nodes_own_worker_makes) {
    auto asked = task_pool_plan();
    asked.tasks.steal = steal_scope::any;
    asked.tasks.backlog = 16;
    asked.enforce = enforcement::best_effort;
    const auto machine = simulate_nodes(discover_topology(), 2);
    if (machine.executor_nodes().size() < 2) { FAIL() << "two CPUs are needed"; }
    node_pool pool(asked, machine, test::task_sites(machine, 2, 1));
    asio::post(pool.on(0u), asio::use_future([&] {
        for (int i = 0; i < 900; ++i) {
            asio::post(pool.get_executor(), [] { std::this_thread::sleep_for(200us); });
        }
    })).get();
    while (pool.status().workers[0].ran + pool.status().workers[1].ran < 901) { std::this_thread::sleep_for(1ms); }
    EXPECT_GT(pool.status().workers[1].ran, 100u);
}

}  // namespace
}  // namespace numasio
