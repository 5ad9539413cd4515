// One look: at home, back home, or elsewhere for now.
#include "src/region_keeper.hpp"

#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"

#include <numasio/errc.hpp>
#include <numasio/topology.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace numasio {
namespace {

constexpr std::size_t pages_per_look = 256;

std::string text(const std::vector<node_id>& nodes) { return (nodes.size() == 1 ? "node " : "nodes ") + to_list(nodes); }

}  // namespace

/// Pages of which nothing is known are not held to be elsewhere.
bool region_keeper::at_home(const page_audit& audit) const noexcept {
    return std::all_of(audit.on_node.begin(), audit.on_node.end(), [&](const auto& found) {
        return std::find(nodes_.begin(), nodes_.end(), found.first) != nodes_.end();
    });
}

bool region_keeper::sample_is_at_home() noexcept {
    std::array<void*, pages_per_look> page;
    std::array<int, pages_per_look> node;
    const std::size_t count = std::min(pages_per_look, region_.pages() - next_);
    for (std::size_t i = 0; i < count; ++i) { page[i] = region_.data().data() + (next_ + i) * region_.page_size().value; }
    next_ = next_ + count == region_.pages() ? 0 : next_ + count;
    if (platform::locate_pages({page.data(), count}, {node.data(), count})) { return true; }
    return std::all_of(node.begin(), node.begin() + count, [&](int found) {
        return found < 0 || std::find(nodes_.begin(), nodes_.end(), node_id{static_cast<std::uint32_t>(found)}) != nodes_.end();
    });
}

std::optional<placement> region_keeper::look() {
    if (!told_ && sample_is_at_home()) { return std::nullopt; }
    const auto usable = platform::allowed_memory_nodes();
    const bool allowed = !usable || std::all_of(nodes_.begin(), nodes_.end(), [&](node_id node) {
        return std::find(usable->begin(), usable->end(), node) != usable->end();
    });
    error_code refused;
    // The policy was rewritten, too: this sets it anew, and moves what does not follow it.
    if (allowed) { refused = platform::bind_pages(region_.data(), nodes_, policy_, true); }
    const auto audit = region_.audit();
    if (allowed && !refused && at_home(audit)) {
        told_.reset();
        settled_.pages = audit;
        return settled_;
    }
    auto now = elsewhere(audit, refused, allowed);
    if (told_ && told_->got == now.got && told_->why == now.why) { return std::nullopt; }
    told_ = now;
    return now;
}

placement region_keeper::elsewhere(const page_audit& audit, error_code refused, bool allowed) const {
    auto p = settled_;
    p.outcome = placement_outcome::degraded;
    p.pages = audit;
    p.error = refused ? refused : make_error_code(errc::pages_elsewhere);
    std::vector<node_id> got;
    for (const auto& [node, pages] : audit.on_node) { got.push_back(node); }
    p.got = got.empty() ? "page locations unknown" : text(got);
    p.why = !allowed ? text(nodes_) + (nodes_.size() == 1 ? " is" : " are") + " outside the memory nodes of this process's cpuset"
            : refused ? "mbind: " + refused.message()
                      : "pages were moved away, and not all can be moved back";
    p.why += "; tried again twice a second";
    return p;
}

}  // namespace numasio
