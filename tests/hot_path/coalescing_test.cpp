// When a worker lets requests of a stream come together, with times made up.
#include "hot_path/coalescing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace numasio::hot_path {
namespace {

constexpr std::size_t whole = 64;

/// A worker that serves a stream with a request each `gap_ns`; of those that wait for replies at most `window` come before they have them.
struct stream {
    explicit stream(std::int64_t gap, std::size_t open = 1'000'000) : gap_ns(gap), window(open) {}

    /// One sweep, which takes 10 ns for each request and 100 ns more; how long the worker waits after it.
    std::int64_t sweep() {
        const auto came = std::min(window, static_cast<std::size_t>((now_ns - taken_until_ns) / gap_ns) + left);
        const auto served = std::min(came, whole);
        left = window < 1'000'000 ? 0 : came - served;
        taken_until_ns = now_ns;
        if (served == 0) {
            now_ns += 100;
            return 0;
        }
        now_ns += 100 + 10 * static_cast<std::int64_t>(served);
        if (served == 1 && !worker.is_on()) { return 0; }
        const auto until = worker.wait_until(served, now_ns);
        const auto wait = until == 0 ? 0 : until - now_ns;
        now_ns += wait;
        return wait;
    }

    coalescing worker{whole};
    const std::int64_t gap_ns;
    const std::size_t window;
    std::int64_t now_ns = 1'000'000'000;
    std::int64_t taken_until_ns = now_ns - 1'000;
    std::size_t left = 0;
};

TEST(coalescing, waits_in_a_stream_that_is_dense) {
    stream dense(60);
    for (int i = 0; i < 10; ++i) { dense.sweep(); }
    for (int i = 0; i < 100; ++i) { EXPECT_EQ(dense.sweep(), coalescing::longest_wait_ns) << i; }
}

TEST(coalescing, waits_for_no_stream_that_is_not) {
    for (const std::int64_t gap_ns : {150, 1'000, 100'000}) {
        stream thin(gap_ns);
        for (int i = 0; i < 1'000; ++i) { EXPECT_EQ(thin.sweep(), 0) << gap_ns << ' ' << i; }
    }
}

TEST(coalescing, gives_up_for_a_while_where_those_that_wait_for_replies_send_no_more) {
    stream closed(20, 8);  // eight in flight: more do not come, however long the worker waits
    int waits = 0;
    for (int i = 0; i < 1'000; ++i) { waits += closed.sweep() != 0 ? 1 : 0; }
    EXPECT_GT(waits, 0);
    EXPECT_LT(waits, 100) << "of a thousand sweeps";
}

TEST(coalescing, does_not_wait_where_a_sweep_has_left_some) {
    coalescing worker(whole);
    std::int64_t now_ns = 1'000'000'000;
    for (int i = 0; i < 100; ++i) { EXPECT_EQ(worker.wait_until(whole, now_ns += 700), 0) << i; }
    EXPECT_NE(worker.wait_until(whole - 1, now_ns += 700), 0);
}

TEST(coalescing, lets_a_short_gap_end_no_stream) {
    coalescing worker(whole);
    std::int64_t now_ns = 1'000'000'000;
    for (int i = 0; i < 10; ++i) { worker.wait_until(30, now_ns += 2'500); }
    EXPECT_NE(worker.wait_until(1, now_ns += 6'000), 0) << "the producer was at something else";
    EXPECT_NE(worker.wait_until(30, now_ns += 2'500), 0);
    for (std::uint32_t i = 0; i < coalescing::patience; ++i) { worker.wait_until(1, now_ns += 6'000); }
    EXPECT_FALSE(worker.is_on());
}

}  // namespace
}  // namespace numasio::hot_path
