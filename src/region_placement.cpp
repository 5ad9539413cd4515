// Holds an audit against what was asked, and says it as text.
#include "src/region_setup.hpp"

#include "src/platform/huge_pages.hpp"

#include <numasio/topology.hpp>

#include <algorithm>
#include <cmath>

namespace numasio {
namespace {

/// Of pages that are shared out in turn, each node has as many as the other.
bool are_even(const page_audit& audit, const std::vector<node_id>& nodes, std::uint64_t tolerance) {
    const std::uint64_t fair = audit.asked / nodes.size();
    return std::all_of(nodes.begin(), nodes.end(), [&](node_id node) {
        const std::uint64_t here = audit.on(node);
        return here + tolerance >= fair && here <= fair + tolerance;
    });
}

}  // namespace

std::uint64_t grain(const or_auto<page_kind>& pages, std::size_t page) {
    const bool may_join = !pages || pages == page_kind::transparent;
    return may_join ? std::max<std::uint64_t>(platform::transparent_page_size() / page, 1) : 1;
}

error_code judge(const region_placement& placed, std::size_t page) {
    const page_audit& audit = placed.audit;
    std::vector<node_id> nodes = placed.nodes;
    // Wherever the touching threads run is one place, or the region is split.
    if (nodes.empty() && !audit.on_node.empty()) { nodes.push_back(audit.on_node.begin()->first); }
    std::uint64_t there = 0;
    for (const node_id node : nodes) { there += audit.on(node); }
    if (there + audit.unknown != audit.asked) { return errc::pages_elsewhere; }
    if (audit.unknown != 0) { return errc::pages_unknown; }
    const bool shared = interleaves(placed.policy);
    if (shared && std::any_of(nodes.begin(), nodes.end(), [&](node_id node) { return audit.on(node) == 0; })) {
        return errc::pages_elsewhere;  // a node that was full, or less memory than nodes
    }
    if (placed.policy == memory_policy::interleave && !are_even(audit, nodes, grain(placed.pages, page))) { return errc::pages_elsewhere; }
    return {};
}

std::string to_text(const region_placement& p) {
    std::string text = std::string(p.bound ? to_string(p.policy) : "unbound");
    if (!p.nodes.empty()) { text += (p.nodes.size() == 1 ? " node " : " nodes ") + to_list(p.nodes); }
    if (p.pages) { text += ", " + std::string(to_string(*p.pages)) + " pages"; }
    if (p.huge_share) { text += " (" + std::to_string(std::lround(100 * *p.huge_share)) + " % huge)"; }
    if (p.locked) { text += ", locked"; }
    text += ':';
    for (const auto& [node, pages] : p.audit.on_node) {
        text += ' ' + std::to_string(pages) + " on node " + std::to_string(node.value) + ',';
    }
    if (p.audit.unknown != 0) { text += ' ' + std::to_string(p.audit.unknown) + " unknown,"; }
    text.back() = ' ';
    text += '(' + std::string(to_string(p.outcome)) + ')';
    for (const region_loss& loss : p.lost) { text += "; " + loss.step + ": " + loss.error.message() + ": " + loss.why; }
    return text;
}

}  // namespace numasio
