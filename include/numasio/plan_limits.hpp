// The ranges of a plan's values: one place for the YAML reader, for plans built in code, and for people.
#pragma once

#include <cstdint>

namespace numasio {

/// Smallest and largest value, both allowed. Durations in nanoseconds, sizes in bytes.
struct plan_range {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    constexpr bool holds(std::uint64_t n) const noexcept { return low <= n && n <= high; }
};

namespace plan_limits {

inline constexpr std::uint64_t us = 1'000, ms = 1'000 * us, second = 1'000 * ms;
inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20, tebibyte = std::uint64_t{1} << 40;

inline constexpr plan_range version{1, 1};
inline constexpr plan_range cpu{0, 65'535};
inline constexpr plan_range node{0, 4'095};
inline constexpr plan_range drain{0, 3600 * second};
inline constexpr plan_range simulate_nodes{0, 1024};  ///< and at most one for each CPU of the process
inline constexpr plan_range listeners{0, 64};         ///< how many
inline constexpr plan_range port{0, 65'535};
inline constexpr plan_range pools{1, 256};            ///< how many
inline constexpr plan_range workers_per_node{1, 4096};
inline constexpr plan_range memory_per_worker{mebibyte, 16 * tebibyte};
inline constexpr plan_range lane_capacity{1, 1'048'576};
inline constexpr plan_range lane_producers{1, 1024};
inline constexpr plan_range lane_waiting{1, 1'048'576};
inline constexpr plan_range lane_keep{1, 1'048'576};
inline constexpr plan_range lane_target{us, 60 * second};
inline constexpr plan_range lane_interval{us, 60 * second};
inline constexpr plan_range bulk_weight{1, 64};
inline constexpr plan_range task_capacity{2, 1'048'576};
inline constexpr plan_range task_backlog{0, 1'048'576};
inline constexpr plan_range task_budget{1, 1024};
inline constexpr plan_range idle_spin{0, 10 * ms};
inline constexpr plan_range realtime{0, 99};
inline constexpr plan_range slo_target{us, 60 * second};  ///< the quantile is above 0 and below 1

}  // namespace plan_limits
}  // namespace numasio
