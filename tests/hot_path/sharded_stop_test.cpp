// How a sharded<T> ends: in order, with calls on their way, with its pool stopped under it, and under load.
#include <numasio/sharded.hpp>
#include <numasio/task_group.hpp>

#include "support/failures.hpp"
#include "support/shards.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::code_in;
using test::code_of;
using test::homebody;
using test::shard_log;
using test::task_pool_here;
using test::what_of;
using testing::ElementsAre;

auto homes(shard_log& log) {
    return [&log](const worker_site& at) { return homebody(log, at.index); };
}

TEST(sharded_stop, stops_and_destroys_the_last_first_each_on_its_worker) {
    shard_log log;
    task_pool_here here(3);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    shards.stop();
    EXPECT_THAT(log.all(), ElementsAre("stop 2", "end 2", "stop 1", "end 1", "stop 0", "end 0"));
    EXPECT_EQ(log.alive, 0);
    shards.stop();
    shards.async_stop(asio::use_future).get();
    EXPECT_EQ(code_of(shards.invoke_on(0, &homebody::place, asio::use_future)), errc::stopped);
    EXPECT_EQ(code_of(shards.invoke_on_all(&homebody::place, asio::use_future)), errc::stopped);
    EXPECT_EQ(code_of(shards.map_reduce(&homebody::place, std::plus<>(), 0u, asio::use_future)), errc::stopped);
}

TEST(sharded_stop, of_what_was_never_started_is_at_once) {
    task_pool_here here(1);
    sharded<int> shards(here.pool);
    shards.stop();
    shards.async_stop(asio::use_future).get();
    EXPECT_EQ(code_of([&] { shards.start(); }), errc::stopped);
}

TEST(sharded_stop, waits_for_calls_that_were_accepted_and_refuses_later_ones) {
    shard_log log;
    std::promise<void> go;
    task_pool_here here(2);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    std::atomic<int> ran{0};
    shards.invoke_on(1, [&](homebody&) { go.get_future().wait(); }, [](auto) {});
    for (int i = 0; i < 100; ++i) { shards.invoke_on(1, [&](homebody&) { ++ran; }, [](auto) {}); }
    auto stopped = shards.async_stop(asio::use_future);
    EXPECT_EQ(code_of(shards.invoke_on(0, &homebody::place, asio::bind_executor(here.pool.on(0u), asio::use_future))), errc::stopped);
    EXPECT_EQ(stopped.wait_for(20ms), std::future_status::timeout);
    EXPECT_EQ(log.alive, 2);
    go.set_value();
    stopped.get();
    EXPECT_EQ(ran, 100);
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_stop, waits_for_a_call_that_lets_tasks_of_its_worker_in) {
    shard_log log;
    task_pool_here here(1);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    std::promise<void> is_inside;
    auto asked = shards.invoke_on(
        0,
        [&](homebody&) {
            is_inside.set_value();
            while (here.pool.status().workers[0].queued == 0) { std::this_thread::sleep_for(1ms); }
            task_group group(here.pool.on(0u));
            group.run([] {});
            group.wait();  // the stop's task was there before
            return log.alive.load();
        },
        asio::use_future);
    is_inside.get_future().get();
    shards.stop();
    EXPECT_EQ(asked.get(), 1);
    EXPECT_EQ(log.alive, 0);
}

/// Throws when it is moved for the n-th time.
class moved_badly {
public:
    moved_badly() = default;
    explicit moved_badly(std::shared_ptr<int> left) : left_(std::move(left)) {}
    moved_badly(moved_badly&& other) : left_(other.left_) {
        if (left_ && --*left_ == 0) { throw std::runtime_error("moved badly"); }
    }

private:
    std::shared_ptr<int> left_;
};

TEST(sharded_call, ends_where_its_result_cannot_be_moved_and_nothing_is_lost) {
    int told = 0;
    for (int at = 1; at < 12; ++at) {
        std::weak_ptr<int> handler;
        {
            task_pool_here here(1);
            sharded<int> shards(here.pool);
            shards.start(1);
            auto token = std::make_shared<int>();
            handler = token;
            shards.invoke_on(
                0, [left = std::make_shared<int>(at)](int&) { return moved_badly(left); },
                asio::bind_executor(here.pool.get_executor(), [&told, held = std::move(token)](const std::exception_ptr& failed, const moved_badly&) { told += failed != nullptr; }));
            shards.stop();
            here.pool.join();
        }
        EXPECT_TRUE(handler.expired()) << at;
    }
    EXPECT_GE(told, 1);
}

TEST(sharded_stop, waits_for_coroutines_that_were_accepted) {
    shard_log log;
    task_pool_here here(2);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    auto waits = shards.invoke_on(
        0,
        [](homebody& h) -> asio::awaitable<int> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 30ms);
            co_await timer.async_wait(asio::use_awaitable);
            co_return h.add(1);
        },
        asio::use_future);
    shards.stop();
    EXPECT_EQ(waits.get(), 1);
    EXPECT_EQ(log.alive, 0);
}

/// Its stop is a coroutine, and may fail.
class slow_to_stop {
public:
    slow_to_stop(shard_log& log, std::uint32_t place) : log_(log), place_(place) { ++log_.alive; }
    slow_to_stop(const slow_to_stop&) = delete;
    ~slow_to_stop() { --log_.alive; }
    asio::awaitable<void> stop() {
        log_.add("begin " + std::to_string(place_));
        asio::steady_timer timer(co_await asio::this_coro::executor, 2ms);
        co_await timer.async_wait(asio::use_awaitable);
        EXPECT_EQ(std::this_thread::get_id(), home_);
        log_.add("end " + std::to_string(place_));
        if (place_ != 0) { throw std::runtime_error(std::to_string(place_)); }
    }

private:
    shard_log& log_;
    const std::uint32_t place_;
    const std::thread::id home_ = std::this_thread::get_id();
};

TEST(sharded_stop, awaits_a_stop_that_is_a_coroutine_and_tells_the_first_exception) {
    shard_log log;
    task_pool_here here(3);
    sharded<slow_to_stop> shards(here.pool);
    shards.start_with([&](const worker_site& at) { return slow_to_stop(log, at.index); });
    auto second = shards.async_stop(asio::use_future);
    EXPECT_THROW(shards.stop(), std::runtime_error);
    EXPECT_EQ(what_of(std::move(second)), "2");
    EXPECT_THAT(log.all(), ElementsAre("begin 2", "end 2", "begin 1", "end 1", "begin 0", "end 0"));
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_stop, during_the_start_ends_both) {
    shard_log log;
    task_pool_here here(2);
    sharded<homebody> shards(here.pool);
    std::promise<void> go;
    auto gate = go.get_future().share();
    auto started = shards.async_start_with([&, gate](const worker_site& at) { return gate.wait(), homebody(log, at.index); }, asio::use_future);
    auto stopped = shards.async_stop(asio::use_future);
    go.set_value();
    EXPECT_EQ(code_of(std::move(started)), errc::stopped);
    stopped.get();
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_stop, is_not_waited_for_on_a_worker) {
    shard_log log;
    task_pool_here here(2);
    auto shards = std::make_unique<sharded<homebody>>(here.pool);
    const auto refused = [&] { return code_of([&] { shards->stop(); }) == errc::may_not_block && code_of([&] { shards->start_with(homes(log)); }) == errc::may_not_block; };
    EXPECT_TRUE(asio::post(here.pool.on(0u), asio::use_future(refused)).get());
    asio::post(here.pool.on(0u), asio::use_future([&] { return shards->async_start_with(homes(log), asio::use_future); })).get().get();
    EXPECT_EQ(log.alive, 2);
    asio::post(here.pool.on(0u), asio::use_future([&] { shards.reset(); })).get();  // does not wait
    here.pool.join();
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_stop, comes_with_the_destructor) {
    shard_log log;
    task_pool_here here(2);
    {
        sharded<homebody> shards(here.pool);
        shards.start_with(homes(log));
    }
    EXPECT_THAT(log.all(), ElementsAre("stop 1", "end 1", "stop 0", "end 0"));
}

TEST(sharded_pool_end, destroys_the_shards_on_their_workers) {
    shard_log log;
    task_pool_here here(3);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    here.pool.stop();
    here.pool.join();
    EXPECT_EQ(log.alive, 0);  // each looked at its thread
    asio::io_context io;
    error_code why;
    shards.invoke_on(0, &homebody::place, asio::bind_executor(io, [&](std::exception_ptr failed, auto) { why = code_in(failed); }));
    io.run();
    EXPECT_EQ(why, errc::stopped);
    shards.stop();
}

TEST(sharded_pool_end, by_join_ends_the_shards_too) {
    shard_log log;
    task_pool_here here(2);
    sharded<homebody> shards(here.pool);
    shards.start_with(homes(log));
    here.pool.join();
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_pool_end, tells_a_start_that_never_comes_to_its_end) {
    shard_log log;
    std::promise<void> busy, go;
    std::optional<task_pool_here> here(2);
    {
        sharded<homebody> shards(here->pool);
        asio::post(here->pool.on(1u), [&] { busy.set_value(), go.get_future().wait(); });
        busy.get_future().wait();
        std::thread stopper([&] {
            std::this_thread::sleep_for(10ms);
            here->pool.stop();
            go.set_value();
        });
        EXPECT_EQ(code_of([&] { shards.start_with(homes(log)); }), errc::stopped);
        stopper.join();
            }
    here.reset();
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_pool_end, ends_each_accepted_call_with_stopped_where_its_handler_can_run) {
    shard_log log;
    asio::io_context io;
    std::atomic<int> ran{0}, ended{0}, stopped{0}, invoked_in_pool{0};
    auto count = asio::bind_executor(io, [&](std::exception_ptr failed) { ++ended, stopped += code_in(failed) == errc::stopped; });
    constexpr int each = 50;
    auto alive = std::make_shared<int>();
    std::promise<void> go, busy;
    log.ends_anywhere = true;
    {
        task_pool_here here(2);
        sharded<homebody> shards(here.pool);
        shards.start_with(homes(log));
        shards.invoke_on(0, [&](homebody&) { busy.set_value(), go.get_future().wait(); }, [](auto) {});
        busy.get_future().wait();
        for (int i = 0; i < each; ++i) {
            shards.invoke_on(0, [&](homebody&) { ++ran; }, count);
            shards.invoke_on_all([&](homebody& h) { ran += h.place() == 0; }, count);
            shards.invoke_on(0, [&](homebody&) { ++ran; }, [&, alive](auto) { ++invoked_in_pool; });
            shards.invoke_on(1, [](homebody&) -> asio::awaitable<void> {
                asio::steady_timer never(co_await asio::this_coro::executor, 1h);
                co_await never.async_wait(asio::use_awaitable);
            }, count);
        }
        here.pool.stop();
        go.set_value();
    }
    io.run();
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(ended, 3 * each);
    EXPECT_EQ(stopped, 3 * each);
    EXPECT_EQ(invoked_in_pool, 0);
    EXPECT_EQ(alive.use_count(), 1);  // destroyed uninvoked with the pool
    EXPECT_EQ(log.alive, 0);
}

TEST(sharded_pool_end, during_a_stop_is_told) {
    shard_log log;
    asio::io_context io;
    error_code why;
    std::promise<void> go, busy;
    {
        task_pool_here here(2);
        sharded<homebody> shards(here.pool);
        shards.start_with(homes(log));
        asio::post(here.pool.on(1u), [&] { busy.set_value(), go.get_future().wait(); });
        busy.get_future().wait();
        shards.async_stop(asio::bind_executor(io, [&](std::exception_ptr failed) { why = code_in(failed); }));
        here.pool.stop();
        go.set_value();
        io.run();
        EXPECT_EQ(why, errc::stopped);
        EXPECT_EQ(log.alive, 0);
    }
}

TEST(sharded_pool_end, keeps_a_shard_as_long_as_a_coroutine_is_inside) {
    // A coroutine's frame ends with the pool, and what is in it may touch its shard until then.
    struct book {
        std::vector<int> entries = std::vector<int>(100, 1);
    };
    struct closes {
        book& b;
        ~closes() { b.entries.push_back(2); }
    };
    std::promise<void> inside;
    task_pool_here here(1);
    sharded<book> shards(here.pool);
    shards.start();
    shards.invoke_on(0, [&](book& b) -> asio::awaitable<void> {
        const closes at_end{b};
        asio::steady_timer never(co_await asio::this_coro::executor, 1h);
        inside.set_value();
        co_await never.async_wait(asio::use_awaitable);
    }, [](std::exception_ptr) {});
    inside.get_future().wait();
    here.pool.stop();
    here.pool.join();
    EXPECT_EQ(code_of([&] { shards.stop(); }), errc::stopped);  // nobody has stopped that one
}

TEST(sharded_stress, every_operation_ends_once_however_it_all_ends) {
    for (int round = 0; round < 30; ++round) {
        shard_log log;
        asio::io_context io;
        std::optional<asio::executor_work_guard<asio::io_context::executor_type>> busy(io.get_executor());
        std::thread control([&] { io.run(); });
        std::atomic<int> begun{0}, ended{0}, ran{0};
        {
            task_pool_here here(3);
            sharded<homebody> shards(here.pool);
            shards.start_with(homes(log));
            auto end = asio::bind_executor(io, [&](std::exception_ptr, auto...) { ++ended; });
            std::vector<std::thread> callers;
            for (std::uint32_t caller = 0; caller < 3; ++caller) {
                callers.emplace_back([&, caller] {
                    for (std::uint32_t i = 0; i < 200; ++i) {
                        ++begun;
                        switch ((i + caller) % 4) {
                            case 0: shards.invoke_on(i % 3, [&](homebody& h) { ++ran, h.add(1); }, end); break;
                            case 1: shards.invoke_on_all([&](homebody& h) { h.add(1); }, end); break;
                            case 2:
                                shards.invoke_on(i % 3, [](homebody& h) -> asio::awaitable<void> {
                                    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                                    h.add(1);
                                }, end);
                                break;
                            default: shards.map_reduce([](homebody& h) { return h.add(0); }, std::plus<>(), 0, end);
                        }
                    }
                });
            }
            std::this_thread::sleep_for(std::chrono::microseconds(round * 40));
            log.ends_anywhere = round % 3 == 0;
            if (log.ends_anywhere) { here.pool.stop(); }
            if (round % 3 == 1) { shards.async_stop(asio::bind_executor(io, [](std::exception_ptr) {})); }
            for (auto& caller : callers) { caller.join(); }
        }
        busy.reset();
        control.join();
        EXPECT_EQ(ended, begun);
        EXPECT_EQ(log.alive, 0);
    }
}

}  // namespace
}  // namespace numasio
