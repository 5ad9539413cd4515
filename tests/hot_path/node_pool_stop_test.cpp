// The end of a task pool, at any point: each task and each handler ends exactly once.
#include <numasio/node_pool.hpp>

#include "support/failures.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::task_pool_here;
using test::task_pool_plan;

/// How handlers end: each is called once, or destroyed uncalled.
struct ends {
    std::atomic<std::uint64_t> made{0}, called{0}, uncalled{0}, twice{0};
};

class handler {
public:
    explicit handler(ends& of) : of_(&of) { ++of.made; }
    handler(handler&& other) noexcept : of_(std::exchange(other.of_, nullptr)), called_(other.called_) {}
    handler& operator=(handler&&) = delete;
    ~handler() {
        if (of_ != nullptr && !called_) { ++of_->uncalled; }
    }
    template <class... Results>
    void operator()(Results&&...) {
        if (std::exchange(called_, true)) { ++of_->twice; }
        ++of_->called;
    }

private:
    ends* of_;
    bool called_ = false;
};

void expect_each_once(const ends& e) {
    EXPECT_EQ(e.made, e.called + e.uncalled);
    EXPECT_EQ(e.twice, 0u);
}

TEST(NodePoolStop, at_random_points_ends_tasks_timers_cancellations_strands_and_coroutines_once) {
    std::mt19937 random(5);
    std::uint64_t called = 0, uncalled = 0;
    for (int round = 0; round < 30; ++round) {
        ends e;
        {
            task_pool_here here(3);
            auto& pool = here.pool;
            const auto at = pool.get_executor();
            auto strand = asio::make_strand(at);
            std::vector<std::unique_ptr<asio::steady_timer>> timers;
            std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
            for (int i = 0; i < 20; ++i) {
                timers.push_back(std::make_unique<asio::steady_timer>(at, std::chrono::microseconds(random() % 2000)));
                signals.push_back(std::make_unique<asio::cancellation_signal>());
                timers.back()->async_wait(asio::bind_cancellation_slot(signals.back()->slot(), handler(e)));
            }
            std::jthread producer([&] {
                for (int i = 0; i < 3000; ++i) {
                    auto task = [&pool, &e, h = handler(e)]() mutable {
                        asio::post(pool.get_executor(), handler(e));
                        asio::defer(pool.on(1u), handler(e));
                        h();
                    };
                    try {
                        asio::post(at, std::move(task));
                        asio::post(strand, handler(e));
                        asio::co_spawn(at, [&pool, h = handler(e)]() mutable -> asio::awaitable<void> {
                            co_await asio::post(pool.get_executor(), asio::use_awaitable);
                            h();
                        }, asio::detached);
                    } catch (const boost::system::system_error& refused) {
                        if (refused.code() == errc::stopped) { return; }
                    }
                }
            });
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
            if (round % 3 == 0) { pool.stop(); }
            if (round % 3 == 1) { static_cast<void>(pool.stop(std::chrono::milliseconds(1))); }
            producer.join();
            if (round % 3 == 2) { pool.stop(); }
            pool.join();
            timers.clear();
        }
        expect_each_once(e);
        called += e.called;
        uncalled += e.uncalled;
    }
    EXPECT_GT(called, 0u);
    EXPECT_GT(uncalled, 0u);
}

TEST(NodePoolStop, says_how_many_tasks_it_left) {
    task_pool_here here(1);
    std::latch held(1);
    std::promise<void> holds;
    asio::post(here.pool.get_executor(), [&] { holds.set_value(), held.wait(); });
    holds.get_future().get();
    for (int i = 0; i < 10; ++i) { asio::post(here.pool.get_executor(), [] {}); }
    std::jthread later([&] { std::this_thread::sleep_for(30ms), held.count_down(); });
    EXPECT_EQ(here.pool.stop(1ms), 10u);
    EXPECT_THROW(asio::post(here.pool.get_executor(), [] {}), boost::system::system_error);
}

TEST(NodePoolStop, drains_where_there_is_time) {
    ends e;
    task_pool_here here(2);
    for (int i = 0; i < 2000; ++i) { asio::post(here.pool.get_executor(), handler(e)); }
    EXPECT_EQ(here.pool.stop(20s), 0u);
    EXPECT_EQ(e.called, 2000u);
}

TEST(NodePoolStop, from_many_threads_and_from_a_task_is_once) {
    for (int round = 0; round < 40; ++round) {
        task_pool_here here(2);
        asio::post(here.pool.get_executor(), [&] { here.pool.stop(); });
        std::vector<std::jthread> callers;
        for (int i = 0; i < 8; ++i) {
            callers.emplace_back([&, i] { i % 2 == 0 ? here.pool.stop() : here.pool.join(); });
        }
    }
}

TEST(NodePoolStop, is_not_waited_for_on_a_worker) {
    task_pool_here here(1);
    const auto code_there = [&](auto f) { return asio::post(here.pool.get_executor(), asio::use_future([f] { return test::code_of(f); })).get(); };
    EXPECT_EQ(code_there([&] { here.pool.join(); }), errc::may_not_block);
    EXPECT_EQ(code_there([&] { here.pool.stop(1s); }), errc::may_not_block);
    EXPECT_TRUE(here.pool.status().accepting);
    task_pool_here other(1);  // another's is
    EXPECT_EQ(code_there([&] { other.pool.join(); }), error_code());
}

TEST(NodePoolStop, by_join_destroys_what_came_too_late_and_takes_nothing_more) {
    task_pool_here here(1);
    here.pool.pause();
    auto left = asio::post(here.pool.get_executor(), asio::use_future([] { return 1; }));
    here.pool.stop();
    here.pool.join();
    EXPECT_THROW(left.get(), std::future_error);
    EXPECT_EQ(test::code_of([&] { asio::post(here.pool.get_executor(), [] {}); }), errc::stopped);
}

TEST(NodePoolStop, destroys_what_destructors_submit) {
    ends e;
    {
        task_pool_here here(1);
        std::latch held(1);
        std::promise<void> holds;
        asio::post(here.pool.get_executor(), [&] { holds.set_value(), held.wait(); });
        holds.get_future().get();
        struct submits {
            node_pool* pool;
            ends* e;
            submits(node_pool& p, ends& of) : pool(&p), e(&of) {}
            submits(submits&& other) noexcept : pool(std::exchange(other.pool, nullptr)), e(other.e) {}
            ~submits() {
                if (pool != nullptr) { pool->get_executor().execute(handler(*e)); }
            }
            void operator()() {}
        };
        for (int i = 0; i < 5; ++i) { asio::post(here.pool.get_executor(), submits(here.pool, e)); }
        here.pool.stop();
        held.count_down();
    }
    EXPECT_EQ(e.made, 5u);
    EXPECT_EQ(e.uncalled, 5u);
}

TEST(NodePoolStop, of_a_paused_pool_ends) {
    ends e;
    {
        task_pool_here here(2);
        here.pool.pause();
        for (int i = 0; i < 10; ++i) { asio::post(here.pool.get_executor(), handler(e)); }
        asio::steady_timer timer(here.pool.get_executor(), 1ms);
        timer.async_wait(handler(e));
        std::this_thread::sleep_for(5ms);
    }
    expect_each_once(e);
    EXPECT_EQ(e.called, 0u);
}

TEST(NodePoolStop, join_never_hangs_and_never_ends_early) {
    for (int round = 0; round < 150; ++round) {
        std::atomic<int> ran{0};
        task_pool_here here(3);
        for (int i = 0; i < 8; ++i) {
            asio::post(here.pool.get_executor(), [&] {
                asio::post(here.pool.get_executor(), [&] { asio::post(here.pool.on(2u), [&] { ++ran; }); });
            });
        }
        here.pool.join();
        ASSERT_EQ(ran, 8);
    }
}

}  // namespace
}  // namespace numasio
