// Pins and restores; picks CPUs out of a topology.
#include <numasio/scoped_pin.hpp>

#include "src/platform/linux_sched.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace numasio {
namespace {

template <class Wanted>
std::vector<cpu_id> pick(const topology& machine, smt_policy smt, Wanted wanted) {
    std::vector<cpu_id> picked;
    std::set<std::uint32_t> cores;
    for (const auto& cpu : machine.cpus) {
        if (!cpu.allowed || !wanted(cpu)) { continue; }
        const bool fresh = cores.insert(cpu.core).second;
        if (fresh || smt == smt_policy::all_threads) { picked.push_back(cpu.id); }
    }
    return picked;
}

}  // namespace

std::vector<cpu_id> cpus_of_node(const topology& machine, node_id node, smt_policy smt) {
    return pick(machine, smt, [node](const cpu_info& cpu) { return cpu.node == node; });
}

std::vector<cpu_id> cpus_of_cache(const topology& machine, cpu_id cpu, smt_policy smt) {
    const auto* info = machine.find(cpu);
    if (info == nullptr) { return {}; }
    return pick(machine, smt, [info](const cpu_info& other) { return other.l3_group == info->l3_group; });
}

std::vector<cpu_id> cpus_of_core(const topology& machine, cpu_id cpu) {
    const auto* info = machine.find(cpu);
    if (info == nullptr) { return {}; }
    return pick(machine, smt_policy::all_threads, [info](const cpu_info& other) { return other.core == info->core; });
}

scoped_pin::scoped_pin(std::span<const cpu_id> cpus) : thread_(std::this_thread::get_id()), before_(this_thread_cpus()) {
    result_.error = pin_this_thread(cpus);
    result_.got = this_thread_cpus();
    const auto asked_for = [&](cpu_id cpu) { return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end(); };
    // Refused outright, the mask is still the one from before: not a part of what was asked for.
    if (result_.error == errc::pin_refused && !std::all_of(result_.got.begin(), result_.got.end(), asked_for)) {
        result_.got.clear();
    }
}

scoped_pin::~scoped_pin() {
    if (thread_ != std::this_thread::get_id()) {
        std::fprintf(stderr, "numasio: a scoped_pin was destroyed by another thread than the one that it pins\n");
        std::abort();
    }
    // Nothing to be done where the kernel refuses: those CPUs may be gone meanwhile.
    if (!before_.empty()) { static_cast<void>(pin_this_thread(before_)); }
}

}  // namespace numasio
