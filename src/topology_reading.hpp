// Turns what hwloc loaded into a topology. Private to src/.
#pragma once

#include "src/hwloc_source.hpp"

#include <numasio/topology.hpp>

#include <cstdint>
#include <map>

namespace numasio::detail {

/// Everything but origin, source and what only the live machine has. `node_of`: where the kernel says that a CPU is; for
/// the others hwloc's locality counts. Fails: throws std::bad_alloc only.
topology read_topology(hwloc_topology_t machine, const std::map<std::uint32_t, node_id>& node_of);

}  // namespace numasio::detail
