// The plan of a benchmark with two CPUs: the control plane on the first, one worker on the second.
#pragma once

#include <numasio/plan.hpp>

#include <string>
#include <utility>
#include <vector>

namespace numasio::bench {

inline plan one_worker_plan(const std::vector<cpu_id>& cpus, std::string pool_name) {
    plan asked;
    asked.control.cpus = std::vector{cpus[0]};
    auto& pool = asked.pools.emplace_back();
    pool.name = std::move(pool_name);
    pool.cpus = std::vector{cpus[1]};
    pool.workers_per_node = 1;
    pool.memory.per_worker = bytes{1 << 20};
    return asked;
}

}  // namespace numasio::bench
