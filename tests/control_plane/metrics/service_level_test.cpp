// Good requests against the promise, and the rounding of the target.
#include <control_plane/metrics/service_level.hpp>

#include "example.hpp"

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

using std::chrono::nanoseconds;

TEST(service_level, rounds_the_target_down_to_a_border_by_at_most_an_eighth) {
    for (const std::int64_t target : {100LL, 999LL, 1'000'000LL, 1'048'576LL, 3'333'333LL, 60'000'000'000LL}) {
        const auto level = measure({0.99, nanoseconds(target)}, {});
        EXPECT_LE(level.effective_target.count(), target);
        EXPECT_GE(static_cast<double>(level.effective_target.count()), static_cast<double>(target) * 0.875);
    }
    EXPECT_EQ(measure({0.99, nanoseconds(1'048'576)}, {}).effective_target.count(), 1'048'576);
}

TEST(service_level, never_calls_a_late_request_good) {
    latency_histogram trips;
    test::record(trips, 1'000'001, 5);   // late by a nanosecond
    test::record(trips, 990'000, 3);     // in time, but above the rounded target
    test::record(trips, 500'000, 92);
    const auto level = measure({0.99, nanoseconds(1'000'000)}, trips);
    EXPECT_EQ(level.effective_target.count(), 983'040);
    EXPECT_EQ(level.good, 92U);
    EXPECT_EQ(level.requests, 100U);
    EXPECT_DOUBLE_EQ(level.objective, 0.99);
}

TEST(service_level, sums_the_workers_of_the_pool_only) {
    auto e = test::two_nodes();
    e.now.workers[1].site.pool = "other";
    EXPECT_EQ(pool_round_trip(e.now, "kv").count(), 96U);
    EXPECT_EQ(pool_queue_delay(e.now, "other").count(), 96U);
    EXPECT_EQ(pool_round_trip(e.now, "nobody").count(), 0U);
}

}  // namespace
}  // namespace numasio::detail
