// Writes the start-up text. What was lost is always spelled out; what went well is counted where it is much.
#include <control_plane/metrics/banner.hpp>

#include <control_plane/metrics/health.hpp>
#include <src/place_text.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace numasio::detail {
namespace {

constexpr std::size_t most_worker_lines = 4;
constexpr std::size_t most_good_placements = 40;
constexpr std::size_t most_lost_placements = 16;

std::string amount(bytes of) {
    constexpr std::pair<std::uint64_t, const char*> units[]{
        {1ULL << 30, "GiB"}, {1ULL << 20, "MiB"}, {1ULL << 10, "KiB"}};
    for (const auto& [size, name] : units) {
        if (of.value >= size && of.value % size == 0) { return std::to_string(of.value / size) + " " + name; }
    }
    for (const auto& [size, name] : units) {
        if (of.value >= size) {
            const auto tenths = of.value / (size / 10);
            return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + name;
        }
    }
    return std::to_string(of.value) + " B";
}

std::string span(std::chrono::nanoseconds of) {
    const auto ns = of.count();
    if (ns % 1'000'000'000 == 0) { return std::to_string(ns / 1'000'000'000) + " s"; }
    if (ns % 1'000'000 == 0) { return std::to_string(ns / 1'000'000) + " ms"; }
    if (ns % 1'000 == 0) { return std::to_string(ns / 1'000) + " us"; }
    return std::to_string(ns) + " ns";
}

std::string counted(std::size_t n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

void write_machine(std::ostream& out, const topology& machine, numa_balancing_mode balancing) {
    out << to_text(machine);
    if (machine.origin == topology_origin::simulated) {
        out << "  SIMULATED: pretend nodes; pinning is real, memory is not bound and page locality not measured\n";
    } else if (machine.origin == topology_origin::fallback) {
        out << "  the topology could not be discovered: " << machine.source << '\n';
    } else if (machine.origin != topology_origin::live) {
        out << "  not this machine: it can be planned, not started\n";
    }
    if (machine.executor_nodes().size() == 1) {
        out << "  one node: numasio adds bounded hand-off and pinning here, not locality\n";
    } else if (balancing == numa_balancing_mode::on) {
        out << "  the kernel's NUMA balancing is on: bound memory stays, other memory wanders between nodes"
               " (sysctl kernel.numa_balancing=0)\n";
    }
}

void write_lanes(std::ostream& out, const lane_plan& lane) {
    out << ", lanes of " << lane.capacity << " from up to " << counted(lane.producers, "producer");
    if (lane.bulk) { out << " and of " << lane.bulk->capacity << " for bulk"; }
    if (lane.full != when_full::reject) { out << ", when full " << to_string(lane.full); }
}

void write_tasks(std::ostream& out, const pool_plan& pool) {
    if (pool.run == run_mode::reactor) {
        out << ", a reactor each, for up to " << pool.tasks.capacity << " functions from outside";
        return;
    }
    out << " for tasks, up to " << pool.tasks.capacity << " from outside on a node, " << to_string(pool.tasks.order);
    if (pool.tasks.steal != steal_scope::node) { out << ", steal from " << to_string(pool.tasks.steal) << " beyond " << pool.tasks.backlog; }
}

void write_pool(std::ostream& out, const pool_plan& pool, const layout& sites) {
    std::vector<const worker_site*> workers;
    for (const auto& site : sites.workers) {
        if (site.pool == pool.name) { workers.push_back(&site); }
    }
    const bool serves = pool.run == run_mode::service;
    out << "  pool " << pool.name << ": " << counted(workers.size(), "worker");
    if (serves) { write_lanes(out, pool.lane); }
    else { write_tasks(out, pool); }
    out << ", " << to_string(pool.idle.strategy);
    if (pool.idle.strategy == idle_strategy::spin_then_park) { out << " " << span(pool.idle.spin); }
    if (pool.slo) { out << ", p" << pool.slo->quantile * 100 << " within " << span(pool.slo->target); }
    out << (serves ? "" : " (" + std::string(to_string(pool.enforce)) + ")") << '\n';
    if (serves) {
        out << "    memory: " << amount(pool.memory.per_worker) << " each, "
            << amount({pool.memory.per_worker.value * workers.size()}) << " in all, " << to_string(pool.memory.policy)
            << (pool.memory.pages ? ", " + std::string(to_string(*pool.memory.pages)) + " pages" : "") << " (" << to_string(pool.enforce) << ")\n";
    }
    if (workers.size() <= most_worker_lines) {
        for (const auto* w : workers) {
            out << "    " << worker_name(*w) << ": CPU " << w->cpu.value << ", node " << w->node.value;
            if (w->memory_node != w->node) { out << ", memory on node " << w->memory_node.value; }
            out << '\n';
        }
        return;
    }
    std::map<node_id, std::vector<cpu_id>> by_node;
    for (const auto* w : workers) { by_node[w->node].push_back(w->cpu); }
    for (auto& [node, cpus] : by_node) {
        std::sort(cpus.begin(), cpus.end());
        out << "    node " << node.value << ": " << counted(cpus.size(), "worker") << " on CPUs " << to_list(cpus)
            << '\n';
    }
}

void write_placements(std::ostream& out, const std::vector<placement>& placements, bool has_status) {
    if (placements.empty()) {
        out << "placements: none yet (not started)\n";
        return;
    }
    const auto lost = [](const placement& p) {
        return p.outcome == placement_outcome::degraded || p.outcome == placement_outcome::not_enforced;
    };
    const auto losses = static_cast<std::size_t>(std::count_if(placements.begin(), placements.end(), lost));
    const auto good = placements.size() - losses;
    const auto pretend = std::count_if(placements.begin(), placements.end(), [](const placement& p) {
        return p.outcome == placement_outcome::simulated;
    });
    out << "placements: " << placements.size() << ", " << losses << " not as asked";
    // Nothing was asked of a real node there: neither kept nor lost.
    if (pretend != 0) { out << ", " << pretend << " simulated (nothing real to keep)"; }
    out << '\n';
    const bool show_good = good <= most_good_placements;
    std::map<placement_outcome, std::size_t> hidden;
    std::size_t lost_shown = 0;
    for (const auto& one : placements) {
        if (lost(one) ? lost_shown++ < most_lost_placements : show_good) {
            out << "  " << to_text(one) << '\n';
        } else {
            ++hidden[one.outcome];
        }
    }
    for (const auto& [outcome, count] : hidden) {
        const bool good_one = outcome == placement_outcome::honoured || outcome == placement_outcome::simulated;
        out << (good_one ? "  " : "  and ") << count << (good_one ? " " : " more ") << to_string(outcome)
            << (good_one ? ", too many to list" : "") << (has_status ? " (all of them: GET /status)\n" : "\n");
    }
}

/// The reasons that the placements above have not told already.
void write_reasons(std::ostream& out, const bridge_status& now) {
    std::set<std::string> told;
    for (const auto& one : now.placements) { told.insert(to_text(one)); }
    std::vector<std::string> more;
    std::copy_if(now.degraded.begin(), now.degraded.end(), std::back_inserter(more),
                 [&](const std::string& reason) { return told.count(reason) == 0; });
    if (now.degraded.empty()) { return; }
    out << "DEGRADED: " << counted(now.degraded.size(), "reason") << (more.empty() ? ", see above\n" : "\n");
    for (std::size_t i = 0; i < more.size() && i < most_lost_placements; ++i) { out << "  " << more[i] << '\n'; }
}

}  // namespace

std::string banner(const snapshot& shown) {
    std::ostringstream out;
    out << "numasio " NUMASIO_VERSION "\n";
    write_machine(out, shown.machine, shown.now.numa_balancing);
    out << "split\n  control: " << cpus_text(shown.sites.control) << '\n';
    for (const auto& pool : shown.asked.pools) { write_pool(out, pool, shown.sites); }
    for (const auto& note : shown.sites.notes) { out << "  note: " << note << '\n'; }
    write_placements(out, shown.now.placements, shown.asked.find_listener("http") != nullptr);
    write_reasons(out, shown.now);
    return out.str();
}

}  // namespace numasio::detail
