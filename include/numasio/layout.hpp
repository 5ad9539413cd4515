// Which worker stands on which CPU and node: the plan made concrete on one machine.
#pragma once

#include <numasio/plan.hpp>
#include <numasio/plan_error.hpp>
#include <numasio/topology.hpp>

#include <cstdint>
#include <string>
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
};

/// Threads: any. Blocks: never. Cost: linear in CPUs × pools. Lifetime: values.
/// Fails: throws plan_error (place, key, remedy) where the machine lacks what the plan names:
/// an unknown node, a CPU that is not allowed, more workers than a node has CPUs.
layout make_layout(const plan& asked, const topology& machine);

}  // namespace numasio
