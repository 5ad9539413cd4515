// The memory that copies of one value are in: a piece of each node's, bound and touched.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/node_memory.hpp>
#include <numasio/node_region.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace numasio::detail {

struct node_replica {
    node_replica(std::uint32_t at, node_region memory) : place(at), region(std::move(memory)), heap(region.data()) {}
    std::uint32_t place;  // of the executor node, as place_of_node() has it
    node_region region;
    shared_node_memory heap;
};

/// For each executor node of `machine`, in its nearest memory. Fails: as replicated's constructor.
std::vector<std::unique_ptr<node_replica>> replica_memory(const topology& machine, bytes per_node, enforcement enforce);

}  // namespace numasio::detail
