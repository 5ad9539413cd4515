// A worker's loop over its lanes: serve what is marked, return the replies, idle; on the worker's thread.
#pragma once

#include "hot_path/coalescing.hpp"

#include <numasio/detail/service_factory.hpp>
#include <numasio/detail/worker_core.hpp>
#include <numasio/node_memory.hpp>
#include <numasio/plan.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace numasio::hot_path {

/// Threads: the one that serves. Lifetime: its arguments outlive it.
class serving_loop {
public:
    /// `home_cpus`, ascending: a batch that ran on one of these ran at home.
    serving_loop(detail::worker_core& core, detail::hosted_service& service, const node_memory& memory,
                 const std::vector<cpu_id>& home_cpus, idle_plan idle);

    /// Serves until the intake is closed and empty, sleeping in between as the plan has it.
    void run() noexcept;
    /// Serves one batch of each lane that has work, and returns how many requests that was; absent where the intake is closed
    /// and nothing is left: the loop is over.
    std::optional<std::size_t> turn() noexcept;

private:
    std::size_t sweep_all() noexcept;
    std::size_t sweep_marked() noexcept;
    std::size_t serve(detail::lane_base& from) noexcept;
    std::size_t finish(std::size_t served) noexcept;
    void sample_cpu() noexcept;
    void coalesce(std::size_t served) noexcept;
    void rest() noexcept;
    bool is_spinning() noexcept;
    void park() noexcept;
    bool retire_marks() noexcept;

    detail::worker_core& core_;
    detail::hosted_service& service_;
    const node_memory& memory_;
    const std::vector<cpu_id>& home_cpus_;
    const idle_plan idle_;
    std::vector<std::uint8_t> empty_looks_;  // by lane: since it last had work
    coalescing stream_;
    bool left_some_ = false;                 // the last sweep, of a lane
    std::uint32_t idle_turns_ = 0;           // since a turn last served something
    std::chrono::steady_clock::time_point spin_until_{};
};

}  // namespace numasio::hot_path
