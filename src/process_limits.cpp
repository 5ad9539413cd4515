// Puts the limits of this process together from what the kernel shows, and tells the process's affinity from a pin.
#include <numasio/process_limits.hpp>

#include <numasio/affinity.hpp>

#include "src/platform/cpuset_group.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/platform/linux_sched.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace numasio {
namespace {

template <class Id>
std::vector<Id> common(const std::vector<Id>& a, const std::vector<Id>& b) {
    std::vector<Id> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

template <class Id>
bool within(const std::vector<Id>& part, const std::vector<Id>& whole) {
    return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

void read_cpuset(process_limits& limits) {
    auto group = platform::cpuset_of_process();
    if (!group) { return; }
    limits.cpuset = std::move(group->folder);
    limits.cpuset_cpus = std::move(group->cpus);
}

void read_memory_nodes(process_limits& limits) {
    const auto allowed = platform::allowed_memory_nodes();
    // Outside a cpuset the kernel also allows the numbers of nodes that do not exist.
    const auto with_memory = platform::nodes_with_memory();
    if (allowed && with_memory) { limits.memory_nodes = common(*allowed, *with_memory); }
}

}  // namespace

std::vector<cpu_id> process_limits::usable_cpus() const {
    std::vector<cpu_id> usable = cpuset_cpus ? common(online_cpus, *cpuset_cpus) : online_cpus;
    if (!affinity) { return usable; }
    std::vector<cpu_id> narrowed = common(usable, *affinity);
    return narrowed.empty() ? usable : narrowed;
}

process_limits limits_now() {
    process_limits limits;
    const std::vector<cpu_id> mask = this_thread_cpus();
    limits.online_cpus = platform::online_cpus().value_or(mask);
    read_cpuset(limits);
    read_memory_nodes(limits);
    // The mask is the kernel's own word: files that deny a CPU of it belong to another group (mounted from elsewhere).
    if (limits.cpuset_cpus && !within(mask, *limits.cpuset_cpus)) {
        limits.cpuset_cpus.reset();
        limits.cpuset.clear();
    }
    // As it was given, with CPUs that are offline at the moment, so that these may come back.
    if (mask != limits.usable_cpus()) { limits.affinity = platform::affinity_with_offline().value_or(mask); }
    return limits;
}

process_limits limits_now(const process_limits& before) {
    process_limits limits;
    limits.affinity = before.affinity;
    limits.online_cpus = platform::online_cpus().value_or(before.online_cpus);
    limits.memory_nodes = before.memory_nodes;
    read_memory_nodes(limits);
    if (before.cpuset_cpus) {
        limits.cpuset = before.cpuset;
        limits.cpuset_cpus = before.cpuset_cpus;
        read_cpuset(limits);
    }
    return limits;
}

}  // namespace numasio
