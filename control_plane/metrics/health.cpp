// Health and readiness from the workers' states.
#include <control_plane/metrics/health.hpp>

#include <algorithm>

namespace numasio::detail {

std::string worker_name(const worker_site& site) { return site.pool + "/" + std::to_string(site.index); }

std::vector<any_worker> every_worker(const bridge_status& now) {
    std::vector<any_worker> all;
    for (const auto& w : now.workers) { all.push_back({&w.site, w.state, w.parked, w.parks, w.displacements}); }
    for (const auto& pool : now.task_pools) {
        for (const auto& w : pool.workers) { all.push_back({&w.site, w.state, w.asleep, w.parks, w.displacements}); }
    }
    for (const auto& pool : now.reactor_pools) {
        for (const auto& w : pool.workers) { all.push_back({&w.site, w.state, w.asleep, w.sleeps, w.displacements}); }
    }
    return all;
}

verdict healthy(const bridge_status& now) {
    std::string reason;
    for (const auto& worker : every_worker(now)) {
        if (worker.state != worker_state::stuck && worker.state != worker_state::dead) { continue; }
        reason += (reason.empty() ? "worker " : ", worker ") + worker_name(*worker.site) + " is " +
                  std::string(to_string(worker.state));
    }
    return {reason.empty(), reason};
}

verdict ready(const bridge_status& now) {
    if (now.accepting) { return {true, {}}; }
    const auto workers = every_worker(now);
    const auto all = [&](worker_state state) {
        return std::all_of(workers.begin(), workers.end(), [state](const any_worker& w) { return w.state == state; });
    };
    if (workers.empty() || all(worker_state::starting)) { return {false, "not accepting: not started yet"}; }
    if (all(worker_state::stopped)) { return {false, "not accepting: stopped"}; }
    const bool ended = std::none_of(workers.begin(), workers.end(), [](const any_worker& w) {
        return w.state == worker_state::starting || w.state == worker_state::running;
    });
    if (ended) { return {false, "not accepting: stopped, " + healthy(now).reason}; }
    return {false, now.draining ? "not accepting: draining" : "not accepting: starting"};
}

}  // namespace numasio::detail
