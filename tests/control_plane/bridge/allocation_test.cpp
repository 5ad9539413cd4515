// In the steady state the worker takes no memory from the heap. malloc and its kin are interposed, because Asio
// allocates by aligned_alloc: counting operator new alone could never fail.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/call_batch.hpp>
#include <numasio/stream.hpp>

#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {
thread_local std::uint64_t taken = 0;       // heap allocations of this thread
thread_local bool is_starter = false;       // the test's own thread
thread_local std::uint64_t refused_at = 0;  // the allocation of the starter that fails; 0: none
std::atomic<std::uint64_t> taken_by_others{0};
std::atomic<std::uint64_t> others_refused_at{0};  // the same for all other threads together

bool granted() noexcept {
    ++taken;
    if (is_starter) { return taken != refused_at; }
    return taken_by_others.fetch_add(1) + 1 != others_refused_at.load();
}
}

extern "C" {
void* malloc(std::size_t n) noexcept { return granted() ? __libc_malloc(n) : nullptr; }
void* calloc(std::size_t n, std::size_t size) noexcept { return granted() ? __libc_calloc(n, size) : nullptr; }
void* realloc(void* p, std::size_t n) noexcept { return granted() ? __libc_realloc(p, n) : nullptr; }
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
    return granted() ? __libc_memalign(alignment, n) : nullptr;
}
void* memalign(std::size_t alignment, std::size_t n) noexcept { return aligned_alloc(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
    *p = aligned_alloc(alignment, n);
    return *p != nullptr ? 0 : ENOMEM;
}
}

namespace numasio::test {
namespace {

/// Answers how many allocations its worker's thread has made so far.
struct teller {
    explicit teller(node_context&) {}
    std::uint64_t operator()(int) const noexcept { return taken; }
};

/// Keeps 64 calls in flight until `left` is used up; remembers the highest answer.
struct next_call {
    port<int, std::uint64_t>& p;
    int& left;
    std::uint64_t& answer;
    void operator()(error_code ec, std::uint64_t count) {
        ASSERT_FALSE(ec);
        answer = std::max(answer, count);
        if (left-- > 0) { p.async_call({0}, 1, next_call{p, left, answer}); }
    }
};

TEST(allocation, the_interposition_sees_each_way_to_allocate) {
    static void* volatile sink;  // or the compiler leaves out what nobody looks at
    const auto before = taken;
    sink = new int;
    delete static_cast<int*>(sink);
    sink = std::aligned_alloc(64, 64);
    std::free(sink);
    sink = std::malloc(8);
    std::free(sink);
    EXPECT_EQ(taken, before + 3);
}

TEST(allocation, a_worker_takes_nothing_from_the_heap_in_the_steady_state) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker(128)};
    auto& p = b.open<int, std::uint64_t, teller>("p");
    b.start();
    const auto run = [&](int calls) {
        std::uint64_t answer = 0;
        for (int i = 0; i < 64; ++i) { p.async_call({0}, 1, next_call{p, calls, answer}); }
        io.run();
        io.restart();
        return answer;
    };
    const auto warm = run(1'000);
    const auto callers = taken;
    EXPECT_EQ(run(100'000), warm);
    EXPECT_EQ(taken - callers, 0U);  // nor does the calling side, for a small handler on the bridge's executor
}

TEST(allocation, a_batch_of_calls_takes_nothing_from_the_heap) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker(128)};
    auto& p = b.open<int, std::uint64_t, teller>("p");
    b.start();
    std::uint64_t answer = 0;
    const auto run = [&](int batches) {
        for (int i = 0; i < batches; ++i) {
            {
                call_batch collected(p, home{0});
                for (int n = 0; n < 100; ++n) { EXPECT_FALSE(collected.try_call(1, [&](error_code, std::uint64_t count) { answer = count; })); }
            }
            io.run();
            io.restart();
        }
        return answer;
    };
    const auto warm = run(10);
    const auto callers = taken;
    EXPECT_EQ(run(500), warm);
    EXPECT_LE(taken - callers, 500U);  // of 50,000 calls: Asio's cache for posts begins anew with each run()
}

/// Items tell the same.
struct telling_stream {
    explicit telling_stream(node_context&) {}
    struct told {
        std::optional<std::uint64_t> next() const noexcept { return taken; }
    };
    told operator()(int) const noexcept { return {}; }
};

/// Reads `left` more items; remembers the highest.
struct next_item {
    reply_stream<std::uint64_t>& s;
    int& left;
    std::uint64_t& answer;
    void operator()(error_code ec, std::optional<std::uint64_t> count) {
        ASSERT_FALSE(ec);
        answer = std::max(answer, *count);
        if (left-- > 0) { s.async_next(next_item{s, left, answer}); }
    }
};

TEST(allocation, a_stream_takes_nothing_from_the_heap_for_an_item) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker(128)};
    auto& p = b.open<int, stream_of<std::uint64_t>, telling_stream>("p");
    b.start();
    for (const std::uint32_t credit : {1U, 64U}) {
        reply_stream<std::uint64_t> s;
        p.async_stream({0}, 0, credit, [&](error_code, auto opened) { s = std::move(opened); });
        io.run();
        io.restart();
        const auto run = [&](int items) {
            std::uint64_t answer = 0;
            s.async_next(next_item{s, items, answer});
            io.run();
            io.restart();
            return answer;
        };
        const auto warm = run(1'000);
        const auto readers = taken;
        EXPECT_EQ(run(20'000), warm);
        EXPECT_LE(taken - readers, 4U);  // of all these items: Asio's cache for posts begins anew with each run()
    }
}

std::size_t threads_of_process() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

const std::size_t threads_at_first = threads_of_process();  // before any worker

/// A thread that was joined leaves the list a moment later.
bool no_thread_is_left() {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (threads_of_process() != threads_at_first) {
        if (std::chrono::steady_clock::now() > until) { return false; }
        std::this_thread::yield();
    }
    return true;
}

/// One start; the refusal is armed by `arm` and disarmed by `disarm`, which says whether it was reached.
/// Returns false where the start needed fewer allocations.
template <class Arm, class Disarm>
bool start_refused(Arm arm, Disarm disarm, int& failures) {
    asio::io_context io;
    auto asked = one_worker();
    asked.pools.front().workers_per_node.reset();
    bridge b{io.get_executor(), asked};
    b.open<int, std::uint64_t, teller>("p");
    arm();
    bool failed = false;
    try {
        b.start();
    } catch (const std::bad_alloc&) {
        failed = true;
    } catch (const boost::system::system_error&) {
        failed = true;
    }
    const bool reached = disarm();
    EXPECT_NE(failed, b.status().accepting);
    if (failed) { EXPECT_TRUE(no_thread_is_left()); }
    failures += failed;
    return reached;
}

TEST(allocation, a_start_whose_own_memory_fails_at_any_point_ends_in_an_exception_and_leaves_no_thread) {
    is_starter = true;
    int failures = 0;
    for (std::uint64_t nth = 1; start_refused([nth] { refused_at = taken + nth; },
                                              [] { return taken >= std::exchange(refused_at, 0); }, failures);
         ++nth) {}
    EXPECT_GT(failures, 5);
}

TEST(allocation, a_start_whose_workers_memory_fails_at_any_point_ends_in_an_exception_and_leaves_no_thread) {
    is_starter = true;
    int failures = 0;
    for (std::uint64_t nth = 1;
         start_refused([nth] { others_refused_at = taken_by_others + nth; },
                       [] { return taken_by_others.load() >= others_refused_at.exchange(0); }, failures);
         ++nth) {}
    EXPECT_GT(failures, 5);
}

}  // namespace
}  // namespace numasio::test
