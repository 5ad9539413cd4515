// Holds the memory that a plan's workers will bind against what the machine has to give, before anything is touched.
#pragma once

#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace numasio::detail {

struct pool_memory {
    const pool_plan* pool;
    std::uint64_t lanes;  ///< bytes of all lanes of one worker
};

/// On a machine that is only described: what its nodes have in all. Threads: any. Blocks: reads a file of sysfs for each node, and the container's limit.
/// Fails: throws plan_error, one problem for each node, or for the whole, that is asked for too much.
/// What best effort will do without: a line for each pool.
std::vector<std::string> check_memory(const plan& asked, const layout& sites, const topology& machine, std::span<const pool_memory> pools);

}  // namespace numasio::detail
