// Writes a topology as JSON, each field under the name that the value has, with its unit.
#include <control_plane/metrics/topology_document.hpp>

#include <control_plane/metrics/json_parts.hpp>

#include <utility>

namespace numasio::detail {
namespace {

namespace json = boost::json;

template <class Id>
json::value ids_or_null(const std::optional<std::vector<Id>>& of) {
    return of ? json::value(ids(*of)) : json::value(nullptr);
}

json::array nodes_part(const topology& machine) {
    json::array nodes;
    const bool is_live = machine.nodes_are_real();
    const bool has_figures = machine.origin != topology_origin::simulated && machine.origin != topology_origin::fallback;
    for (const auto& node : machine.nodes) {
        json::array pools;
        for (const auto& pool : node.huge_pages) {
            pools.push_back(json::object{{"page_bytes", pool.page.value}, {"total", pool.total}, {"free", pool.free}});
        }
        nodes.push_back(json::object{{"id", node.id.value},
                                     {"cpus", ids(node.cpus)},
                                     {"memory_bytes", has_figures ? json::value(node.memory.value) : json::value(nullptr)},
                                     {"free_memory_bytes_at_start", is_live ? json::value(node.free_memory.value) : json::value(nullptr)},
                                     {"memory_allowed", node.memory_allowed},
                                     {"huge_pages", std::move(pools)}});
    }
    return nodes;
}

json::array cpus_part(const topology& machine) {
    json::array cpus;
    for (const auto& cpu : machine.cpus) {
        const bool told = !cpu.allowed && cpu.denied != cpu_denial::none;
        cpus.push_back(json::object{{"id", cpu.id.value},
                                    {"node", cpu.node.value},
                                    {"core", cpu.core},
                                    {"package", cpu.package},
                                    {"l3_group", cpu.l3_group},
                                    {"smt_index", cpu.smt_index},
                                    {"allowed", cpu.allowed},
                                    {"denied_by", told ? json::value(to_string(cpu.denied)) : json::value(nullptr)}});
    }
    return cpus;
}

json::array accesses_part(const topology& machine) {
    json::array accesses;
    for (const auto& a : machine.accesses) {
        json::value latency = nullptr;
        json::value bandwidth = nullptr;
        if (a.read_latency_ns) { latency = static_cast<double>(*a.read_latency_ns) / 1e9; }
        if (a.read_bandwidth_mib_s) { bandwidth = *a.read_bandwidth_mib_s << 20; }
        accesses.push_back(json::object{{"initiator", a.initiator.value},
                                        {"target", a.target.value},
                                        {"read_latency_seconds", std::move(latency)},
                                        {"read_bytes_per_second", std::move(bandwidth)}});
    }
    return accesses;
}

json::value limits_part(const topology& machine) {
    if (!machine.limits) { return nullptr; }
    const process_limits& limits = *machine.limits;
    return json::object{{"online_cpus", ids(limits.online_cpus)},
                        {"cpuset", limits.cpuset.empty() ? json::value(nullptr) : json::value(limits.cpuset)},
                        {"cpuset_cpus", ids_or_null(limits.cpuset_cpus)},
                        {"affinity", ids_or_null(limits.affinity)},
                        {"memory_nodes", ids(limits.memory_nodes)}};
}

}  // namespace

json::object topology_document(const topology& machine) {
    json::array distances;
    for (const auto& d : machine.distances) {
        distances.push_back(json::object{{"from", d.from.value}, {"to", d.to.value}, {"value", d.value}});
    }
    return {{"origin", to_string(machine.origin)},
            {"simulated", machine.origin == topology_origin::simulated},
            {"source", machine.source},
            {"nodes", nodes_part(machine)},
            {"cpus", cpus_part(machine)},
            {"offline_cpus", ids(machine.offline_cpus)},
            {"distances", std::move(distances)},
            {"accesses", accesses_part(machine)},
            {"limits", limits_part(machine)}};
}

}  // namespace numasio::detail
