// A foreign_ptr ends where there is no memory left: its way back was reserved. malloc and its kin are interposed, because Asio allocates by aligned_alloc.
#include <numasio/foreign_ptr.hpp>

#include <numasio/node_pool.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {
thread_local bool exhausted = false;  // of this thread
}

extern "C" {
void* malloc(std::size_t n) noexcept { return exhausted ? nullptr : __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) noexcept { return exhausted ? nullptr : __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) noexcept { return exhausted ? nullptr : __libc_realloc(p, n); }
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept { return exhausted ? nullptr : __libc_memalign(alignment, n); }
void* memalign(std::size_t alignment, std::size_t n) noexcept { return aligned_alloc(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
    *p = aligned_alloc(alignment, n);
    return *p != nullptr ? 0 : ENOMEM;
}
}

namespace numasio::test {
namespace {

namespace asio = boost::asio;

struct counted {
    explicit counted(std::atomic<int>& n) : alive(n) { ++alive; }
    ~counted() { --alive; }
    std::atomic<int>& alive;
};

/// Ends some of them on a thread that never had memory for tasks, and has none to get.
template <class Executor>
int left_after_ends_without_memory(const Executor& owner, auto&& run) {
    std::atomic<int> alive{0};
    std::vector<foreign_ptr<std::unique_ptr<counted>>> some;
    for (int i = 0; i < 100; ++i) { some.push_back(make_foreign(owner, std::make_unique<counted>(alive))); }
    std::thread([&] {
        exhausted = true;
        for (auto& p : some) { p.reset(); }
        exhausted = false;
    }).join();
    run();
    return alive;
}

TEST(foreign_memory, is_reserved_for_the_way_to_each_kind_of_executor) {
    task_pool_here here(2);
    asio::io_context io;
    asio::thread_pool threads(1);
    const auto poll = [&] { io.restart(), io.run(); };
    const auto last_of = [](const auto& executor) { return [&] { asio::post(executor, asio::use_future([] {})).get(); }; };
    EXPECT_EQ(left_after_ends_without_memory(here.pool.on(0u), last_of(here.pool.on(0u))), 0);
    EXPECT_EQ(left_after_ends_without_memory(asio::any_io_executor(here.pool.on(1u)), last_of(here.pool.on(1u))), 0);
    const auto strand = asio::make_strand(here.pool.get_executor());
    EXPECT_EQ(left_after_ends_without_memory(strand, last_of(strand)), 0);
    EXPECT_EQ(left_after_ends_without_memory(threads.get_executor(), last_of(threads.get_executor())), 0);
    const auto other_strand = asio::make_strand(threads);
    EXPECT_EQ(left_after_ends_without_memory(other_strand, last_of(other_strand)), 0);
    EXPECT_EQ(left_after_ends_without_memory(io.get_executor(), poll), 0);
    EXPECT_EQ(left_after_ends_without_memory(asio::any_io_executor(io.get_executor()), poll), 0);
    EXPECT_EQ(left_after_ends_without_memory(asio::make_strand(io), poll), 0);
}

TEST(foreign_memory, that_an_executor_does_not_take_leaves_the_object_where_there_is_no_other) {
    asio::io_context io;
    // An executor around an executor that is not known: what is posted through it takes memory of its own.
    const asio::any_io_executor hidden = asio::make_strand(asio::any_io_executor(io.get_executor()));
    EXPECT_EQ(left_after_ends_without_memory(hidden, [&] { io.restart(), io.run(); }), 100);
}

}  // namespace
}  // namespace numasio::test
