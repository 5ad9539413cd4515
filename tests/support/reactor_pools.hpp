// Reactor pools for tests: on this machine's CPUs, more workers than CPUs where so many are asked for.
#pragma once

#include <numasio/reactor_pool.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace numasio::test {

inline std::vector<worker_site> reactor_sites(const topology& machine, std::uint32_t workers) {
    std::vector<worker_site> sites;
    const auto node = machine.executor_nodes().front();
    const auto cpus = machine.allowed_cpus(node);
    for (std::uint32_t w = 0; w < workers; ++w) { sites.push_back({"io", w, cpus[w % cpus.size()], node, machine.nearest_memory(node).value()}); }
    return sites;
}

inline pool_plan reactor_plan() {
    pool_plan asked;
    asked.name = "io";
    return asked;
}

/// On the machine's first node.
struct reactors_here {
    explicit reactors_here(std::uint32_t workers, pool_plan asked = reactor_plan())
        : machine(discover_topology()), pool(std::move(asked), machine, reactor_sites(machine, workers)) {}

    topology machine;
    reactor_pool pool;
};

}  // namespace numasio::test
