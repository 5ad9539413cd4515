// Fork and join: all that was forked has run when the wait returns, however deep, and a failure is told once.
#include <numasio/task_group.hpp>

#include "support/failures.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::code_of;
using test::task_pool_here;

std::uint64_t fib(const node_pool::executor_type& at, unsigned n) {
    if (n < 2) { return n; }
    std::uint64_t first = 0;
    task_group group(at);
    group.run([&] { first = fib(at, n - 1); });
    const auto second = fib(at, n - 2);
    group.wait();
    return first + second;
}

std::uint64_t sum(const node_pool::executor_type& at, std::span<const std::uint64_t> of) {
    if (of.size() < 100) { return std::accumulate(of.begin(), of.end(), std::uint64_t{0}); }
    std::uint64_t left = 0;
    task_group group(at);
    group.run([&] { left = sum(at, of.first(of.size() / 2)); });
    const auto right = sum(at, of.subspan(of.size() / 2));
    group.wait();
    return left + right;
}

class task_group_on : public testing::TestWithParam<task_order> {
protected:
    static pool_plan asked() {
        auto plan = test::task_pool_plan();
        plan.tasks.order = GetParam();
        return plan;
    }
};

TEST_P(task_group_on, joins_a_recursion_without_end) {
    task_pool_here here(3, asked());
    const auto at = here.pool.get_executor();
    EXPECT_EQ(asio::post(at, asio::use_future([&] { return fib(at, 18); })).get(), 2584u);
}

TEST_P(task_group_on, sums_in_halves) {
    task_pool_here here(2, asked());
    std::vector<std::uint64_t> values(100'000);
    std::iota(values.begin(), values.end(), 1);
    const auto at = here.pool.get_executor();
    EXPECT_EQ(asio::post(at, asio::use_future([&] { return sum(at, values); })).get(), 100'000ull * 100'001 / 2);
}

TEST_P(task_group_on, waits_outside_of_the_pool_too) {
    task_pool_here here(2, asked());
    std::atomic<int> ran{0};
    task_group group(here.pool.get_executor());
    for (int i = 0; i < 20'000; ++i) { group.run([&] { ++ran; }); }  // more than the inbox has places
    group.wait();
    EXPECT_EQ(ran, 20'000);
    group.run([&] { group.run([&] { ++ran; }); });  // and once more
    group.wait();
    EXPECT_EQ(ran, 20'001);
}

TEST_P(task_group_on, tells_the_first_failure_and_runs_the_rest) {
    task_pool_here here(2, asked());
    std::atomic<int> ran{0};
    task_group group(here.pool.get_executor());
    for (int i = 0; i < 100; ++i) {
        group.run([&, i] {
            ++ran;
            if (i % 10 == 0) { throw std::runtime_error("a part failed"); }
        });
    }
    EXPECT_THROW(group.wait(), std::runtime_error);
    EXPECT_EQ(ran, 100);
    group.wait();  // told once
}

TEST_P(task_group_on, cancelled_calls_nothing_more) {
    task_pool_here here(1, asked());
    std::atomic<int> ran{0};
    const auto at = here.pool.get_executor();
    asio::post(at, asio::use_future([&] {
        task_group group(at);
        for (int i = 0; i < 100; ++i) { group.run([&] { ++ran; }); }
        group.cancel();
        group.wait();
    })).get();
    EXPECT_EQ(ran, 0);
    {
        task_group group(at);
        group.run([value = std::make_unique<int>(1), &ran] { ran += *value; });
        group.wait();
    }
    EXPECT_EQ(ran, 1);
}

TEST_P(task_group_on, whose_pool_is_stopped_in_the_middle_still_joins) {
    for (int round = 0; round < 20; ++round) {
        task_pool_here here(3, asked());
        const auto at = here.pool.get_executor();
        auto result = asio::post(at, asio::use_future([&] { return fib(at, 15); }));
        std::this_thread::sleep_for(std::chrono::microseconds(round * 20));
        if (round != 0) { while (here.pool.status().workers[0].ran + here.pool.status().workers[1].ran + here.pool.status().workers[2].ran == 0) { std::this_thread::yield(); } }
        here.pool.stop();
        here.pool.join();
        if (round != 0) { EXPECT_EQ(result.get(), 610u); }
    }
}

TEST(TaskGroup, of_one_worker_or_of_class_bulk_is_waited_for_by_its_only_worker) {
    task_pool_here here(1);
    for (const auto& at : {here.pool.on(0u), node_pool::bulk(here.pool.get_executor()), here.pool.home_of(7)}) {
        const auto sum = asio::post(at, asio::use_future([&] {
            std::atomic<int> all{0};
            task_group group(at);
            for (int i = 0; i < 10; ++i) { group.run([&all, i] { all += i; }); }
            group.wait();
            return all.load();
        })).get();
        EXPECT_EQ(sum, 45);
    }
}

TEST(TaskGroup, is_waited_for_by_nobody_for_ever_outside_of_a_pool_that_has_stopped) {
    task_pool_here here(1);
    here.pool.pause();
    std::atomic<int> called{0};
    task_group group(here.pool.get_executor());
    for (int i = 0; i < 10; ++i) { group.run([&] { ++called; }); }
    here.pool.stop();
    EXPECT_EQ(code_of([&] { group.wait(); }), errc::stopped);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(here.pool.status().abandoned, 10u);
    EXPECT_NO_THROW(group.wait());  // told once
}

TEST(TaskGroup, says_so_where_a_stop_has_left_some_of_it_undone) {
    task_pool_here here(1);
    const auto sum = [&](auto& self, int n) -> long {
        if (n < 2) { return n; }
        long one = 0;
        task_group group(here.pool.get_executor());
        group.run([&] {
            std::this_thread::sleep_for(10us);
            one = self(self, n - 1);
        });
        const long other = self(self, n - 2);
        group.wait();
        return one + other;
    };
    std::thread stops([&] {
        std::this_thread::sleep_for(3ms);
        here.pool.stop();
    });
    long got = 6765;
    error_code ec;
    try {
        got = sum(sum, 20);
    } catch (const boost::system::system_error& e) { ec = e.code(); }
    stops.join();
    EXPECT_EQ(got, 6765);  // never another
    if (ec) { EXPECT_EQ(ec, errc::stopped); }
}

TEST(TaskGroup, costs_a_thread_that_waits_for_long_next_to_nothing) {
    task_pool_here here(1);
    task_group group(here.pool.get_executor());
    group.run([] { std::this_thread::sleep_for(300ms); });
    const auto before = std::clock();
    group.wait();
    EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, 0.1);
}

INSTANTIATE_TEST_SUITE_P(order, task_group_on, testing::Values(task_order::oldest_first, task_order::newest_first),
                         [](const auto& order) { return std::string(to_string(order.param)); });

}  // namespace
}  // namespace numasio
