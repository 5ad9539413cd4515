// Holds the nodes of pools against the nodes of network cards.
#include <control_plane/cli/near_devices.hpp>

#include <src/place_text.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace numasio::cli {
namespace {

/// The names of the cards on each node.
std::map<node_id, std::string> cards(const std::vector<device_info>& devices) {
    const auto counts = [](const device_info& device) {
        return device.kind == device_kind::network && device.node() && device.lower.empty();
    };
    const bool any_link = std::any_of(devices.begin(), devices.end(), [&](const device_info& d) { return counts(d) && d.link_up == true; });
    std::map<node_id, std::string> found;
    for (const auto& device : devices) {
        if (!counts(device) || (any_link && device.link_up != true)) { continue; }
        auto& names = found[*device.node()];
        names += (names.empty() ? "" : ", ") + device.name;
    }
    return found;
}

/// The node itself if it has CPUs that this process may use, else the nearest that has.
std::optional<node_id> nearest_executor(const topology& machine, node_id node) {
    std::optional<node_id> best;
    std::uint64_t best_distance = 0;
    for (const auto candidate : machine.executor_nodes()) {
        if (candidate == node) { return node; }
        const std::uint64_t away = machine.distance(candidate, node).value_or(~std::uint32_t{0});
        if (!best || away < best_distance) {
            best = candidate;
            best_distance = away;
        }
    }
    return best;
}

}  // namespace

std::vector<std::string> nearer_to_cards(const plan& asked, const layout& sites, const topology& machine,
                                         const std::vector<device_info>& devices) {
    std::map<node_id, std::string> there;  // what is at, or nearest to, a node that can have workers
    for (const auto& [node, names] : cards(devices)) {
        const auto executor = nearest_executor(machine, node);
        if (!executor) { continue; }
        auto& text = there[*executor];
        text += text.empty() ? "" : "; ";
        text += names + (names.find(", ") == std::string::npos ? " is " : " are ");
        text += *executor == node ? "there" : "on node " + std::to_string(node.value) + ", which has no CPUs for workers, and this is the nearest";
    }
    std::vector<std::string> out;
    for (const auto& pool : asked.pools) {
        std::set<node_id> own;
        for (const auto& site : sites.workers) {
            if (site.pool == pool.name) { own.insert(site.node); }
        }
        const bool near = std::any_of(own.begin(), own.end(), [&](node_id node) { return there.count(node) != 0; });
        if (own.empty() || near || there.empty()) { continue; }
        std::string line = "pool " + pool.name + ": its workers are on " + nodes_text({own.begin(), own.end()}) + "; ";
        bool first = true;
        for (const auto& [node, text] : there) {
            line += (first ? "put this pool on node " : "; or on node ") + std::to_string(node.value) + ": " + text;
            first = false;
        }
        const std::string& advised = std::to_string(there.begin()->first.value);
        out.push_back(line + " (pools." + pool.name + ".nodes: " + advised + (pool.cpus ? ", and its cpus" : "") + ")");
    }
    return out;
}

}  // namespace numasio::cli
