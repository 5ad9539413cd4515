// What tests ask of the machine that they run on.
#pragma once

#include <numasio/topology.hpp>

namespace numasio::test {

/// A node with memory that this process may use.
inline node_id memory_node() {
    const auto machine = discover_topology();
    return machine.nearest_memory(machine.executor_nodes().front()).value();
}

}  // namespace numasio::test
