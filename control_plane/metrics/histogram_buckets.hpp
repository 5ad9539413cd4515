// The buckets in which a latency_histogram is exported: each border is also a border of the histogram's own.
#pragma once

#include <numasio/status.hpp>

#include <cstdint>
#include <vector>

namespace numasio::detail {

/// The exported borders are 2^9 … 2^33 ns (512 ns … 8.6 s), one to an octave.
inline constexpr unsigned first_exported_octave = 9;
inline constexpr unsigned last_exported_octave = 33;

struct cumulative_bucket {
    double upper_seconds = 0;
    std::uint64_t count = 0;  ///< durations shorter than the bound: exact, nothing is interpolated
};

/// Without the last bucket (+Inf), whose count is value.count().
std::vector<cumulative_bucket> cumulative_buckets(const latency_histogram& value);

/// Durations shorter than lower(border), counted exactly.
std::uint64_t count_below(const latency_histogram& value, std::size_t border) noexcept;

}  // namespace numasio::detail
