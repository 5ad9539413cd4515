// node_pool's executor keeps each promise that asio::thread_pool's does.
#include <numasio/node_pool.hpp>

#include "support/task_pools.hpp"
#include "support/threads.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/asio/read.hpp>

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
namespace execution = boost::asio::execution;
using namespace std::chrono_literals;
using executor = node_pool::executor_type;
using test::task_pool_here;

static_assert(sizeof(executor) <= 16);
static_assert(sizeof(detail::task_executor<std::pmr::polymorphic_allocator<std::byte>, 0>) <= 24);
static_assert(execution::is_executor<executor>::value);
static_assert(std::is_nothrow_copy_constructible_v<executor> && std::is_nothrow_move_constructible_v<executor>);
static_assert(noexcept(std::declval<executor>() == std::declval<executor>()));
static_assert(asio::can_require<executor, execution::blocking_t::never_t>::value);
static_assert(asio::can_require<executor, execution::blocking_t::possibly_t>::value);
static_assert(asio::can_require<executor, execution::blocking_t::always_t>::value);
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

TEST(TaskExecutor, says_what_it_was_required_to_be) {
    task_pool_here here(1);
    const auto at = here.pool.get_executor();
    EXPECT_EQ(asio::query(at, execution::blocking), execution::blocking.possibly);
    EXPECT_EQ(asio::query(asio::require(at, execution::blocking.never), execution::blocking), execution::blocking.never);
    const auto back = asio::require(asio::require(at, execution::blocking.never), execution::blocking.possibly);
    EXPECT_EQ(asio::query(back, execution::blocking), execution::blocking.possibly);
    EXPECT_EQ(asio::query(at, execution::relationship), execution::relationship.fork);
    EXPECT_EQ(asio::query(asio::require(at, execution::relationship.continuation), execution::relationship), execution::relationship.continuation);
    EXPECT_EQ(asio::query(asio::prefer(at, execution::outstanding_work.tracked), execution::outstanding_work), execution::outstanding_work.tracked);
    EXPECT_EQ(asio::query(at, execution::outstanding_work), execution::outstanding_work.untracked);
    EXPECT_EQ(asio::query(at, execution::mapping), execution::mapping.thread);
    std::pmr::monotonic_buffer_resource memory;
    const std::pmr::polymorphic_allocator<std::byte> allocator(&memory);
    EXPECT_EQ(asio::query(asio::require(at, execution::allocator(allocator)), execution::allocator), allocator);
    static_assert(std::is_same_v<decltype(asio::query(at, execution::allocator)), std::allocator<void>>);
}

TEST(TaskExecutor, that_always_blocks_returns_once_the_function_has_been_called) {
    task_pool_here here(2);
    const auto at = asio::require(here.pool.get_executor(), execution::blocking.always);
    EXPECT_EQ(asio::query(at, execution::blocking), execution::blocking.always);
    bool called = false;
    std::thread::id by;
    at.execute([&] {
        std::this_thread::sleep_for(5ms);
        by = std::this_thread::get_id();
        called = true;
    });
    EXPECT_TRUE(called);
    EXPECT_NE(by, std::this_thread::get_id());
    EXPECT_THROW(at.execute([] { throw std::runtime_error("said to the caller"); }), std::runtime_error);
    EXPECT_EQ(here.pool.status().workers[0].failed + here.pool.status().workers[1].failed, 0u);
    // On a worker: here and now; for another worker it waits.
    const auto other = asio::require(here.pool.on(1u), execution::blocking.always);
    const auto [own, others] = on_worker(here.pool.on(0u), [&] {
        std::thread::id inner, outer;
        at.execute([&] { inner = std::this_thread::get_id(); });
        other.execute([&] { outer = std::this_thread::get_id(); });
        return std::pair(inner == std::this_thread::get_id(), outer != std::this_thread::get_id() && outer != std::thread::id());
    });
    EXPECT_TRUE(own);
    EXPECT_TRUE(others);
}

TEST(TaskExecutor, that_always_blocks_never_waits_for_a_pool_that_has_stopped) {
    task_pool_here here(1);
    const auto at = asio::require(here.pool.get_executor(), execution::blocking.always);
    here.pool.pause();
    std::jthread stopper([&] {
        std::this_thread::sleep_for(20ms);
        here.pool.stop();
    });
    const auto code = [&] {
        try {
            at.execute([] {});
        } catch (const boost::system::system_error& e) { return e.code(); }
        return error_code{};
    };
    EXPECT_EQ(code(), errc::stopped);  // it waited, and was destroyed uncalled
    EXPECT_EQ(code(), errc::stopped);  // and this one refused
}

TEST(TaskExecutor, names_as_many_workers_as_there_are) {
    task_pool_here here(3);
    EXPECT_EQ(asio::query(here.pool.get_executor(), execution::occupancy), 3u);
}

TEST(TaskExecutor, equals_one_of_the_same_pool_and_place) {
    task_pool_here here(2);
    task_pool_here other(1);
    const auto at = here.pool.get_executor();
    EXPECT_TRUE(at == here.pool.get_executor());
    EXPECT_FALSE(at != here.pool.get_executor());
    EXPECT_TRUE(at != other.pool.get_executor());
    EXPECT_TRUE(at != here.pool.on(0u));
    EXPECT_TRUE(here.pool.on(0u) == here.pool.on(0u));
    EXPECT_TRUE(here.pool.on(0u) != here.pool.on(1u));
}

TEST(TaskExecutor, runs_what_is_posted_deferred_and_dispatched_on_a_worker) {
    task_pool_here here(2);
    const auto at = here.pool.get_executor();
    std::promise<bool> posted, deferred, dispatched, executed;
    asio::post(at, [&] { posted.set_value(at.running_in_this_thread()); });
    asio::defer(at, [&] { deferred.set_value(at.running_in_this_thread()); });
    asio::dispatch(at, [&] { dispatched.set_value(at.running_in_this_thread()); });
    at.execute([&] { executed.set_value(at.running_in_this_thread()); });
    for (auto* p : {&posted, &deferred, &dispatched, &executed}) { EXPECT_TRUE(p->get_future().get()); }
    EXPECT_FALSE(at.running_in_this_thread());
}

TEST(TaskExecutor, calls_at_once_what_a_worker_dispatches_and_later_what_it_posts) {
    task_pool_here here(1);
    const auto at = here.pool.get_executor();
    std::vector<int> order;
    std::promise<void> done;
    asio::post(at, [&] {
        asio::post(at, [&] { order.push_back(3); });
        asio::defer(at, [&] { order.push_back(4), done.set_value(); });
        asio::dispatch(at, [&] { order.push_back(1); });
        order.push_back(2);
    });
    done.get_future().get();
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

TEST(TaskExecutor, of_another_worker_is_not_called_at_once) {
    task_pool_here here(2);
    const auto ran_on = on_worker(here.pool.on(0u), [&] {
        auto later = std::make_shared<std::promise<std::thread::id>>();
        asio::dispatch(here.pool.on(1u), [later] { later->set_value(std::this_thread::get_id()); });
        return std::pair(later, std::this_thread::get_id());
    });
    EXPECT_NE(ran_on.first->get_future().get(), ran_on.second);
}

TEST(TaskExecutor, keeps_the_order_of_one_thread_with_one_worker) {
    task_pool_here here(1);
    std::vector<int> order;
    for (int i = 0; i < 3000; ++i) { asio::post(here.pool.get_executor(), [&order, i] { order.push_back(i); }); }
    here.pool.join();
    std::vector<int> expected(3000);
    for (int i = 0; i < 3000; ++i) { expected[static_cast<std::size_t>(i)] = i; }
    EXPECT_EQ(order, expected);
}

TEST(TaskExecutor, serialises_a_strand_in_its_order) {
    task_pool_here here(4);
    const auto strand = asio::make_strand(here.pool.get_executor());
    int inside = 0, most = 0;
    std::vector<int> order;
    for (int i = 0; i < 5000; ++i) {
        asio::post(strand, [&, i] {
            most = std::max(most, ++inside);
            order.push_back(i);
            --inside;
        });
    }
    here.pool.join();
    EXPECT_EQ(most, 1);
    ASSERT_EQ(order.size(), 5000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(TaskExecutor, makes_a_round_trip_through_any_io_executor) {
    task_pool_here here(2);
    const asio::any_io_executor any = here.pool.get_executor();
    EXPECT_EQ(*any.target<executor>(), here.pool.get_executor());
    EXPECT_TRUE(on_worker(here.pool.get_executor(), [&] { return here.pool.get_executor().running_in_this_thread(); }));
    EXPECT_TRUE(asio::post(any, asio::use_future([&] { return here.pool.get_executor().running_in_this_thread(); })).get());
    const auto never = asio::require(any, execution::blocking.never);
    EXPECT_EQ(asio::query(never, execution::blocking), execution::blocking.never);
    const auto tracked = asio::prefer(any, execution::outstanding_work.tracked);
    EXPECT_EQ(here.pool.status().work, 1);
    EXPECT_EQ(&asio::query(any, execution::context), &asio::query(here.pool.get_executor(), execution::context));
    const auto strand = asio::make_strand(any);
    EXPECT_EQ(asio::post(strand, asio::use_future([] { return 7; })).get(), 7);
}

TEST(TaskExecutor, tracks_work_for_as_long_as_a_tracked_copy_lives) {
    task_pool_here here(1);
    {
        auto guard = asio::make_work_guard(here.pool.get_executor());
        EXPECT_EQ(here.pool.status().work, 1);
        auto copy = guard;
        EXPECT_EQ(here.pool.status().work, 2);
        auto moved = std::move(copy);
        EXPECT_EQ(here.pool.status().work, 2);
        auto tracked = asio::require(here.pool.get_executor(), execution::outstanding_work.tracked);
        auto other = tracked;
        other = tracked;
        other = std::move(tracked);
        EXPECT_EQ(here.pool.status().work, 3);
    }
    EXPECT_EQ(here.pool.status().work, 0);
}

TEST(TaskExecutor, join_waits_for_tracked_work) {
    task_pool_here here(2);
    std::atomic<bool> ended{false};
    auto guard = std::make_unique<asio::executor_work_guard<executor>>(here.pool.get_executor());
    std::thread later([&] {
        std::this_thread::sleep_for(30ms);
        ended = true;
        guard.reset();
    });
    here.pool.join();
    EXPECT_TRUE(ended);
    later.join();
}

TEST(TaskExecutor, join_waits_for_timers_and_what_they_post) {
    task_pool_here here(2);
    asio::steady_timer timer(here.pool.get_executor(), 20ms);
    std::atomic<int> ran{0};
    timer.async_wait([&](auto) { asio::post(here.pool.get_executor(), [&] { ++ran; }), ++ran; });
    here.pool.join();
    EXPECT_EQ(ran, 2);
}

TEST(TaskExecutor, starts_no_thread_for_timers_and_sockets) {
    task_pool_here here(2);
    const auto before = test::running_threads();
    asio::steady_timer timer(here.pool.get_executor(), 5ms);
    EXPECT_NO_THROW(timer.async_wait(asio::use_future).get());
    asio::ip::tcp::acceptor acceptor(here.pool.get_executor(), {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket client(here.pool.get_executor());
    auto connected = client.async_connect(acceptor.local_endpoint(), asio::use_future);
    auto server = acceptor.async_accept(asio::use_future).get();
    connected.get();
    EXPECT_EQ(test::running_threads(), before);
}

TEST(TaskExecutor, timers_expire_on_a_pool_that_never_idles) {
    task_pool_here here(1);
    std::atomic<bool> expired{false};
    asio::steady_timer timer(here.pool.get_executor(), 5ms);
    timer.async_wait([&](auto) { expired = true; });
    std::atomic<int> turns{0};
    std::function<void()> again = [&] {
        ++turns;
        if (!expired) { asio::post(here.pool.get_executor(), again); }
    };
    asio::post(here.pool.get_executor(), again);
    here.pool.join();
    EXPECT_TRUE(expired);
    EXPECT_GT(turns, 100);
}

TEST(TaskExecutor, timers_expire_while_one_worker_is_at_a_long_task) {
    task_pool_here here(2);
    // Whoever leads takes the task: the other goes on with the timers.
    for (int i = 0; i < 20; ++i) {
        asio::steady_timer first(here.pool.get_executor(), 1ms);
        std::promise<void> second_expired;
        auto seen = second_expired.get_future();
        asio::steady_timer second(here.pool.get_executor(), 3ms);
        second.async_wait([&](auto) { second_expired.set_value(); });
        std::promise<bool> timely;
        first.async_wait([&](auto) { timely.set_value(seen.wait_for(10s) == std::future_status::ready); });
        EXPECT_TRUE(timely.get_future().get());
    }
}

TEST(TaskExecutor, runs_coroutines_and_cancels_them) {
    task_pool_here here(2);
    const auto at = here.pool.get_executor();
    auto sum = asio::co_spawn(
        at,
        [&]() -> asio::awaitable<int> {
            int total = 0;
            for (int i = 0; i < 100; ++i) {
                co_await asio::post(at, asio::use_awaitable);
                total += at.running_in_this_thread() ? 1 : 0;
            }
            co_return total;
        },
        asio::use_future);
    EXPECT_EQ(sum.get(), 100);
    asio::cancellation_signal signal;
    std::promise<boost::system::error_code> ended;
    asio::steady_timer timer(at, 1h);
    std::promise<void> waiting;
    asio::post(at, [&] {
        timer.async_wait(asio::bind_cancellation_slot(signal.slot(), [&](auto ec) { ended.set_value(ec); }));
        signal.emit(asio::cancellation_type::all);
    });
    EXPECT_EQ(ended.get_future().get(), asio::error::operation_aborted);
}

TEST(TaskExecutor, channels_pass_values_between_coroutines) {
    using namespace asio::experimental::awaitable_operators;
    task_pool_here here(2);
    asio::experimental::concurrent_channel<void(boost::system::error_code, int)> channel(here.pool.get_executor(), 4);
    auto received = asio::co_spawn(
        here.pool.get_executor(),
        [&]() -> asio::awaitable<int> {
            int total = 0;
            for (int i = 0; i < 1000; ++i) { total += co_await channel.async_receive(asio::use_awaitable); }
            co_return total;
        },
        asio::use_future);
    asio::co_spawn(
        here.pool.get_executor(),
        [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 1000; ++i) { co_await channel.async_send({}, i, asio::use_awaitable); }
        },
        asio::detached);
    EXPECT_EQ(received.get(), 999 * 1000 / 2);
}

TEST(TaskExecutor, echoes_over_sockets) {
    task_pool_here here(2);
    const auto at = here.pool.get_executor();
    asio::ip::tcp::acceptor acceptor(at, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(
        at,
        [&]() -> asio::awaitable<void> {
            auto socket = co_await acceptor.async_accept(asio::use_awaitable);
            std::array<char, 64> buffer;
            for (;;) {
                const auto [ec, n] = co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
                if (ec) { co_return; }
                co_await asio::async_write(socket, asio::buffer(buffer, n), asio::use_awaitable);
            }
        },
        asio::detached);
    asio::ip::tcp::socket client(at);
    client.async_connect(acceptor.local_endpoint(), asio::use_future).get();
    for (int i = 0; i < 500; ++i) {
        const std::string sent = "message " + std::to_string(i);
        std::string got(sent.size(), ' ');
        asio::async_write(client, asio::buffer(sent), asio::use_future).get();
        asio::async_read(client, asio::buffer(got), asio::use_future).get();
        ASSERT_EQ(got, sent);
    }
    client.close();
    here.pool.join();
}

TEST(TaskExecutor, allocates_tasks_from_the_handlers_allocator) {
    struct counting : std::pmr::memory_resource {
        std::atomic<int> taken{0}, given{0};
        void* do_allocate(std::size_t n, std::size_t a) override { return ++taken, std::pmr::new_delete_resource()->allocate(n, a); }
        void do_deallocate(void* p, std::size_t n, std::size_t a) override { ++given, std::pmr::new_delete_resource()->deallocate(p, n, a); }
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    } memory;
    task_pool_here here(1);
    const std::pmr::polymorphic_allocator<std::byte> allocator(&memory);
    std::promise<int> given_when_run;
    asio::post(here.pool.get_executor(), asio::bind_allocator(allocator, [&] { given_when_run.set_value(memory.given.load()); }));
    EXPECT_EQ(given_when_run.get_future().get(), 1);  // before it runs, so that what it posts finds the memory
    here.pool.join();
    EXPECT_EQ(memory.taken, memory.given);
    EXPECT_GE(memory.taken, 1);
}

TEST(TaskExecutor, takes_functions_that_can_only_be_moved_and_large_and_aligned_ones) {
    task_pool_here here(1);
    auto value = std::make_unique<int>(5);
    std::promise<int> got;
    asio::post(here.pool.get_executor(), [v = std::move(value), &got] { got.set_value(*v); });
    EXPECT_EQ(got.get_future().get(), 5);
    struct alignas(256) wide {
        std::array<char, 4096> bytes{};
    };
    std::promise<bool> aligned;
    asio::post(here.pool.get_executor(), [w = wide(), &aligned] { aligned.set_value(reinterpret_cast<std::uintptr_t>(&w) % 256 == 0); });
    EXPECT_TRUE(aligned.get_future().get());
}

TEST(TaskExecutor, blocks_are_used_again_whoever_frees_them) {
    task_pool_here here(2);
    // From outside in, and back and forth between workers: nothing may pile up.
    for (int round = 0; round < 50; ++round) {
        std::latch all(400);
        for (int i = 0; i < 400; ++i) {
            asio::post(here.pool.on(static_cast<std::uint32_t>(i % 2)), [&] { asio::post(here.pool.on(1u), [&] { all.count_down(); }); });
        }
        all.wait();
    }
    here.pool.join();
    std::uint64_t ran = 0;
    for (const auto& worker : here.pool.status().workers) { ran += worker.ran; }
    EXPECT_EQ(ran, 50u * 800u);
}

}  // namespace
}  // namespace numasio
