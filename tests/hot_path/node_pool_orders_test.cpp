// A task pool is paused and made smaller while it runs: what was posted later is not begun against it, and nothing is left behind.
#include <numasio/node_pool.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <set>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::task_pool_here;
using test::task_pool_plan;

TEST(NodePool, paused_begins_no_task_until_it_resumes) {
    task_pool_here here(2);
    here.pool.pause();
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) { asio::post(here.pool.get_executor(), [&] { ++ran; }); }
    asio::post(here.pool.on(1u), [&] { ++ran; });
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(ran, 0);
    EXPECT_TRUE(here.pool.status().paused);
    here.pool.resume();
    here.pool.join();
    EXPECT_EQ(ran, 101);
}

// A worker may be between its look at its orders and its look for a task when the pool is paused.
TEST(NodePool, paused_begins_nothing_that_is_posted_later) {
    auto asked = task_pool_plan();
    asked.idle.strategy = idle_strategy::busy_spin;
    task_pool_here here(2, asked);
    constexpr int rounds = 500;
    std::atomic<int> resumed{-1}, ran{0}, too_early{0};
    for (int round = 0; round < rounds; ++round) {
        here.pool.pause();
        for (int i = 0; i < 3; ++i) {
            asio::post(here.pool.get_executor(), [&, round] {
                too_early += resumed < round;
                ++ran;
            });
        }
        if (round % 2 == 0) { std::this_thread::yield(); }
        resumed = round;
        here.pool.resume();
    }
    here.pool.join();
    EXPECT_EQ(too_early, 0);
    EXPECT_EQ(ran, 3 * rounds);
}

TEST(NodePool, a_benched_worker_begins_nothing_that_is_posted_to_all_later) {
    auto asked = task_pool_plan();
    asked.idle.strategy = idle_strategy::busy_spin;
    task_pool_here here(2, asked);
    std::promise<std::thread::id> second;
    asio::post(here.pool.on(1u), [&] { second.set_value(std::this_thread::get_id()); });
    const auto benched = second.get_future().get();
    constexpr int rounds = 300;
    std::atomic<int> ran{0}, of_benched{0};
    for (int round = 0; round < rounds; ++round) {
        here.pool.resize(1);
        for (int i = 0; i < 3; ++i) {
            asio::post(here.pool.get_executor(), [&] {
                of_benched += std::this_thread::get_id() == benched;
                ++ran;
            });
        }
        while (ran != 3 * (round + 1)) { std::this_thread::yield(); }
        here.pool.resize(2);
    }
    here.pool.join();
    EXPECT_EQ(of_benched, 0);
    EXPECT_EQ(ran, 3 * rounds);
}

TEST(NodePool, runs_on_as_many_workers_as_it_was_resized_to) {
    task_pool_here here(4);
    here.pool.resize(1);
    std::set<std::thread::id> seen;
    std::mutex mutex;
    for (int i = 0; i < 2000; ++i) {
        asio::post(here.pool.get_executor(), [&] {
            const std::lock_guard lock(mutex);
            seen.insert(std::this_thread::get_id());
        });
    }
    while (here.pool.status().queued != 0) { std::this_thread::sleep_for(1ms); }
    {
        const std::lock_guard lock(mutex);
        EXPECT_LE(seen.size(), 1u);
    }
    EXPECT_TRUE(here.pool.status().workers[3].benched);
    std::promise<void> pinned;
    asio::post(here.pool.on(3u), [&] { pinned.set_value(); });  // what is for a worker alone it still runs
    pinned.get_future().get();
    here.pool.resize(4);
    std::latch all(4);
    for (int i = 0; i < 4; ++i) { asio::post(here.pool.get_executor(), [&] { all.arrive_and_wait(); }); }  // needs four at a time
    all.wait();
    here.pool.join();
}

TEST(NodePool, a_worker_that_is_benched_leaves_its_tasks_to_the_others) {
    task_pool_here here(2);
    std::promise<void> benched;
    auto is_benched = benched.get_future();
    std::atomic<int> ran{0};
    asio::post(here.pool.on(1u), [&] {
        for (int i = 0; i < 500; ++i) { asio::post(here.pool.get_executor(), [&] { ++ran; }); }
        is_benched.wait();
    });
    here.pool.resize(1);
    benched.set_value();
    here.pool.join();
    EXPECT_EQ(ran, 500);
}

TEST(NodePool, a_worker_that_is_benched_gives_away_a_task_that_posts_itself) {
    task_pool_here here(2);
    std::promise<void> go_on;
    asio::post(here.pool.on(0u), [goes_on = go_on.get_future().share()] { goes_on.wait(); });  // nobody steals
    std::atomic<bool> is_over{false};
    std::atomic<int> ran{0};
    std::function<void()> again = [&] {
        ++ran;
        if (!is_over) { asio::post(here.pool.get_executor(), again); }
    };
    asio::post(here.pool.on(1u), again);
    while (ran < 100) { std::this_thread::yield(); }
    here.pool.resize(1);
    const int before = ran;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!here.pool.status().workers[1].asleep && std::chrono::steady_clock::now() < deadline) { std::this_thread::sleep_for(1ms); }
    EXPECT_TRUE(here.pool.status().workers[1].asleep);
    const int of_benched = ran;
    EXPECT_LE(of_benched - before, 1);  // that one was about to begin
    go_on.set_value();
    while (ran == of_benched) { std::this_thread::yield(); }  // the other has it
    is_over = true;
    here.pool.join();
}

}  // namespace
}  // namespace numasio
