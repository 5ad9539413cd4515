// A worker that finds only what its owner will have run in a moment naps: it costs next to nothing, and is there where a task waits after all.
#include "support/cpu_time.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include <unistd.h>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::task_pool_here;

/// A task that posts itself, one at a time, until it is told to end; then `last`.
template <class Last>
struct chain {
    node_pool& pool;
    const std::atomic<bool>& ends;
    Last last;
    void operator()() const {
        if (ends) { return last(); }
        asio::post(pool.get_executor(), chain(*this));
    }
};

TEST(TaskNaps, cost_little_beside_a_worker_that_posts_to_itself) {
    task_pool_here here(2);
    pid_t threads[2];
    for (std::uint32_t w = 0; w < 2; ++w) { threads[w] = asio::post(here.pool.on(w), asio::use_future([] { return ::gettid(); })).get(); }
    const auto used = [&](std::chrono::nanoseconds (&to)[2]) { for (int w = 0; w < 2; ++w) { to[w] = test::cpu_time_of(threads[w]); } };
    std::atomic<bool> ends{false};
    std::promise<void> ended;
    const auto last = [&] { ended.set_value(); };
    std::chrono::nanoseconds before[2], after[2];
    asio::post(here.pool.get_executor(), chain<decltype(last)>{here.pool, ends, last});
    std::this_thread::sleep_for(20ms);
    const auto looks = [&] {
        std::pair<std::uint64_t, std::uint64_t> sum;
        for (const auto& w : here.pool.status().workers) {
            sum.first += w.searches;
            sum.second += w.parks;
        }
        return sum;
    };
    const auto looked = looks();
    used(before);
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(300ms);
    used(after);
    const auto passed = std::chrono::steady_clock::now() - start;
    const auto look_now = looks();
    ends = true;
    ended.get_future().wait();
    // Together: which of them runs the chain may change.
    const auto together = after[0] - before[0] + after[1] - before[1];
    EXPECT_GT(together, 10ms);
    // A nap for each look, about; one that spins looks tens of times before it sleeps.
    EXPECT_LT(look_now.first - looked.first, 8 * (look_now.second - looked.second) + 50);
    if (test::processor_time_is_real()) { EXPECT_LT(together, passed * 3 / 2); }
}

TEST(TaskNaps, end_where_a_task_waits_for_another) {
    task_pool_here here(2);
    for (int round = 0; round < 100; ++round) {
        std::atomic<bool> ends{false}, began{false};
        std::promise<void> ended;
        const auto last = [&] {
            asio::post(here.pool.get_executor(), [&] { began = true; });
            while (!began) { std::this_thread::yield(); }  // on the other worker, or never
            ended.set_value();
        };
        asio::post(here.pool.get_executor(), chain<decltype(last)>{here.pool, ends, last});
        std::this_thread::sleep_for(std::chrono::microseconds(50 * round % 1000));
        ends = true;
        ASSERT_EQ(ended.get_future().wait_for(60s), std::future_status::ready) << "round " << round;
    }
}

}  // namespace
}  // namespace numasio
