// What a foreign_ptr owns is destroyed on its owner, wherever the pointer ends.
#include <numasio/foreign_ptr.hpp>

#include <numasio/local_ptr.hpp>
#include <numasio/node_pool.hpp>

#include "support/failures.hpp"
#include "support/task_pools.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::code_of;
using test::task_pool_here;
using test::thread_of;
using test::what_of;

static_assert(sizeof(foreign_ptr<std::unique_ptr<int>>) == sizeof(void*));
static_assert(std::is_nothrow_move_constructible_v<foreign_ptr<local_ptr<int>>> && !std::is_copy_constructible_v<foreign_ptr<local_ptr<int>>>);

/// Tells where it is destroyed.
struct told {
    explicit told(std::promise<std::thread::id>& where) : where_(where) {}
    ~told() { where_.set_value(std::this_thread::get_id()); }
    std::promise<std::thread::id>& where_;
    int value = 7;
};

TEST(foreign_ptr, destroys_on_its_owner_what_ends_on_another_worker) {
    task_pool_here here(2);
    std::promise<std::thread::id> where;
    auto p = asio::post(here.pool.on(0u), asio::use_future([&] { return make_foreign(here.pool.on(0u), std::make_unique<told>(where)); })).get();
    EXPECT_EQ(p->value, 7);
    asio::post(here.pool.on(1u), [q = std::move(p)] {});
    EXPECT_EQ(where.get_future().get(), thread_of(here.pool.on(0u)));
}

TEST(foreign_ptr, destroys_on_its_owner_what_ends_on_a_plain_thread) {
    task_pool_here here(2);
    std::promise<std::thread::id> where;
    { const auto p = make_foreign(here.pool.on(1u), std::make_unique<told>(where)); }
    EXPECT_EQ(where.get_future().get(), thread_of(here.pool.on(1u)));
}

TEST(foreign_ptr, destroys_at_once_on_its_owner) {
    task_pool_here here(1);
    std::promise<std::thread::id> where;
    auto seen = where.get_future();
    EXPECT_TRUE(asio::post(here.pool.on(0u), asio::use_future([&] {
                               make_foreign(here.pool.on(0u), std::make_unique<told>(where)).reset();
                               return seen.wait_for(0s) == std::future_status::ready;
                           })).get());
}

TEST(foreign_ptr, is_brought_back_by_a_full_pool_too) {
    auto plan = test::task_pool_plan();
    plan.tasks.capacity = 2;
    task_pool_here here(1, plan);
    std::promise<void> go;
    asio::post(here.pool.on(0u), [&] { go.get_future().wait(); });
    while (!here.pool.try_post(here.pool.on(0u), [] {})) {}
    std::promise<std::thread::id> where;
    make_foreign(here.pool.on(0u), std::make_unique<told>(where)).reset();
    auto seen = where.get_future();
    EXPECT_EQ(seen.wait_for(0s), std::future_status::timeout);
    go.set_value();
    EXPECT_EQ(seen.get(), thread_of(asio::any_io_executor(here.pool.on(0u))));
}

TEST(foreign_ptr, that_ends_after_its_pool_was_stopped_is_destroyed_once_with_the_pool) {
    std::promise<std::thread::id> where;
    auto seen = where.get_future();
    {
        task_pool_here here(1);
        auto p = make_foreign(here.pool.on(0u), std::make_unique<told>(where));
        here.pool.stop();
        here.pool.join();
        p.reset();
        EXPECT_EQ(seen.wait_for(0s), std::future_status::timeout);
    }
    EXPECT_EQ(seen.get(), std::this_thread::get_id());
}

TEST(foreign_ptr, knows_any_asio_executor_as_owner) {
    asio::io_context io;
    asio::thread_pool threads(1);
    const auto strand = asio::make_strand(threads);
    std::promise<std::thread::id> in_io, in_strand, in_threads;
    make_foreign(io.get_executor(), std::make_unique<told>(in_io)).reset();
    make_foreign(strand, std::make_unique<told>(in_strand)).reset();
    make_foreign(asio::any_io_executor(threads.get_executor()), std::make_shared<told>(in_threads)).reset();
    auto seen = in_io.get_future();
    EXPECT_EQ(seen.wait_for(0s), std::future_status::timeout);
    io.run();
    EXPECT_EQ(seen.get(), std::this_thread::get_id());
    const auto thread = thread_of(threads.get_executor());
    EXPECT_EQ(in_strand.get_future().get(), thread);
    EXPECT_EQ(in_threads.get_future().get(), thread);
}

TEST(foreign_ptr, whose_owner_never_runs_again_is_destroyed_with_its_context) {
    std::promise<std::thread::id> in_io, in_strand;
    auto seen = in_io.get_future();
    {
        asio::io_context io;
        make_foreign(io.get_executor(), std::make_unique<told>(in_io)).reset();
        make_foreign(asio::make_strand(io), std::make_unique<told>(in_strand)).reset();
        EXPECT_EQ(seen.wait_for(0s), std::future_status::timeout);
    }
    seen.get();
    in_strand.get_future().get();
}

TEST(foreign_ptr, gives_its_pointer_back_to_the_owner_only) {
    task_pool_here here(2);
    auto p = make_foreign(here.pool.on(0u), std::make_unique<int>(5));
    const auto release_on = [&](std::uint32_t worker) { return asio::post(here.pool.on(worker), asio::use_future([&] { return *p.release(); })); };
    EXPECT_EQ(code_of([&] { p.release(); }), errc::not_the_owner);
    EXPECT_EQ(code_of(release_on(1)), errc::not_the_owner);
    EXPECT_EQ(release_on(0).get(), 5);
    EXPECT_FALSE(p);
    EXPECT_EQ(p.release(), nullptr);
    EXPECT_FALSE(p.get_owner_executor());
}

TEST(foreign_ptr, copies_a_local_pointer_on_its_owner) {
    task_pool_here here(2);
    std::promise<std::thread::id> where;
    const auto home = here.pool.on(0u);
    local_ptr<told> kept;
    auto p = asio::post(home, asio::use_future([&] {
                            kept = make_local<told>(where);
                            return make_foreign(home, local_ptr<told>(kept));
                        })).get();
    auto second = p.async_copy(asio::use_future).get();
    EXPECT_EQ(second.get(), p.get());
    EXPECT_EQ(second.get_owner_executor(), asio::any_io_executor(home));
    std::vector<foreign_ptr<local_ptr<told>>> many;
    for (int i = 0; i < 20; ++i) { many.push_back(second.async_copy(asio::deferred)(asio::use_future).get()); }
    many.clear();
    p.reset();
    second.reset();
    EXPECT_EQ(asio::post(home, asio::use_future([&] { return kept.local_use_count(); })).get(), 1);
    asio::post(home, [&] { kept.reset(); });
    EXPECT_EQ(where.get_future().get(), thread_of(home));
}

TEST(foreign_ptr, may_end_while_it_is_copied) {
    task_pool_here here(1);
    std::promise<std::thread::id> where;
    std::promise<void> go;
    asio::post(here.pool.on(0u), [&] { go.get_future().wait(); });
    auto p = make_foreign(here.pool.on(0u), std::make_shared<told>(where));
    auto copied = p.async_copy(asio::use_future);
    p.reset();
    go.set_value();
    EXPECT_EQ(copied.get()->value, 7);
    EXPECT_EQ(where.get_future().get(), thread_of(here.pool.on(0u)));
}

TEST(foreign_ptr, resumes_who_copies_on_its_own_executor) {
    task_pool_here here(2);
    asio::io_context io;
    auto p = make_foreign(here.pool.on(0u), std::make_shared<int>(5));
    const auto done = asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            const auto second = co_await p.async_copy(asio::use_awaitable);
            EXPECT_TRUE(io.get_executor().running_in_this_thread());
            const auto [failed, third] = co_await second.async_copy(asio::as_tuple(asio::use_awaitable));
            EXPECT_TRUE(io.get_executor().running_in_this_thread());
            EXPECT_EQ(*third, 5);
        },
        asio::use_future);
    io.run();
    EXPECT_EQ(done.wait_for(0s), std::future_status::ready);
}

TEST(foreign_ptr, says_what_copying_throws) {
    struct sore {
        sore() = default;
        sore(sore&&) noexcept = default;
        sore(const sore&) { throw std::runtime_error("sore"); }
        using element_type = int;
        int* get() const noexcept { return nullptr; }
    };
    task_pool_here here(1);
    const auto p = make_foreign(here.pool.on(0u), sore());
    EXPECT_EQ(what_of(p.async_copy(asio::use_future)), "sore");
}

TEST(foreign_ptr, is_destroyed_once_each_wherever_many_of_them_wander) {
    struct counted {
        counted(std::atomic<int>& n, std::thread::id at) : alive(n), home(at) { ++alive; }
        ~counted() {
            EXPECT_EQ(std::this_thread::get_id(), home);
            --alive;
        }
        std::atomic<int>& alive;
        std::thread::id home;
    };
    using pointer = foreign_ptr<local_ptr<counted>>;
    std::atomic<int> alive{0};
    task_pool_here here(3);
    constexpr std::uint32_t each = 400;
    std::latch all(3 * each);
    const std::function<void(pointer, std::uint32_t)> wander = [&](pointer p, std::uint32_t hops) {
        const auto next = hops * 2654435761u >> 7;
        if (hops % 5 == 0) { p.async_copy([](std::exception_ptr, pointer) {}); }
        if (hops == 0) {
            p.reset();
            all.count_down();
        } else {
            asio::post(here.pool.on(next % 3), [&wander, q = std::move(p), hops]() mutable { wander(std::move(q), hops - 1); });
        }
    };
    for (std::uint32_t worker = 0; worker < 3; ++worker) {
        asio::post(here.pool.on(worker), [&, worker] {
            for (std::uint32_t i = 0; i < each; ++i) {
                wander(make_foreign(here.pool.on(worker), make_local<counted>(alive, std::this_thread::get_id())), i % 17);
            }
        });
    }
    all.wait();
    here.pool.join();
    EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace numasio
