// Latency and bandwidth between nodes (HMAT) out of hwloc's memory attributes.
#include "src/memory_accesses.hpp"

#include <hwloc/memattrs.h>

#include <algorithm>
#include <map>
#include <utility>

namespace numasio::detail {
namespace {

using pair_of_nodes = std::pair<node_id, node_id>;
using figure = std::optional<std::uint64_t> memory_access::*;

// The nodes whose CPUs a location means. The kernel names initiators as a set of CPUs, that of a node or of several.
std::vector<node_id> initiators(const hwloc_location& location, const topology& found) {
    const bool is_set = location.type == HWLOC_LOCATION_TYPE_CPUSET;
    const hwloc_const_cpuset_t cpus = is_set ? location.location.cpuset : location.location.object->cpuset;
    std::vector<node_id> nodes;
    for (const node_info& node : found.nodes) {
        const bool has_all = std::all_of(node.cpus.begin(), node.cpus.end(),
                                         [&](cpu_id cpu) { return hwloc_bitmap_isset(cpus, cpu.value) != 0; });
        if (cpus != nullptr && !node.cpus.empty() && has_all) { nodes.push_back(node.id); }
    }
    return nodes;
}

void read_attribute(hwloc_topology_t machine, hwloc_memattr_id_e attribute, figure where, const topology& found,
                    std::map<pair_of_nodes, memory_access>& accesses) {
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        unsigned count = 0;
        if (hwloc_memattr_get_initiators(machine, attribute, n, 0, &count, nullptr, nullptr) != 0 || count == 0) { continue; }
        std::vector<hwloc_location> locations(count);
        std::vector<hwloc_uint64_t> values(count);
        if (hwloc_memattr_get_initiators(machine, attribute, n, 0, &count, locations.data(), values.data()) != 0) { continue; }
        for (std::size_t i = 0; i < std::min<std::size_t>(count, values.size()); ++i) {
            for (const node_id initiator : initiators(locations[i], found)) {
                memory_access& access = accesses[{initiator, {n->os_index}}];
                access.initiator = initiator;
                access.target = {n->os_index};
                if (!(access.*where)) { access.*where = values[i]; }
            }
        }
    }
}

}  // namespace

std::vector<memory_access> read_accesses(hwloc_topology_t machine, const topology& found) {
    std::map<pair_of_nodes, memory_access> accesses;
    // What is said of reads counts before what is said of accesses of any kind.
    read_attribute(machine, HWLOC_MEMATTR_ID_READ_LATENCY, &memory_access::read_latency_ns, found, accesses);
    read_attribute(machine, HWLOC_MEMATTR_ID_LATENCY, &memory_access::read_latency_ns, found, accesses);
    read_attribute(machine, HWLOC_MEMATTR_ID_READ_BANDWIDTH, &memory_access::read_bandwidth_mib_s, found, accesses);
    read_attribute(machine, HWLOC_MEMATTR_ID_BANDWIDTH, &memory_access::read_bandwidth_mib_s, found, accesses);
    std::vector<memory_access> list;
    for (const auto& [pair, access] : accesses) { list.push_back(access); }
    return list;
}

}  // namespace numasio::detail
