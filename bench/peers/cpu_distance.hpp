// Where two CPUs lie at the moment: one core, one cache, or further apart. A virtual machine's host moves its CPUs.
#pragma once

#include "comparison.hpp"

#include <numasio/ids.hpp>

namespace numasio::bench {

/// From so slow a second thread on, two CPUs are two threads of one core.
constexpr double shares_core = 1.5;
/// Where all rounds of a run are alike (within a factor of two), they are FAR from here on. Where they are not, the border is
/// the midpoint of what the run saw.
constexpr double far_ns = 250;

/// Of each: what the least disturbed tenth of a few hundred tries took. Leaves the calling thread on `here`.
cpu_distance distance_between(cpu_id here, cpu_id there);

/// The rounds that lay in one regime from beginning to end.
struct regimes {
    std::vector<measured_round> one_core, near, far, mixed;
};
regimes by_regime(const std::vector<measured_round>& rounds);

/// A table for each regime that had rounds, with what the cache line took; rounds in which the regime changed are only
/// counted.
void print_by_regime(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                     const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references);

}  // namespace numasio::bench
