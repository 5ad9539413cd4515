// Machines and plans as values, for the tests of make_layout.
#pragma once

#include <numasio/layout.hpp>

#include <string>
#include <utility>
#include <vector>

namespace numasio::test {

/// `nodes` nodes of `cores` cores with `threads` hardware threads; siblings are numbered as on most x86
/// machines: all first threads, then all second ones.
inline topology machine(std::uint32_t nodes, std::uint32_t cores, std::uint32_t threads = 1) {
    topology out;
    out.origin = topology_origin::synthetic;
    out.nodes.resize(nodes);
    for (std::uint32_t n = 0; n < nodes; ++n) {
        out.nodes[n].id = {n};
        out.nodes[n].memory = {1ULL << 30};
    }
    for (std::uint32_t id = 0; id < nodes * cores * threads; ++id) {
        cpu_info cpu;
        cpu.id = {id};
        cpu.core = id % (nodes * cores);
        cpu.node = {cpu.core / cores};
        cpu.smt_index = id / (nodes * cores);
        out.nodes[cpu.node.value].cpus.push_back(cpu.id);
        out.cpus.push_back(cpu);
    }
    return out;
}

inline pool_plan pool(std::string name, or_auto<std::uint32_t> workers = {}) {
    pool_plan out;
    out.name = std::move(name);
    out.workers_per_node = workers;
    return out;
}

inline pool_plan pinned(std::string name, std::vector<cpu_id> cpus) {
    pool_plan out;
    out.name = std::move(name);
    out.cpus = std::move(cpus);
    return out;
}

inline plan plan_of(std::vector<pool_plan> pools) {
    plan out;
    out.pools = std::move(pools);
    return out;
}

inline std::vector<plan_problem> problems_of(const plan& asked, const topology& on) {
    try {
        make_layout(asked, on);
    } catch (const plan_error& e) { return e.problems(); }
    return {};
}

}  // namespace numasio::test
