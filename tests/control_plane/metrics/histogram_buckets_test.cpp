// Exported buckets against a count by hand.
#include <control_plane/metrics/histogram_buckets.hpp>

#include "example.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace numasio::detail {
namespace {

TEST(histogram_buckets, count_exactly_the_durations_below_their_bound) {
    std::mt19937_64 random(20240601);
    for (int round = 0; round < 50; ++round) {
        latency_histogram histogram;
        std::vector<std::uint64_t> durations;
        for (int i = 0; i < 500; ++i) {
            const auto octave = static_cast<unsigned>(random() % 37);
            auto ns = (std::uint64_t{1} << octave) + random() % (std::uint64_t{1} << octave);
            if (octave > 3 && random() % 4 == 0) { ns = exported_bound_ns(octave); }
            if (octave > 3 && random() % 4 == 0) { ns = exported_bound_ns(octave) - 1; }
            durations.push_back(ns);
            test::record(histogram, ns);
        }
        unsigned octave = first_exported_octave;
        for (const auto& bucket : cumulative_buckets(histogram)) {
            const std::uint64_t bound = exported_bound_ns(octave++);
            std::uint64_t below = 0;
            for (const auto ns : durations) { below += ns < bound ? 1 : 0; }
            ASSERT_EQ(bucket.count, below) << "bound " << bound << " ns, round " << round;
            ASSERT_DOUBLE_EQ(bucket.upper_seconds, static_cast<double>(bound) * 1e-9);
        }
        ASSERT_EQ(octave, last_exported_octave + 1);
    }
}

TEST(histogram_buckets, grow_and_never_exceed_the_count) {
    latency_histogram histogram;
    for (std::size_t i = 0; i < latency_histogram::bucket_count; ++i) { histogram.counts[i] = i + 1; }
    std::uint64_t last = 0;
    for (const auto& bucket : cumulative_buckets(histogram)) {
        EXPECT_GT(bucket.count, last);
        last = bucket.count;
    }
    EXPECT_LT(last, histogram.count()) << "what is longer than the last bound belongs to +Inf only";
}

}  // namespace
}  // namespace numasio::detail
