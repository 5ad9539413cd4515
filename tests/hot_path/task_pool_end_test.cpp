// What a node_pool leaves unrun is destroyed with it, in an order in which each finds what it stands on.
#include <numasio/node_pool.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <memory>
#include <thread>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::task_pool_here;

/// Waits on a pool that is stopped under it, `expires` after its begin; whether its frame was destroyed.
template <class Wait>
bool frame_ends_with_its_pool(Wait wait, std::chrono::milliseconds before_stop) {
    std::promise<void> waiting;
    auto frame = std::make_shared<int>();
    std::weak_ptr<int> left = frame;
    {
        task_pool_here here(1);
        asio::co_spawn(
            here.pool.get_executor(),
            [&waiting, &wait, kept = std::move(frame)]() -> asio::awaitable<void> {
                waiting.set_value();
                co_await wait();
            },
            [](std::exception_ptr) {});
        waiting.get_future().wait();
        std::this_thread::sleep_for(before_stop);
        here.pool.stop();
    }
    return left.expired();
}

TEST(task_pool_end, destroys_coroutines_that_wait_for_a_timer_before_the_timers) {
    for (const auto expires : {std::chrono::milliseconds(1h), 2ms}) {
        for (const auto stop_after : {0ms, 1ms, 2ms}) {
            EXPECT_TRUE(frame_ends_with_its_pool(
                [expires]() -> asio::awaitable<void> {
                    asio::steady_timer timer(co_await asio::this_coro::executor, expires);
                    co_await timer.async_wait(asio::use_awaitable);
                    timer.expires_after(1h);
                    co_await timer.async_wait(asio::use_awaitable);
                },
                stop_after));
        }
    }
}

TEST(task_pool_end, destroys_coroutines_that_wait_for_a_socket_before_the_sockets) {
    EXPECT_TRUE(frame_ends_with_its_pool(
        []() -> asio::awaitable<void> {
            asio::ip::udp::socket socket(co_await asio::this_coro::executor, {asio::ip::address_v4::loopback(), 0});
            std::array<char, 8> bytes;
            co_await socket.async_receive(asio::buffer(bytes), asio::use_awaitable);
        },
        1ms));
}

TEST(task_pool_end, by_join_waits_for_the_thread_that_ends_the_last_work) {
    for (int round = 0; round < 300; ++round) {
        std::thread elsewhere;
        {
            task_pool_here here(2);
            elsewhere = std::thread([work = asio::make_work_guard(here.pool.get_executor())]() mutable {
                asio::post(work.get_executor(), [] {});  // a worker is awake, and may see that this was the last
                work.reset();
            });
            here.pool.join();
        }
        elsewhere.join();
    }
}

}  // namespace
}  // namespace numasio
