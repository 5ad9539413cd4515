// Nodes, CPUs, caches and distances of a machine as hwloc loaded it.
#include "src/topology_reading.hpp"

#include "src/memory_accesses.hpp"

#include <algorithm>
#include <utility>

namespace numasio::detail {
namespace {

// Numbers the objects that it is asked about 0, 1, 2 … in the order of asking.
class numbering {
public:
    std::uint32_t of(hwloc_obj_t object) {
        return known_.emplace(object, static_cast<std::uint32_t>(known_.size())).first->second;
    }

private:
    std::map<hwloc_obj_t, std::uint32_t> known_;
};

hwloc_obj_t last_level_cache(hwloc_obj_t pu) noexcept {
    hwloc_obj_t last = nullptr;
    for (hwloc_obj_t o = pu; o != nullptr; o = o->parent) {
        if (hwloc_obj_type_is_dcache(o->type) != 0) { last = o; }
    }
    return last;
}

// For a CPU whose node is not shown (its memory is another container's): a CPU-less node must not become one with CPUs.
hwloc_obj_t first_with_cpus(hwloc_topology_t machine) {
    hwloc_obj_t first = nullptr;
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        if (hwloc_bitmap_iszero(n->cpuset) == 0 && (first == nullptr || n->os_index < first->os_index)) { first = n; }
    }
    return first != nullptr ? first : hwloc_get_obj_by_type(machine, HWLOC_OBJ_NUMANODE, 0);
}

// The node that a CPU belongs to: of those that hwloc calls local, the one with the fewest CPUs, and of these
// the lowest number, because attached memory (HBM, CXL) shares its CPUs with an ordinary node before it.
hwloc_obj_t local_node(hwloc_topology_t machine, hwloc_obj_t pu) {
    hwloc_obj_t best = nullptr;
    int best_weight = 0;
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        if (hwloc_bitmap_isset(n->cpuset, pu->os_index) == 0) { continue; }
        const int weight = hwloc_bitmap_weight(n->cpuset);
        if (best == nullptr || weight < best_weight || (weight == best_weight && n->os_index < best->os_index)) {
            best = n;
            best_weight = weight;
        }
    }
    return best != nullptr ? best : first_with_cpus(machine);
}

void read_nodes(hwloc_topology_t machine, topology& found) {
    const hwloc_const_nodeset_t allowed = hwloc_topology_get_allowed_nodeset(machine);
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        node_info node;
        node.id = {n->os_index};
        node.memory = {n->attr->numanode.local_memory};
        node.memory_allowed = hwloc_bitmap_isset(allowed, n->os_index) != 0;
        found.nodes.push_back(std::move(node));
    }
    std::sort(found.nodes.begin(), found.nodes.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

void read_cpus(hwloc_topology_t machine, const std::map<std::uint32_t, node_id>& node_of, topology& found) {
    const hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(machine);
    numbering cores;
    numbering packages;
    numbering caches;
    std::map<std::uint32_t, std::uint32_t> threads;  // hardware threads seen of each core
    // By logical order, so that cores and caches are numbered as they lie in the machine.
    for (hwloc_obj_t pu = nullptr; (pu = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_PU, pu)) != nullptr;) {
        hwloc_obj* const core = hwloc_get_ancestor_obj_by_type(machine, HWLOC_OBJ_CORE, pu);
        hwloc_obj* const package = hwloc_get_ancestor_obj_by_type(machine, HWLOC_OBJ_PACKAGE, pu);
        hwloc_obj* const whole = package != nullptr ? package : hwloc_get_root_obj(machine);
        hwloc_obj* const cache = last_level_cache(pu);
        const auto kernel = node_of.find(pu->os_index);
        cpu_info cpu;
        cpu.id = {pu->os_index};
        cpu.node = kernel != node_of.end() ? kernel->second : node_id{local_node(machine, pu)->os_index};
        cpu.core = cores.of(core != nullptr ? core : pu);
        cpu.package = packages.of(whole);
        cpu.l3_group = caches.of(cache != nullptr ? cache : whole);
        cpu.allowed = hwloc_bitmap_isset(allowed, pu->os_index) != 0;
        cpu.denied = cpu.allowed ? cpu_denial::none : cpu_denial::cpuset;  // hwloc knows of no other limit
        found.cpus.push_back(cpu);
    }
    std::sort(found.cpus.begin(), found.cpus.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (cpu_info& cpu : found.cpus) {
        cpu.smt_index = threads[cpu.core]++;
        const auto home = std::find_if(found.nodes.begin(), found.nodes.end(),
                                       [&](const node_info& n) { return n.id == cpu.node; });
        if (home != found.nodes.end()) { home->cpus.push_back(cpu.id); }
    }
}

void read_distances(hwloc_topology_t machine, topology& found) {
    // Only what the firmware said: the SLIT has this name in hwloc; bandwidths and a user's own do not.
    unsigned count = 1;
    hwloc_distances_s* matrix = nullptr;
    if (hwloc_distances_get_by_name(machine, "NUMALatency", &count, &matrix, 0) != 0 || count == 0) { return; }
    for (unsigned from = 0; from < matrix->nbobjs; ++from) {
        for (unsigned to = 0; to < matrix->nbobjs; ++to) {
            const hwloc_uint64_t value = matrix->values[from * matrix->nbobjs + to];
            if (matrix->objs[from] == nullptr || matrix->objs[to] == nullptr || value > 0xffffffffU) { continue; }
            found.distances.push_back({{matrix->objs[from]->os_index},
                                       {matrix->objs[to]->os_index},
                                       static_cast<std::uint32_t>(value)});
        }
    }
    hwloc_distances_release(machine, matrix);
}

// CPUs that the machine has and for which hwloc shows no place: they are offline.
void read_offline(hwloc_topology_t machine, topology& found) {
    const hwloc_const_cpuset_t all = hwloc_topology_get_complete_cpuset(machine);
    for (int i = hwloc_bitmap_first(all); i >= 0; i = hwloc_bitmap_next(all, i)) {
        const cpu_id id{static_cast<std::uint32_t>(i)};
        if (found.find(id) == nullptr) { found.offline_cpus.push_back(id); }
    }
}

}  // namespace

topology read_topology(hwloc_topology_t machine, const std::map<std::uint32_t, node_id>& node_of) {
    topology found;
    read_nodes(machine, found);
    read_cpus(machine, node_of, found);
    read_offline(machine, found);
    read_distances(machine, found);
    found.accesses = read_accesses(machine, found);
    return found;
}

}  // namespace numasio::detail
