// The buckets in which a latency_histogram is exported: each border is also a border of the histogram's own.
#pragma once

#include <numasio/status.hpp>

#include <cstdint>
#include <vector>

namespace numasio::detail {

/// One exported bound to an octave: 1.25 · 2^octave ns, from 640 ns to 10.7 s. (Powers of two would be borders
/// as well, but three of them come out of the serializer as 8.192000000000001e-06 and the like.)
inline constexpr unsigned first_exported_octave = 9;
inline constexpr unsigned last_exported_octave = 33;
constexpr std::uint64_t exported_bound_ns(unsigned octave) noexcept { return std::uint64_t{10} << (octave - 3); }

struct cumulative_bucket {
    double upper_seconds = 0;
    std::uint64_t count = 0;  ///< durations shorter than the bound: exact, nothing is interpolated
};

/// Without the last bucket (+Inf), whose count is value.count().
std::vector<cumulative_bucket> cumulative_buckets(const latency_histogram& value);

/// Durations shorter than lower(border), counted exactly.
std::uint64_t count_below(const latency_histogram& value, std::size_t border) noexcept;

}  // namespace numasio::detail
