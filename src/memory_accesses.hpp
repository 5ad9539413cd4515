// Latency and bandwidth between nodes as hwloc has them of the firmware. Private to src/.
#pragma once

#include <numasio/topology.hpp>

#include <hwloc.h>

#include <vector>

namespace numasio::detail {

/// Ascending by initiator, then target; `found` has the nodes and their CPUs. Fails: throws std::bad_alloc only.
std::vector<memory_access> read_accesses(hwloc_topology_t machine, const topology& found);

}  // namespace numasio::detail
