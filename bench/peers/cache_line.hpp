// How far apart two CPUs are at the moment: a bare cache line's round trip. A virtual machine's host moves its CPUs.
#pragma once

#include "comparison.hpp"

#include <numasio/ids.hpp>

namespace numasio::bench {

/// Where all rounds of a run are alike (within a factor of two), they are FAR from here on. Where they are not, the border is
/// the midpoint of what the run saw.
constexpr double far_ns = 250;

/// Nanoseconds for a cache line to the other CPU and back; what the
/// least disturbed tenth of a few hundred batches took. Leaves the calling thread on
/// `here`.
double cache_line_round_trip_ns(cpu_id here, cpu_id there);

/// The rounds that lay in one regime from beginning to end.
struct regimes {
    std::vector<measured_round> near, far, mixed;
};
regimes by_regime(const std::vector<measured_round>& rounds);

/// A table for each regime that had rounds, with what the cache line took; rounds in which the regime changed are only
/// counted.
void print_by_regime(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                     const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references);

}  // namespace numasio::bench
