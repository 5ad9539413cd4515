// How many lanes a worker has, and what they take of its memory.
#pragma once

#include <numasio/plan.hpp>

#include <cstddef>
#include <cstdint>

namespace numasio::detail {

/// Of one class: one for each of the plan's producers, one for all threads beyond.
constexpr std::uint32_t lanes_for(std::uint32_t producers) noexcept { return producers + 1; }

/// Those of class latency come first, then those of class bulk, if there are any.
inline std::uint32_t lanes_of(const lane_plan& asked) noexcept { return lanes_for(asked.producers) * (asked.bulk ? 2 : 1); }

/// All lanes of a worker; `footprint` is that of one lane of a capacity.
template <class Footprint>
std::size_t lane_bytes_of(const lane_plan& asked, Footprint&& footprint) {
    const std::size_t each_class = lanes_for(asked.producers);
    return each_class * (footprint(asked.capacity) + (asked.bulk ? footprint(asked.bulk->capacity) : 0));
}

}  // namespace numasio::detail
