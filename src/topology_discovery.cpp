// Discovers a topology with hwloc: this machine, a description, or a file. Reads only: hwloc never pins for us.
#include <numasio/topology.hpp>

#include "src/platform/huge_pages.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/linux_sched.hpp"

#include <numasio/affinity.hpp>
#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>
#include <hwloc.h>
#include <hwloc/linux.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

namespace numasio {
namespace {

using hwloc_handle = std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)>;
using bitmap = std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)>;

// Numbers the objects that it is asked about 0, 1, 2 … in the order of asking.
class numbering {
public:
    std::uint32_t of(hwloc_obj_t object) {
        return known_.emplace(object, static_cast<std::uint32_t>(known_.size())).first->second;
    }

private:
    std::map<hwloc_obj_t, std::uint32_t> known_;
};

hwloc_handle make_hwloc() {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) { throw std::bad_alloc(); }
    hwloc_handle handle(raw, &hwloc_topology_destroy);
    // The whole machine, so that what is not allowed can be shown as such; and hands off the caller's affinity
    // (hwloc's x86 part would visit every CPU).
    hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
    return handle;
}

hwloc_obj_t last_level_cache(hwloc_obj_t pu) noexcept {
    hwloc_obj_t last = nullptr;
    for (hwloc_obj_t o = pu; o != nullptr; o = o->parent) {
        if (hwloc_obj_type_is_dcache(o->type) != 0) { last = o; }
    }
    return last;
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
    return best != nullptr ? best : hwloc_get_obj_by_type(machine, HWLOC_OBJ_NUMANODE, 0);
}

// On the live machine the kernel says which CPUs a node has; hwloc also gives nodes without CPUs a locality.
std::map<std::uint32_t, node_id> kernel_nodes(hwloc_topology_t machine) {
    std::map<std::uint32_t, node_id> node_of;
    const bitmap cpus(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
    if (cpus == nullptr) { throw std::bad_alloc(); }
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        const std::string map = "/sys/devices/system/node/node" + std::to_string(n->os_index) + "/cpumap";
        if (hwloc_linux_read_path_as_cpumask(map.c_str(), cpus.get()) != 0) { continue; }
        for (int i = hwloc_bitmap_first(cpus.get()); i >= 0; i = hwloc_bitmap_next(cpus.get(), i)) {
            node_of.emplace(static_cast<std::uint32_t>(i), node_id{n->os_index});
        }
    }
    return node_of;
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

topology read_all(hwloc_topology_t machine, const std::map<std::uint32_t, node_id>& node_of) {
    topology found;
    read_nodes(machine, found);
    read_cpus(machine, node_of, found);
    read_distances(machine, found);
    return found;
}

// What this process may use, over what the machine has.
void apply_limits(topology& machine) {
    const std::vector<cpu_id> cpus = this_thread_cpus();
    if (!cpus.empty()) {
        for (cpu_info& cpu : machine.cpus) {
            cpu.allowed = std::binary_search(cpus.begin(), cpus.end(), cpu.id);
        }
    }
    const auto nodes = platform::allowed_memory_nodes();
    for (node_info& node : machine.nodes) {
        if (nodes) { node.memory_allowed = std::binary_search(nodes->begin(), nodes->end(), node.id); }
        if (const auto room = platform::room_on(node.id)) { node.free_memory = room->free; }
        node.huge_pages = platform::huge_page_pools(node.id);
    }
}

topology one_node(std::string why) {
    topology machine;
    machine.origin = topology_origin::fallback;
    machine.source = std::move(why);
    node_info node;
    node.memory = platform::physical_memory();
    node.cpus = this_thread_cpus();
    if (node.cpus.empty()) { node.cpus.push_back(current_cpu().value_or(cpu_id{0})); }
    for (const cpu_id id : node.cpus) {
        cpu_info cpu;
        cpu.id = id;
        cpu.core = static_cast<std::uint32_t>(machine.cpus.size());
        machine.cpus.push_back(cpu);
    }
    machine.nodes.push_back(std::move(node));
    return machine;
}

topology discover_live() {
    if (!platform::sysfs_shows_cpus()) {
        return one_node("/sys/devices/system/cpu cannot be read; mount sysfs to see the machine's nodes");
    }
    const hwloc_handle handle = make_hwloc();
    if (hwloc_topology_load(handle.get()) != 0) {
        return one_node(std::string("hwloc could not read this machine: ") + std::generic_category().message(errno));
    }
    if (hwloc_topology_is_thissystem(handle.get()) == 0) {
        return one_node("hwloc was told to describe another machine; unset HWLOC_XMLFILE, HWLOC_SYNTHETIC and "
                        "HWLOC_FSROOT");
    }
    topology machine = read_all(handle.get(), kernel_nodes(handle.get()));
    machine.origin = topology_origin::live;
    machine.source = "live";
    apply_limits(machine);
    const std::vector<cpu_id> usable = this_thread_cpus();
    const bool all_seen = std::all_of(usable.begin(), usable.end(),
                                      [&](cpu_id cpu) { return machine.find(cpu) != nullptr; });
    if (std::all_of(machine.nodes.begin(), machine.nodes.end(),
                    [](const node_info& n) { return n.memory.value == 0; })) {
        return one_node("hwloc sees no memory on any node; it could not read sysfs");
    }
    if (machine.allowed_cpus().empty() || !all_seen) {
        return one_node("hwloc does not show all CPUs that this process may use (" + to_list(usable) + ")");
    }
    return machine;
}

[[noreturn]] void refuse(std::string_view source, const std::string& why) {
    throw boost::system::system_error(make_error_code(errc::wrong_topology),
                                      "topology \"" + std::string(source) + "\": " + why);
}

}  // namespace

topology discover_topology(std::string_view source) {
    if (source == "live") { return discover_live(); }
    const hwloc_handle handle = make_hwloc();
    constexpr std::string_view synthetic = "synthetic:";
    const bool described = source.substr(0, synthetic.size()) == synthetic;
    if (described) {
        const std::string description(source.substr(synthetic.size()));
        if (hwloc_topology_set_synthetic(handle.get(), description.c_str()) != 0) {
            refuse(source, "not a description that hwloc understands, such as \"synthetic:numa:2 core:4 pu:2\"");
        }
    } else if (hwloc_topology_set_xml(handle.get(), std::string(source).c_str()) != 0) {
        refuse(source, std::string("the file cannot be read (") + std::generic_category().message(errno) +
                           "); expected \"live\", \"synthetic:DESCRIPTION\" or an XML file written by lstopo");
    }
    if (hwloc_topology_load(handle.get()) != 0) {
        refuse(source, "hwloc cannot load it; expected an XML file written by lstopo or a synthetic description");
    }
    topology found = read_all(handle.get(), {});
    found.origin = described ? topology_origin::synthetic : topology_origin::xml;
    found.source = described ? std::string(source.substr(synthetic.size())) : std::string(source);
    return found;
}

}  // namespace numasio
