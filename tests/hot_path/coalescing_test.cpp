// When a worker lets requests of a stream come together, with times made up.
#include "hot_path/coalescing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace numasio::hot_path {
namespace {

/// A worker that serves requests as they have come: a sweep takes 100 ns and 20 ns for each request, 64 at most; an empty look 30 ns.
struct simulated_worker {
    /// Serves what `comes(number)` says the time of, until there are none before `end_ns`.
    void serve(const std::function<std::int64_t(std::uint64_t)>& comes, std::int64_t end_ns, std::uint64_t whole = 64) {
        for (std::int64_t now_ns = 0; now_ns < end_ns;) {
            std::uint64_t n = 0;
            while (n < whole && comes(served + n) <= now_ns) { ++n; }
            if (n == 0) {
                stream.interrupt();
                now_ns += 30;
                continue;
            }
            now_ns += 100 + 20 * static_cast<std::int64_t>(n);
            for (std::uint64_t i = 0; i < n; ++i) { worst_ns = std::max(worst_ns, now_ns - comes(served + i)); }
            served += n;
            ++sweeps;
            if (n == 1 && !stream.is_on()) { continue; }
            const auto until = stream.wait_until(n, n == whole, now_ns);
            waits += until != 0 ? 1 : 0;
            now_ns = std::max(now_ns, until);
        }
    }
    coalescing stream;
    std::uint64_t served = 0;
    int sweeps = 0, waits = 0;
    std::int64_t worst_ns = 0;
};

TEST(coalescing, waits_in_a_stream_that_is_dense) {
    simulated_worker worker;
    worker.serve([](std::uint64_t n) { return 50 * static_cast<std::int64_t>(n); }, 1'000'000);
    EXPECT_GT(worker.waits, 250) << "of two microseconds each in a millisecond";
    EXPECT_LT(worker.worst_ns, 2 * coalescing::longest_wait_ns + 1'000);
}

TEST(coalescing, waits_in_no_stream_that_is_not) {
    for (const std::int64_t gap_ns : {101, 110, 150, 1'000, 100'000}) {
        simulated_worker worker;
        worker.serve([&](std::uint64_t n) { return gap_ns * static_cast<std::int64_t>(n); }, 5'000'000);
        EXPECT_EQ(worker.waits, 0) << gap_ns;
    }
    coalescing stream;  // where sweeps are long, too
    std::int64_t now_ns = 0;
    for (int i = 0; i < 1'000; ++i) { EXPECT_EQ(stream.wait_until(20, false, now_ns += 20 * 101), 0) << i; }
    for (std::uint32_t i = 1; i < coalescing::sweeps_of_a_stream; ++i) { EXPECT_EQ(stream.wait_until(20, false, now_ns += 20 * 99), 0) << i; }
    EXPECT_NE(stream.wait_until(20, false, now_ns += 20 * 99), 0);
}

TEST(coalescing, waits_in_no_burst_that_is_short) {
    for (const std::uint64_t size : {2, 16, 32, 128, 400}) {  // all at once, every hundred microseconds
        simulated_worker worker;
        worker.serve([&](std::uint64_t n) { return static_cast<std::int64_t>(n / size) * 100'000; }, 10'000'000);
        EXPECT_EQ(worker.waits, 0) << size;
    }
    simulated_worker worker;  // 20 in half a microsecond, every ten
    worker.serve([](std::uint64_t n) { return static_cast<std::int64_t>(n / 20 * 10'000 + n % 20 * 25); }, 10'000'000);
    EXPECT_EQ(worker.waits, 0);
    EXPECT_LT(worker.worst_ns, 1'000);
}

TEST(coalescing, waits_once_at_most_behind_a_long_burst) {
    simulated_worker worker;  // 200 in ten microseconds, every hundred
    worker.serve([](std::uint64_t n) { return static_cast<std::int64_t>(n / 200 * 100'000 + n % 200 * 50); }, 10'000'000);
    EXPECT_GT(worker.waits, 100);
    EXPECT_LT(worker.worst_ns, 2 * coalescing::longest_wait_ns + 1'000);
}

TEST(coalescing, waits_never_where_a_sweep_has_left_some) {
    for (const std::uint64_t whole : {8, 48, 63, 64}) {
        simulated_worker worker;
        worker.serve([](std::uint64_t) { return 0; }, 1'000'000, whole);
        EXPECT_EQ(worker.waits, 0) << whole;
    }
}

TEST(coalescing, is_left_out_where_those_that_wait_for_replies_send_no_more) {
    coalescing stream;  // sixteen in flight, and all of them in each sweep: more do not come, however long the worker waits
    std::int64_t now_ns = 0, waited_ns = 0;
    constexpr int sweeps = 100'000;
    for (int i = 0; i < sweeps; ++i) {
        const auto until = stream.wait_until(16, false, now_ns += 1'000);
        waited_ns += until != 0 ? until - now_ns : 0;
        now_ns = std::max(now_ns, until);
    }
    EXPECT_GT(waited_ns, 0);
    EXPECT_LT(waited_ns, now_ns / 100) << "of all the time";
}

TEST(coalescing, is_tried_again_where_a_stream_begins) {
    coalescing stream;
    std::int64_t now_ns = 0;
    for (int i = 0; i < 100'000; ++i) { now_ns = std::max(now_ns + 1'000, stream.wait_until(16, false, now_ns + 1'000)); }
    int waits = 0;
    for (int i = 0; i < 4'000; ++i) { waits += stream.wait_until(60, false, now_ns += 2'500) != 0 ? 1 : 0; }
    EXPECT_GT(waits, 2'000);
}

}  // namespace
}  // namespace numasio::hot_path
