// Discovers a topology: what hwloc shows of the machine, and on the live one what the kernel lets this process use of it.
#include <numasio/topology.hpp>

#include "src/hwloc_source.hpp"
#include "src/platform/huge_pages.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/platform/linux_sched.hpp"
#include "src/topology_reading.hpp"

#include <numasio/affinity.hpp>

#include <hwloc/linux.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

namespace numasio {
namespace {

// On the live machine the kernel says which CPUs a node has; hwloc also gives nodes without CPUs a locality.
std::map<std::uint32_t, node_id> kernel_nodes(hwloc_topology_t machine) {
    std::map<std::uint32_t, node_id> node_of;
    const detail::hwloc_set cpus = detail::make_set();
    for (hwloc_obj_t n = nullptr; (n = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, n)) != nullptr;) {
        const std::string map = "/sys/devices/system/node/node" + std::to_string(n->os_index) + "/cpumap";
        if (hwloc_linux_read_path_as_cpumask(map.c_str(), cpus.get()) != 0) { continue; }
        for (int i = hwloc_bitmap_first(cpus.get()); i >= 0; i = hwloc_bitmap_next(cpus.get(), i)) {
            node_of.emplace(static_cast<std::uint32_t>(i), node_id{n->os_index});
        }
    }
    return node_of;
}

bool holds(const std::vector<cpu_id>& cpus, cpu_id cpu) { return std::binary_search(cpus.begin(), cpus.end(), cpu); }

// What this process may use, over what the machine has.
void apply_limits(topology& machine, const process_limits& limits) {
    const std::vector<cpu_id> usable = limits.usable_cpus();
    for (cpu_info& cpu : machine.cpus) {
        cpu.allowed = holds(usable, cpu.id);
        if (cpu.allowed) {
            cpu.denied = cpu_denial::none;
        } else {
            const bool in_cpuset = !limits.cpuset_cpus || holds(*limits.cpuset_cpus, cpu.id);
            cpu.denied = in_cpuset ? cpu_denial::affinity : cpu_denial::cpuset;
        }
    }
    const auto nodes = platform::allowed_memory_nodes();
    for (node_info& node : machine.nodes) {
        if (nodes) { node.memory_allowed = std::binary_search(nodes->begin(), nodes->end(), node.id); }
        if (const auto room = platform::room_on(node.id)) { node.free_memory = room->free; }
        node.huge_pages = platform::huge_page_pools(node.id);
    }
    machine.limits = limits;
}

topology one_node(std::string why, const process_limits& limits) {
    topology machine;
    machine.origin = topology_origin::fallback;
    machine.source = std::move(why);
    machine.limits = limits;
    node_info node;
    node.memory = platform::physical_memory();
    node.cpus = limits.usable_cpus();
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

topology read_live(const process_limits& limits) {
    if (!platform::sysfs_shows_cpus()) {
        return one_node("/sys/devices/system/cpu cannot be read; mount sysfs to see the machine's nodes", limits);
    }
    const detail::hwloc_handle handle = detail::load_live();
    if (handle == nullptr) {
        return one_node("hwloc could not read this machine: " + std::generic_category().message(errno), limits);
    }
    if (hwloc_topology_is_thissystem(handle.get()) == 0) {
        return one_node("hwloc was told to read another machine's files; unset HWLOC_FSROOT", limits);
    }
    topology machine = detail::read_topology(handle.get(), kernel_nodes(handle.get()));
    machine.origin = topology_origin::live;
    machine.source = "live";
    apply_limits(machine, limits);
    const std::vector<cpu_id> usable = limits.usable_cpus();
    const bool all_seen = std::all_of(usable.begin(), usable.end(),
                                      [&](cpu_id cpu) { return machine.find(cpu) != nullptr; });
    if (std::all_of(machine.nodes.begin(), machine.nodes.end(),
                    [](const node_info& n) { return n.memory.value == 0; })) {
        return one_node("hwloc sees no memory on any node; it could not read sysfs", limits);
    }
    if (machine.allowed_cpus().empty() || !all_seen) {
        return one_node("hwloc does not show all CPUs that this process may use (" + to_list(usable) + ")", limits);
    }
    return machine;
}

// A CPU may come or go while hwloc reads. The bound is for a machine whose CPUs never rest; its topology is then one that
// the next look corrects.
topology discover_live(process_limits limits) {
    for (int attempt = 0;; ++attempt) {
        topology machine = read_live(limits);
        process_limits after = limits_now(limits);
        if (after == limits || attempt == 2) { return machine; }
        limits = std::move(after);
    }
}

topology read_described(const std::string& source) {
    const detail::hwloc_handle handle = detail::load_described(source);
    const bool synthetic = source.compare(0, detail::synthetic_prefix.size(), detail::synthetic_prefix) == 0;
    topology found = detail::read_topology(handle.get(), {});
    found.origin = synthetic ? topology_origin::synthetic : topology_origin::xml;
    found.source = synthetic ? source.substr(detail::synthetic_prefix.size()) : source;
    return found;
}

}  // namespace

topology discover_topology(const process_limits& limits) {
    const std::string other = detail::source_from_environment();
    return other.empty() ? discover_live(limits_now(limits)) : read_described(other);
}

topology discover_topology(std::string_view source) {
    if (source != "live") { return read_described(std::string(source)); }
    const std::string other = detail::source_from_environment();
    return other.empty() ? discover_live(limits_now()) : read_described(other);
}

std::string topology_xml(std::string_view source) {
    const std::string other = source == "live" ? detail::source_from_environment() : std::string(source);
    const detail::hwloc_handle handle = other.empty() ? detail::load_live() : detail::load_described(other);
    if (handle == nullptr) { throw std::system_error(errno, std::generic_category(), "hwloc could not read this machine"); }
    char* text = nullptr;
    int length = 0;
    if (hwloc_topology_export_xmlbuffer(handle.get(), &text, &length, 0) != 0) {
        throw std::system_error(errno, std::generic_category(), "hwloc could not write its XML");
    }
    const auto release = [&](char* written) { hwloc_free_xmlbuffer(handle.get(), written); };
    const std::unique_ptr<char, decltype(release)> owner(text, release);
    return text;
}

}  // namespace numasio
