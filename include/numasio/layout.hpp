// Which worker stands on which CPU and node: the plan made concrete on one machine.
#pragma once

#include <numasio/plan.hpp>
#include <numasio/plan_error.hpp>
#include <numasio/topology.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace numasio {

/// One worker's site. Its node is where its CPU is; its memory may be elsewhere (memory-less node).
struct worker_site {
    std::string pool;
    std::uint32_t index = 0;  ///< within the pool, 0 … n-1
    cpu_id cpu;
    node_id node;
    node_id memory_node;
};

struct layout {
    std::vector<cpu_id> control;        ///< CPUs for the control plane's threads
    std::vector<worker_site> workers;   ///< pool by pool in plan order, index ascending
    std::vector<std::string> notes;     ///< what `auto` chose and what a person should know

    /// Those of one pool: what a node_pool or a reactor_pool of a program's own is given. Empty where there is no such pool.
    std::vector<worker_site> workers_of(std::string_view pool) const {
        std::vector<worker_site> own;
        for (const auto& site : workers) {
            if (site.pool == pool) { own.push_back(site); }
        }
        return own;
    }
};

/// Deals the CPUs that this process may use: control's first, then pools with `cpus`, then the others in plan
/// order. A pool's workers never share a CPU with each other; they share one with another pool, and with
/// control last of all, only where a node has no other, and then a note says so. Whole cores go before SMT
/// siblings. Pools that leave workers_per_node to auto divide the cores that are left on a node evenly, at least
/// one worker each. A plan's simulate_nodes is not applied here: `machine` is what simulate_nodes() returned.
/// Threads: any. Blocks: never. Cost: workers × CPUs. Lifetime: values.
/// Fails: throws plan_error (place, key, remedy) with everything that is wrong at once: values outside
/// plan_limits, no pool, names that are none or given twice, listeners without a numeric address; and everything
/// that the machine lacks: a node that does not exist or has no CPUs, a CPU that does not exist or is not allowed,
/// more workers than a node has CPUs, a CPU pinned by two pools, more pretend nodes than CPUs. A place is told only
/// where the value stands in the plan's file and was not changed since.
layout make_layout(const plan& asked, const topology& machine);

}  // namespace numasio
