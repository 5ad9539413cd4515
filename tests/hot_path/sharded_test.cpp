// A sharded<T> has a T on each worker, which is built there and asked there.
#include <numasio/sharded.hpp>

#include "support/failures.hpp"
#include "support/shards.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <memory_resource>
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
using test::thread_of;
using test::what_of;

/// Homebodies on each worker of a pool.
struct sharded_homes {
    explicit sharded_homes(std::uint32_t workers, std::uint32_t nodes = 1, shard_per per = shard_per::worker, pool_plan plan = test::task_pool_plan())
        : here(workers, std::move(plan), nodes), shards(here.pool, per) {
        shards.start_with([this](const worker_site& at) { return homebody(log, at.index); });
    }
    shard_log log;
    task_pool_here here;
    sharded<homebody> shards;
};

TEST(sharded, has_a_shard_on_each_worker_built_there) {
    sharded_homes all(3);
    ASSERT_EQ(all.shards.size(), 3u);
    EXPECT_EQ(all.log.alive, 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(all.shards.invoke_on(i, &homebody::thread, asio::use_future).get(), thread_of(all.here.pool.on(i)));
        EXPECT_EQ(all.shards.invoke_on(i, &homebody::place, asio::use_future).get(), i);
        EXPECT_EQ(all.shards.site_of(i).index, i);
        EXPECT_EQ(all.shards.executor_of(i), all.here.pool.on(i));
    }
    EXPECT_EQ(code_of([&] { static_cast<void>(all.shards.executor_of(3)); }), errc::no_worker);
}

TEST(sharded, per_node_has_one_on_each_nodes_first_worker) {
    shard_log log;
    auto machine = simulate_nodes(discover_topology(), 2);
    task_pool_here here(2, test::task_pool_plan(), 2);
    sharded<homebody> shards(here.pool, shard_per::node);
    shards.start_with([&](const worker_site& at) { return homebody(log, at.index); });
    ASSERT_EQ(shards.size(), 2u);
    EXPECT_EQ(log.alive, 2);
    EXPECT_EQ(shards.invoke_on(1, &homebody::thread, asio::use_future).get(), thread_of(here.pool.on(2u)));
    for (std::uint32_t i = 0; i < 2; ++i) { EXPECT_EQ(shards.shard_on(shards.site_of(i).node), i); }
    EXPECT_EQ(code_of([&] { static_cast<void>(shards.shard_on(node_id{77})); }), errc::no_worker);
    // A node's other workers have none.
    EXPECT_TRUE(asio::post(here.pool.on(1u), asio::use_future([&] { return shards.try_local() == nullptr; })).get());
    shards.stop();
}

TEST(sharded, builds_from_arguments_and_by_default_objects_that_cannot_move) {
    struct alignas(128) fixed {
        fixed() = default;
        fixed(int a, std::string b) : number(a), text(std::move(b)) {}
        fixed(const fixed&) = delete;
        int number = 1;
        std::string text;
    };
    task_pool_here here(2);
    sharded<fixed> first(here.pool);
    first.start(7, "seven");
    EXPECT_EQ(first.invoke_on(1, [](fixed& f) { return f.text + std::to_string(f.number); }, asio::use_future).get(), "seven7");
    EXPECT_TRUE(first.invoke_on(1, [](fixed& f) { return reinterpret_cast<std::uintptr_t>(&f) % 128 == 0; }, asio::use_future).get());
    sharded<fixed> second(here.pool);
    second.async_start(asio::use_future).get();
    EXPECT_EQ(second.invoke_on(0, [](fixed& f) { return f.number; }, asio::use_future).get(), 1);
}

TEST(sharded, destroys_what_was_built_where_a_constructor_throws) {
    for (std::uint32_t nth = 0; nth < 3; ++nth) {
        shard_log log;
        task_pool_here here(3);
        sharded<homebody> shards(here.pool);
        const auto make = [&](const worker_site& at) -> homebody {
            if (at.index == nth) { throw std::runtime_error("no room"); }
            return homebody(log, at.index);
        };
        EXPECT_THROW(shards.start_with(make), std::runtime_error);
        EXPECT_EQ(log.alive, 0);
        EXPECT_EQ(code_of(shards.invoke_on(0, &homebody::place, asio::use_future)), errc::stopped);
        EXPECT_EQ(code_of([&] { shards.start_with(make); }), errc::stopped);
        shards.stop();
        sharded<homebody> others(here.pool);
        EXPECT_EQ(what_of(others.async_start_with(make, asio::use_future)), "no room");
        EXPECT_EQ(log.alive, 0);
    }
}

TEST(sharded, takes_no_call_before_its_start_and_starts_once) {
    task_pool_here here(1);
    sharded<int> shards(here.pool);
    EXPECT_EQ(code_of(shards.invoke_on(0, [](int& n) { return n; }, asio::use_future)), errc::not_started);
    shards.start(5);
    EXPECT_EQ(code_of([&] { shards.start(6); }), errc::already_started);
    EXPECT_EQ(code_of(shards.async_start(asio::use_future)), errc::already_started);
    EXPECT_EQ(shards.invoke_on(0, [](int& n) { return n; }, asio::use_future).get(), 5);
    EXPECT_EQ(code_of(shards.invoke_on(1, [](int& n) { return n; }, asio::use_future)), errc::no_worker);
}

TEST(sharded, knows_the_local_shard_on_its_worker_only) {
    sharded_homes all(2);
    for (std::uint32_t i = 0; i < 2; ++i) {
        EXPECT_EQ(asio::post(all.here.pool.on(i), asio::use_future([&] { return all.shards.local().place(); })).get(), i);
    }
    EXPECT_EQ(code_of([&] { all.shards.local(); }), errc::no_worker);
    EXPECT_EQ(all.shards.try_local(), nullptr);
    all.shards.stop();
    EXPECT_TRUE(asio::post(all.here.pool.on(0u), asio::use_future([&] { return all.shards.try_local() == nullptr; })).get());
}

TEST(sharded, homes_keys_as_its_pool_does) {
    sharded_homes all(3);
    for (std::uint64_t key = 0; key < 50; ++key) {
        EXPECT_EQ(all.shards.executor_of(all.shards.home_of(key)), all.here.pool.home_of(key));
        EXPECT_EQ(all.shards.invoke_on_home(key, &homebody::place, asio::use_future).get(), all.shards.home_of(key));
    }
}

TEST(sharded, keeps_the_order_of_calls_to_one_shard) {
    sharded_homes all(1);
    std::vector<int> order;
    for (int i = 0; i < 1000; ++i) {
        all.shards.invoke_on(0, [&order, i](homebody&) { order.push_back(i); }, [](std::exception_ptr) {});
    }
    all.shards.stop();
    ASSERT_EQ(order.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(sharded, answers_from_a_worker_to_another_and_to_itself) {
    sharded_homes all(2);
    const auto sum = asio::co_spawn(
        all.here.pool.on(0u),
        [&]() -> asio::awaitable<int> {
            int total = 0;
            for (int i = 0; i < 100; ++i) {
                total += co_await all.shards.invoke_on(1, [](homebody& h) { return h.add(1); }, asio::use_awaitable);
                total += co_await all.shards.invoke_on(0, [](homebody& h) { return h.add(2); }, asio::use_awaitable);
                EXPECT_EQ(all.shards.local().place(), 0u);  // back on its own worker
            }
            co_return total;
        },
        asio::use_future);
    EXPECT_EQ(sum.wait_for(60s), std::future_status::ready);
}

TEST(sharded, delivers_exceptions_results_that_only_move_and_nothing) {
    sharded_homes all(2);
    EXPECT_EQ(what_of(all.shards.invoke_on(1, [](homebody&) -> int { throw std::out_of_range("f"); }, asio::use_future)), "f");
    EXPECT_EQ(what_of(all.shards.invoke_on(1, [](homebody&) { throw std::out_of_range("f"); }, asio::use_future)), "f");
    EXPECT_EQ(*all.shards.invoke_on(1, [p = std::make_unique<int>(3)](homebody&) mutable { return std::move(p); }, asio::use_future).get(), 3);
    all.shards.invoke_on(1, [](homebody&) {}, asio::use_future).get();
    for (const auto& worker : all.here.pool.status().workers) { EXPECT_EQ(worker.failed, 0u); }
}

TEST(sharded, takes_any_completion_token) {
    sharded_homes all(2);
    asio::io_context io;
    const auto add = [](homebody& h) { return h.add(1); };
    auto later = all.shards.invoke_on(0, add, asio::deferred);
    EXPECT_EQ(std::move(later)(asio::use_future).get(), 1);
    std::promise<int> called;
    all.shards.invoke_on(0, add, [&](std::exception_ptr failed, int n) { called.set_value(failed ? 0 : n); });
    EXPECT_EQ(called.get_future().get(), 2);
    int seen = 0;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            const auto [failed, n] = co_await all.shards.invoke_on(0, add, asio::as_tuple(asio::use_awaitable));
            EXPECT_FALSE(failed);
            EXPECT_TRUE(io.get_executor().running_in_this_thread());
            seen = n;
        },
        [](std::exception_ptr failed) { EXPECT_FALSE(failed); });
    io.run();  // held by the operation
    EXPECT_EQ(seen, 3);
}

TEST(sharded, invokes_handlers_on_their_executors_and_by_default_on_the_pool) {
    std::promise<bool> in_pool, in_strand;
    std::promise<void> held;
    sharded_homes all(2);
    all.shards.invoke_on(1, &homebody::place, [&](auto, auto) { in_pool.set_value(all.shards.get_executor().running_in_this_thread()); });
    EXPECT_TRUE(in_pool.get_future().get());
    std::atomic<bool> last{false};
    task_pool_here other(1);
    auto strand = asio::make_strand(other.pool.get_executor());
    all.shards.invoke_on(1, &homebody::place, asio::bind_executor(strand, [&](auto, auto) { in_strand.set_value(strand.running_in_this_thread()); }));
    EXPECT_TRUE(in_strand.get_future().get());
    all.shards.invoke_on(0, [&](homebody&) { held.get_future().wait(); }, asio::bind_executor(other.pool.on(0u), [&](auto) { last = true; }));
    EXPECT_GE(other.pool.status().work, 1);
    EXPECT_EQ(all.here.pool.status().work, 0);
    held.set_value();
    other.pool.join();  // held by the operation
    EXPECT_TRUE(last);
}

TEST(sharded, takes_memory_of_the_handlers_allocator_and_gives_it_back_before_the_handler_runs) {
    struct counting : std::pmr::memory_resource {
        std::atomic<int> taken{0}, given{0};
        void* do_allocate(std::size_t n, std::size_t a) override { return ++taken, std::pmr::new_delete_resource()->allocate(n, a); }
        void do_deallocate(void* p, std::size_t n, std::size_t a) override { ++given, std::pmr::new_delete_resource()->deallocate(p, n, a); }
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    } memory;
    sharded_homes all(2);
    const std::pmr::polymorphic_allocator<std::byte> allocator(&memory);
    std::promise<bool> one, each;
    all.shards.invoke_on(1, &homebody::place, asio::bind_allocator(allocator, [&](auto, auto) { one.set_value(memory.taken == 1 && memory.given == 1); }));
    EXPECT_TRUE(one.get_future().get());
    all.shards.invoke_on_all(&homebody::place, asio::bind_allocator(allocator, [&](auto) { each.set_value(memory.taken > 1 && memory.given == memory.taken); }));
    EXPECT_TRUE(each.get_future().get());
}

TEST(sharded, calls_all_and_tells_of_the_first_that_fails) {
    sharded_homes all(3);
    all.shards.invoke_on_all([](homebody& h) { h.add(4); }, asio::use_future).get();
    EXPECT_EQ(all.shards.map_reduce([](homebody& h) { return h.add(0); }, std::plus<>(), 0, asio::use_future).get(), 12);
    std::atomic<int> ran{0};
    const auto fail = [&](homebody& h) {
        ++ran;
        if (h.place() != 0) { throw std::runtime_error(std::to_string(h.place())); }
    };
    EXPECT_EQ(what_of(all.shards.invoke_on_all(fail, asio::use_future)), "1");
    EXPECT_EQ(ran, 3);
}

TEST(sharded, reduces_in_the_order_of_the_shards_whoever_answers_first) {
    sharded_homes all(4);
    for (int round = 0; round < 20; ++round) {
        const auto text = all.shards.map_reduce(
            [round](homebody& h) {
                std::this_thread::sleep_for(std::chrono::microseconds((h.place() * 7 + static_cast<unsigned>(round)) % 5 * 300));
                return std::make_unique<std::string>(std::to_string(h.place()));
            },
            [](std::string total, std::unique_ptr<std::string> one) { return total + *one; }, std::string(">"), asio::use_future);
        EXPECT_EQ(const_cast<std::future<std::string>&>(text).get(), ">0123");
    }
    EXPECT_EQ(what_of(all.shards.map_reduce(&homebody::place, [](int, std::uint32_t) -> int { throw std::runtime_error("reduce"); }, 0, asio::use_future)), "reduce");
    asio::io_context io;
    bool at_home = false;
    all.shards.map_reduce(&homebody::place, [&](std::uint32_t a, std::uint32_t b) { return at_home = io.get_executor().running_in_this_thread(), a + b; }, 0u,
                          asio::bind_executor(io, [&](std::exception_ptr failed, std::uint32_t n) { EXPECT_TRUE(!failed && n == 6 && at_home); }));
    io.run();
    EXPECT_TRUE(at_home);
}

TEST(sharded, runs_coroutines_on_the_worker) {
    sharded_homes all(2);
    const auto wait_and_add = [](homebody& h) -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 2ms);
        const auto before = h.place();
        co_await timer.async_wait(asio::use_awaitable);
        EXPECT_EQ(h.place(), before);  // the same thread
        co_return h.add(1);
    };
    std::vector<std::future<int>> waiting;
    for (int i = 0; i < 20; ++i) { waiting.push_back(all.shards.invoke_on(1, wait_and_add, asio::use_future)); }
    EXPECT_EQ(all.shards.invoke_on(1, [](homebody& h) { return h.add(0); }, asio::use_future).get(), 0);  // not behind those that wait
    int most = 0;
    for (auto& w : waiting) { most = std::max(most, w.get()); }
    EXPECT_EQ(most, 20);
    EXPECT_EQ(all.shards.map_reduce(wait_and_add, std::plus<>(), 0, asio::use_future).get(), 22);
    EXPECT_EQ(what_of(all.shards.invoke_on(0, [](homebody&) -> asio::awaitable<void> { throw std::runtime_error("co"); co_return; }, asio::use_future)), "co");
    all.shards.invoke_on_all([](homebody&) -> asio::awaitable<void> { co_return; }, asio::use_future).get();
}

TEST(sharded, refuses_new_calls_from_outside_where_the_pool_is_full) {
    auto plan = test::task_pool_plan();
    plan.tasks.capacity = 2;
    std::promise<void> go, busy;
    sharded_homes all(2, 1, shard_per::worker, plan);
    asio::io_context io;
    all.shards.invoke_on(0, [&](homebody&) { busy.set_value(), go.get_future().wait(); }, [](auto) {});
    busy.get_future().wait();
    std::atomic<int> ran{0}, refused{0}, ended{0};
    auto count = asio::bind_executor(io, [&](std::exception_ptr failed) { refused += code_in(failed) == errc::pool_full, ++ended; });
    for (int i = 0; i < 10; ++i) { all.shards.invoke_on(0, [&](homebody&) { ++ran; }, count); }
    for (int i = 0; i < 10; ++i) { all.shards.invoke_on_all([&](homebody&) { ++ran; }, count); }
    go.set_value();
    io.run();
    EXPECT_EQ(ended, 20);
    EXPECT_EQ(ran, 2);
    EXPECT_EQ(refused, 18);
}

}  // namespace
}  // namespace numasio
