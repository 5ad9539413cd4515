// Questions to a topology, and the split of a machine into pretend nodes.
#include <numasio/topology.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace numasio {
namespace {

template <class Entry, class Id>
const Entry* binary_find(const std::vector<Entry>& entries, Id id) noexcept {
    const auto found = std::lower_bound(entries.begin(), entries.end(), id,
                                        [](const Entry& entry, Id wanted) { return entry.id < wanted; });
    return found != entries.end() && found->id == id ? &*found : nullptr;
}

}  // namespace

const node_info* topology::find(node_id id) const noexcept { return binary_find(nodes, id); }

const cpu_info* topology::find(cpu_id id) const noexcept { return binary_find(cpus, id); }

std::optional<std::uint32_t> topology::distance(node_id from, node_id to) const noexcept {
    for (const node_distance& pair : distances) {
        if (pair.from == from && pair.to == to) { return pair.value; }
    }
    return std::nullopt;
}

const memory_access* topology::access(node_id initiator, node_id target) const noexcept {
    const auto found = std::lower_bound(accesses.begin(), accesses.end(), std::pair(initiator, target),
                                        [](const memory_access& a, const std::pair<node_id, node_id>& wanted) {
                                            return std::pair(a.initiator, a.target) < wanted;
                                        });
    return found != accesses.end() && found->initiator == initiator && found->target == target ? &*found : nullptr;
}

std::vector<node_id> topology::executor_nodes() const {
    std::vector<node_id> found;
    for (const cpu_info& cpu : cpus) {
        if (cpu.allowed) { found.push_back(cpu.node); }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<node_id> topology::executor_nodes_by_distance(node_id home) const {
    auto found = executor_nodes();
    const auto away = [&](node_id node) -> std::uint64_t {
        return node == home ? 0 : distance(home, node).value_or(std::numeric_limits<std::uint32_t>::max());
    };
    std::sort(found.begin(), found.end(), [&](node_id a, node_id b) {
        return std::pair(away(a), a) < std::pair(away(b), b);
    });
    return found;
}

std::vector<cpu_id> topology::allowed_cpus(node_id node) const {
    std::vector<cpu_id> found;
    for (const cpu_info& cpu : cpus) {
        if (cpu.allowed && cpu.node == node) { found.push_back(cpu.id); }
    }
    return found;
}

std::vector<cpu_id> topology::allowed_cpus() const {
    std::vector<cpu_id> found;
    for (const cpu_info& cpu : cpus) {
        if (cpu.allowed) { found.push_back(cpu.id); }
    }
    return found;
}

std::vector<node_id> topology::memory_nodes() const {
    std::vector<node_id> found;
    for (const node_info& node : nodes) {
        if (node.memory.value != 0 && node.memory_allowed) { found.push_back(node.id); }
    }
    return found;
}

std::optional<node_id> topology::nearest_memory(node_id node) const {
    const node_info* const asked = find(node);
    if (asked == nullptr) { return std::nullopt; }
    const bool figures =
        std::any_of(nodes.begin(), nodes.end(), [](const node_info& n) { return n.memory.value != 0; });
    const auto usable = [&](const node_info& n) { return n.memory_allowed && (n.memory.value != 0 || !figures); };
    if (usable(*asked)) { return node; }
    // Pairs that the firmware left out count as farther than any that it gave.
    const node_info* best = nullptr;
    std::uint64_t best_distance = 0;
    for (const node_info& candidate : nodes) {
        if (!usable(candidate)) { continue; }
        const std::uint64_t away = distance(node, candidate.id).value_or(std::uint32_t{0} - 1);
        if (best == nullptr || away < best_distance) {
            best = &candidate;
            best_distance = away;
        }
    }
    if (best == nullptr) { return std::nullopt; }
    return best->id;
}

topology simulate_nodes(const topology& machine, std::uint32_t nodes) {
    const std::size_t allowed = machine.allowed_cpus().size();
    if (nodes < 1 || nodes > allowed) {
        throw std::invalid_argument("cannot simulate " + std::to_string(nodes) + " nodes: expected 1 to " +
                                    std::to_string(allowed) + ", one for each CPU that this process may use");
    }
    topology pretend;
    // A description of some other machine does not become pinnable by being split.
    pretend.origin = machine.cpus_are_real() ? topology_origin::simulated : machine.origin;
    pretend.source = std::to_string(nodes) + " simulated nodes over " + machine.source;
    pretend.limits = machine.limits;
    pretend.nodes.resize(nodes);
    for (std::uint32_t n = 0; n < nodes; ++n) { pretend.nodes[n].id = {n}; }
    std::size_t dealt = 0;
    for (cpu_info cpu : machine.cpus) {
        if (!cpu.allowed) { continue; }
        cpu.node = {static_cast<std::uint32_t>(dealt * nodes / allowed)};
        pretend.nodes[cpu.node.value].cpus.push_back(cpu.id);
        pretend.cpus.push_back(cpu);
        ++dealt;
    }
    return pretend;
}

}  // namespace numasio
