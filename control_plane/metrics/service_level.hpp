// How a pool keeps its latency promise: what was promised, and how many requests were within it.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace numasio::detail {

struct service_level {
    std::chrono::nanoseconds target{};            ///< as planned
    std::chrono::nanoseconds effective_target{};  ///< the histogram's nearest border not above it; counts `good`
    double objective = 0;                         ///< the promised share of good requests
    std::uint64_t good = 0;                       ///< answered in less than effective_target
    std::uint64_t requests = 0;                   ///< answered at all
};

/// Rounding the target down (by at most 12.5 %) may call a good request bad, never a bad one good.
service_level measure(const slo_plan& promise, const latency_histogram& round_trip) noexcept;

/// One histogram over all workers of a pool.
latency_histogram pool_round_trip(const bridge_status& now, std::string_view pool) noexcept;
latency_histogram pool_queue_delay(const bridge_status& now, std::string_view pool) noexcept;

}  // namespace numasio::detail
