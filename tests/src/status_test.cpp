// Latency histograms: exact counts, quantiles within a bucket.
#include <numasio/status.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using numasio::latency_histogram;
using std::chrono::nanoseconds;

latency_histogram of(const std::vector<std::uint64_t>& values) {
    latency_histogram h;
    for (const auto v : values) {
        ++h.counts[latency_histogram::index(v)];
        h.total_ns += v;
    }
    return h;
}

TEST(latency_histogram, buckets_meet_without_gaps_and_are_at_most_an_eighth_wide) {
    for (std::size_t i = 0; i < latency_histogram::bucket_count; ++i) {
        const std::uint64_t from = latency_histogram::lower(i);
        const std::uint64_t to = latency_histogram::lower(i + 1);
        ASSERT_LT(from, to);
        ASSERT_EQ(latency_histogram::index(from), i);
        ASSERT_EQ(latency_histogram::index(to - 1), i);
        if (from >= 8) { ASSERT_LE((to - from) * 8, from); }
    }
    EXPECT_EQ(latency_histogram::index(std::numeric_limits<std::uint64_t>::max()), latency_histogram::bucket_count - 1);
}

TEST(latency_histogram, nothing_recorded_has_no_quantile) {
    EXPECT_EQ(latency_histogram{}.count(), 0U);
    EXPECT_EQ(latency_histogram{}.quantile(0.5), std::nullopt);
}

TEST(latency_histogram, a_quantile_is_the_upper_bound_of_the_bucket_that_holds_it) {
    const auto h = of({1, 2, 3, 4, 1000});
    EXPECT_EQ(h.count(), 5U);
    EXPECT_EQ(h.quantile(0.0), nanoseconds(2));
    EXPECT_EQ(h.quantile(0.2), nanoseconds(2));
    EXPECT_EQ(h.quantile(0.5), nanoseconds(4));
    EXPECT_EQ(h.quantile(0.8), nanoseconds(5));
    EXPECT_EQ(h.quantile(0.99), nanoseconds(1024));
    EXPECT_EQ(h.quantile(1.0), nanoseconds(1024));
    EXPECT_EQ(h.quantile(std::nan("")), nanoseconds(2));
}

TEST(latency_histogram, quantiles_bound_the_sorted_values_from_above_within_an_eighth) {
    rc::check("quantile against sorting", [] {
        const auto raw = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint64_t>>(
            rc::gen::inRange<std::uint64_t>(0, 60'000'000'000)));
        auto values = raw;
        std::sort(values.begin(), values.end());
        const double q = *rc::gen::inRange(1, 1000) / 1000.0;
        const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
        const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
        const auto got = static_cast<std::uint64_t>(of(raw).quantile(q).value().count());
        RC_ASSERT(got > exact);
        RC_ASSERT(got - exact <= exact / 8 + 1);
    });
}

TEST(latency_histogram, a_sum_counts_both) {
    rc::check("sum against concatenation", [](std::vector<std::uint32_t> a, std::vector<std::uint32_t> b) {
        std::vector<std::uint64_t> both(a.begin(), a.end());
        auto sum = of(both);
        sum += of({b.begin(), b.end()});
        both.insert(both.end(), b.begin(), b.end());
        RC_ASSERT(sum.counts == of(both).counts);
        RC_ASSERT(sum.total_ns == of(both).total_ns);
        RC_ASSERT(sum.count() == both.size());
    });
}

}  // namespace
