// A reactor's executor keeps each promise that an io_context's does, from its own thread and from others.
#include <numasio/reactor_pool.hpp>

#include "support/reactor_pools.hpp"
#include "support/threads.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
namespace execution = boost::asio::execution;
using namespace std::chrono_literals;
using executor = reactor_pool::executor_type;
using test::reactors_here;

static_assert(sizeof(executor) == 8);
static_assert(sizeof(detail::reactor_executor<std::pmr::polymorphic_allocator<std::byte>, 0>) <= 24);
static_assert(execution::is_executor<executor>::value);
static_assert(std::is_nothrow_copy_constructible_v<executor> && std::is_nothrow_move_constructible_v<executor>);
static_assert(noexcept(std::declval<executor>() == std::declval<executor>()));
static_assert(asio::can_require<executor, execution::blocking_t::never_t>::value);
static_assert(asio::can_require<executor, execution::blocking_t::possibly_t>::value);
static_assert(asio::can_require<executor, execution::relationship_t::continuation_t>::value);
static_assert(asio::can_require<executor, execution::relationship_t::fork_t>::value);
static_assert(asio::can_require<executor, execution::outstanding_work_t::tracked_t>::value);
static_assert(asio::can_require<executor, execution::outstanding_work_t::untracked_t>::value);
static_assert(asio::can_require<executor, execution::allocator_t<std::pmr::polymorphic_allocator<std::byte>>>::value);
static_assert(asio::can_query<executor, execution::context_t>::value);
static_assert(asio::can_query<executor, execution::occupancy_t>::value);
static_assert(std::is_convertible_v<executor, asio::any_io_executor>);

/// Runs `f` on a worker and waits for what it returns.
template <class F>
auto on_worker(const executor& at, F f) {
    return asio::post(at, asio::use_future(std::move(f))).get();
}

TEST(ReactorExecutor, says_what_it_was_required_to_be) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    EXPECT_EQ(asio::query(at, execution::blocking), execution::blocking.possibly);
    EXPECT_EQ(asio::query(asio::require(at, execution::blocking.never), execution::blocking), execution::blocking.never);
    EXPECT_EQ(asio::query(at, execution::relationship), execution::relationship.fork);
    EXPECT_EQ(asio::query(asio::require(at, execution::relationship.continuation), execution::relationship), execution::relationship.continuation);
    EXPECT_EQ(asio::query(asio::prefer(at, execution::outstanding_work.tracked), execution::outstanding_work), execution::outstanding_work.tracked);
    EXPECT_EQ(asio::query(at, execution::outstanding_work), execution::outstanding_work.untracked);
    EXPECT_EQ(asio::query(at, execution::mapping), execution::mapping.thread);
    EXPECT_EQ(asio::query(at, execution::occupancy), 1u);
    std::pmr::monotonic_buffer_resource memory;
    const std::pmr::polymorphic_allocator<std::byte> allocator(&memory);
    EXPECT_EQ(asio::query(asio::require(at, execution::allocator(allocator)), execution::allocator), allocator);
}

TEST(ReactorExecutor, equals_one_of_the_same_worker) {
    reactors_here here(2);
    EXPECT_TRUE(here.pool.on(0) == here.pool.on(0));
    EXPECT_TRUE(here.pool.on(0) != here.pool.on(1));
    EXPECT_TRUE(here.pool.home_of(7) == here.pool.home_of(7));
    EXPECT_THROW(static_cast<void>(here.pool.on(2)), boost::system::system_error);
}

TEST(ReactorExecutor, runs_what_is_posted_deferred_dispatched_and_executed_on_its_worker) {
    reactors_here here(2);
    const auto at = here.pool.on(1);
    const auto other = here.pool.on(0);
    const auto both = [&] { return at.running_in_this_thread() && !other.running_in_this_thread(); };
    std::promise<bool> posted, deferred, dispatched, executed;
    asio::post(at, [&] { posted.set_value(both()); });
    asio::defer(at, [&] { deferred.set_value(both()); });
    asio::dispatch(at, [&] { dispatched.set_value(both()); });
    at.execute([&] { executed.set_value(both()); });
    EXPECT_TRUE(posted.get_future().get() && deferred.get_future().get() && dispatched.get_future().get() && executed.get_future().get());
    EXPECT_FALSE(at.running_in_this_thread());
}

TEST(ReactorExecutor, calls_at_once_what_its_worker_dispatches_and_later_what_it_posts_in_order) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    std::vector<int> order;
    on_worker(at, [&] {
        asio::post(at, [&] { order.push_back(3); });
        asio::defer(at, [&] { order.push_back(4); });
        asio::dispatch(at, [&] { order.push_back(1); });
        order.push_back(2);
    });
    on_worker(at, [] {});
    on_worker(at, [] {});
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

TEST(ReactorExecutor, keeps_the_order_of_each_thread_that_posts) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    constexpr int each = 5000;
    std::vector<int> next(4, 0);
    bool in_order = true;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < next.size(); ++t) {
        threads.emplace_back([&, t] {
            // Half of them are of the kind that cannot be refused, so that the list behind the inbox has its part.
            for (int i = 0; i < each; ++i) {
                const auto look = [&, t, i] { in_order = in_order && next[t]++ == i; };
                if (i % 2 != 0) { at.execute(look); continue; }
                while (here.pool.try_post(at, look)) { std::this_thread::yield(); }
            }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    here.pool.join();
    EXPECT_TRUE(in_order);
    EXPECT_THAT(next, testing::Each(each));
}

TEST(ReactorExecutor, serialises_a_strand_over_two_workers_threads) {
    reactors_here here(2);
    auto strand = asio::make_strand(here.pool.on(0));
    int sum = 0;
    std::vector<int> seen;
    for (int i = 0; i < 1000; ++i) {
        asio::post(here.pool.on(static_cast<std::uint32_t>(i) % 2), [&, strand] { asio::post(strand, [&] { ++sum; }); });
    }
    here.pool.join();
    EXPECT_EQ(sum, 1000);
}

TEST(ReactorExecutor, makes_a_round_trip_through_any_io_executor) {
    reactors_here here(1);
    const asio::any_io_executor any = here.pool.on(0);
    ASSERT_NE(any.target<executor>(), nullptr);
    EXPECT_TRUE(*any.target<executor>() == here.pool.on(0));
    EXPECT_TRUE(any == asio::any_io_executor(here.pool.on(0)));
    std::promise<bool> ran;
    asio::post(any, [&] { ran.set_value(here.pool.on(0).running_in_this_thread()); });
    EXPECT_TRUE(ran.get_future().get());
}

TEST(ReactorExecutor, tracks_work_for_as_long_as_a_tracked_copy_lives) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    const auto work = [&] { return here.pool.status().workers[0].work; };
    {
        auto tracked = asio::require(at, execution::outstanding_work.tracked);
        EXPECT_EQ(work(), 1);
        const auto copy = tracked;
        EXPECT_EQ(work(), 2);
        auto moved = std::move(tracked);
        EXPECT_EQ(work(), 2);
        moved = copy;
        EXPECT_EQ(work(), 2);
        on_worker(at, [kept = moved] {});  // the copy ends on the worker
    }
    on_worker(at, [] {});
    EXPECT_EQ(work(), 0);
}

TEST(ReactorExecutor, join_waits_for_tracked_work_that_ends_elsewhere) {
    reactors_here here(2);
    auto tracked = std::make_unique<decltype(asio::require(here.pool.on(0), execution::outstanding_work.tracked))>(
        asio::require(here.pool.on(0), execution::outstanding_work.tracked));
    std::atomic<bool> joined{false};
    std::thread joiner([&] {
        here.pool.join();
        joined = true;
    });
    std::this_thread::sleep_for(30ms);
    EXPECT_FALSE(joined);
    bool ran = false;
    asio::post(here.pool.on(1), [&] { ran = true; });
    tracked.reset();
    joiner.join();
    EXPECT_TRUE(ran);
}

TEST(ReactorExecutor, join_waits_for_timers_and_what_they_send_to_other_workers) {
    reactors_here here(2);
    asio::steady_timer timer(here.pool.on(0), 20ms);
    bool fired = false;
    asio::post(here.pool.on(0), [&] {
        timer.async_wait([&](auto) { asio::post(here.pool.on(1), [&] { asio::post(here.pool.on(0), [&] { fired = true; }); }); });
    });
    here.pool.join();
    EXPECT_TRUE(fired);
}

TEST(ReactorExecutor, starts_no_thread_for_timers_sockets_and_strands) {
    reactors_here here(2);
    const auto before = test::running_threads();
    on_worker(here.pool.on(0), [&] {
        asio::steady_timer timer(here.pool.on(0), 1ms);
        asio::ip::tcp::acceptor acceptor(here.pool.on(0), {asio::ip::address_v4::loopback(), 0});
        auto strand = asio::make_strand(here.pool.on(0));
        asio::post(strand, [] {});
    });
    EXPECT_EQ(test::running_threads(), before);
}

TEST(ReactorExecutor, a_resolver_on_it_says_that_it_cannot_and_one_of_the_control_plane_replies_there) {
    asio::io_context control;
    reactors_here here(1);
    const auto at = here.pool.on(0);
    const auto before = test::running_threads();
    std::promise<error_code> refused;
    std::unique_ptr<asio::ip::tcp::resolver> wrong;
    asio::post(at, [&] {
        wrong = std::make_unique<asio::ip::tcp::resolver>(at);
        wrong->async_resolve("localhost", "80", [&](const error_code& ec, const auto&) {
            wrong.reset();
            refused.set_value(ec);
        });
    });
    EXPECT_EQ(refused.get_future().get(), asio::error::operation_not_supported);
    EXPECT_EQ(test::running_threads(), before);

    std::promise<bool> on_its_worker;
    auto resolver = std::make_shared<asio::ip::tcp::resolver>(control);
    asio::co_spawn(at, [&, resolver]() -> asio::awaitable<void> {
        const auto found = co_await resolver->async_resolve("127.0.0.1", "80", asio::use_awaitable);
        on_its_worker.set_value(at.running_in_this_thread() && !found.empty());
    }, asio::detached);
    std::thread plane([&] {
        const auto guard = asio::make_work_guard(control);
        control.run_for(2s);
    });
    EXPECT_TRUE(on_its_worker.get_future().get());
    control.stop();
    plane.join();
}

TEST(ReactorExecutor, timers_expire_and_arrivals_run_on_a_worker_that_never_idles) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    std::atomic<bool> enough{false};
    std::function<void()> again = [&] {
        if (!enough) { asio::post(at, [&] { again(); }); }
    };
    asio::post(at, [&] { again(); });
    std::promise<void> expired;
    on_worker(at, [&] {
        auto timer = std::make_shared<asio::steady_timer>(at, 5ms);
        timer->async_wait([&, timer](auto) { expired.set_value(); });
    });
    expired.get_future().get();
    for (int i = 0; i < 100; ++i) { on_worker(at, [] {}); }
    enough = true;
    here.pool.join();
}

TEST(ReactorExecutor, runs_coroutines_that_go_from_worker_to_worker_and_cancels_them) {
    using namespace asio::experimental::awaitable_operators;
    reactors_here here(2);
    const auto journey = [&]() -> asio::awaitable<int> {
        int right = 0;
        for (int i = 0; i <= 100; ++i) {  // the last step is at home, where its timers are
            const auto there = here.pool.on(static_cast<std::uint32_t>(i) % 2);
            co_await asio::post(asio::bind_executor(there, asio::use_awaitable));
            right += there.running_in_this_thread() ? 1 : 0;
        }
        asio::steady_timer never(co_await asio::this_coro::executor, 1h);
        asio::steady_timer soon(co_await asio::this_coro::executor, 1ms);
        const auto first = co_await (never.async_wait(asio::use_awaitable) || soon.async_wait(asio::use_awaitable));
        co_return right + static_cast<int>(first.index());
    };
    EXPECT_EQ(asio::co_spawn(here.pool.on(0), journey(), asio::use_future).get(), 102);
}

TEST(ReactorExecutor, channels_pass_values_between_coroutines) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    asio::experimental::channel<executor, void(boost::system::error_code, int)> channel(at, 2);
    const auto send = [&]() -> asio::awaitable<void> {
        for (int i = 1; i <= 100; ++i) { co_await channel.async_send({}, i, asio::use_awaitable); }
    };
    const auto receive = [&]() -> asio::awaitable<int> {
        int sum = 0;
        for (int i = 0; i < 100; ++i) { sum += co_await channel.async_receive(asio::use_awaitable); }
        co_return sum;
    };
    asio::co_spawn(at, send(), asio::detached);
    EXPECT_EQ(asio::co_spawn(at, receive(), asio::use_future).get(), 5050);
}

TEST(ReactorExecutor, takes_functions_that_can_only_be_moved_and_uses_the_handlers_allocator) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    std::promise<int> got;
    asio::post(at, [&, p = std::make_unique<int>(7)] { got.set_value(*p); });
    EXPECT_EQ(got.get_future().get(), 7);

    alignas(64) std::byte room[1024];
    std::pmr::monotonic_buffer_resource memory(room, sizeof room, std::pmr::null_memory_resource());
    const std::pmr::polymorphic_allocator<std::byte> allocator(&memory);
    const auto with = asio::require(at, execution::allocator(allocator), execution::blocking.never);
    std::promise<bool> inside;
    with.execute([&] {  // from outside, then from inside
        with.execute([&] { inside.set_value(true); });
    });
    EXPECT_TRUE(inside.get_future().get());
}

}  // namespace
}  // namespace numasio
