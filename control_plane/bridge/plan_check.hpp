// Refuses a plan whose values are wrong anywhere, or that this machine cannot carry out.
#pragma once

#include <numasio/plan_error.hpp>
#include <numasio/topology.hpp>

#include <vector>

namespace numasio::detail {

/// What a pool asks for, made concrete: on which nodes, from which CPUs.
struct demand {
    const pool_plan* pool = nullptr;
    std::vector<node_id> nodes;
    bool pinned() const { return pool->cpus.has_value(); }
};

/// What each pool demands, in the order of the plan.
/// Fails: throws plan_error with everything that is wrong with the plan by itself and on this machine.
std::vector<demand> check_plan(const plan& asked, const topology& machine);

}  // namespace numasio::detail
