// One look at some pages; all of them, and back to their nodes, where one is elsewhere.
#include "src/region_keeper.hpp"

#include "src/memory_choice.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/place_text.hpp"
#include "src/region_setup.hpp"
#include "src/share_out.hpp"

#include <numasio/errc.hpp>
#include <numasio/topology.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace numasio {
namespace {

constexpr std::size_t pages_per_look = 256;
constexpr std::size_t bytes_per_step = std::size_t{4} << 20;  // moved before a stop is looked for
constexpr std::uint32_t most_patience = 63;                   // looks, four times a second

}  // namespace

region_keeper::region_keeper(const node_region& region, memory_policy policy, std::vector<node_id> nodes, placement settled)
    : region_(region), policy_(policy), nodes_(std::move(nodes)), settled_(std::move(settled)),
      policy_read_(platform::policy_nodes_of(region.data().data())) {}

bool region_keeper::nodes_are_allowed() const {
    const auto usable = platform::allowed_memory_nodes();
    return !usable || std::all_of(nodes_.begin(), nodes_.end(), [&](node_id node) {
        return std::find(usable->begin(), usable->end(), node) != usable->end();
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

// A cpuset that lost a node rewrote the policy, and leaves it so when the node is back.
bool region_keeper::policy_is_as_it_was() const { return platform::policy_nodes_of(region_.data().data()) == policy_read_; }

std::optional<placement> region_keeper::look(const std::atomic<std::uint32_t>& ends) {
    // Interleaved pages are never on another node than one of theirs, wherever they fled: there the policy itself tells.
    if (!told_ && sample_is_at_home() && policy_is_as_it_was()) { return std::nullopt; }
    const bool allowed = nodes_are_allowed();
    if (allowed && !was_allowed_) { patience_ = to_wait_ = 0; }
    was_allowed_ = allowed;
    if (told_ && !allowed) { return std::nullopt; }
    if (told_ && to_wait_ != 0) {
        --to_wait_;
        return std::nullopt;
    }

    error_code refused;
    if (allowed) { refused = bind_again(ends); }
    auto audit = whole_audit(ends);
    auto verdict = judged(audit);
    if (nodes_.size() > 1 && allowed && !refused && verdict && settled_.pages) {
        share_out(region_, audit, *settled_.pages, ends);
        audit = whole_audit(ends);
        verdict = judged(audit);
    }
    if (ends.load(std::memory_order_relaxed) != 0) { return std::nullopt; }
    if (!allowed) { verdict = errc::pages_elsewhere; }
    if (refused) { verdict = refused; }
    if (!verdict) {
        patience_ = 0;
        if (!told_) { return std::nullopt; }  // put right at once
        auto now = settled_;
        now.pages = std::move(audit);
        told_.reset();
        return now;
    }
    to_wait_ = patience_;  // none the first time: the look may have met the cpuset's change half way
    patience_ = std::min(2 * patience_ + 1, most_patience);
    auto now = elsewhere(audit, verdict, allowed);
    if (told_ && told_->got == now.got && told_->why == now.why) { return std::nullopt; }
    auto remembered = now;  // all of it or nothing
    told_ = std::move(remembered);
    return now;
}

// The policy was rewritten, too: this sets it anew, and moves what is on none of its nodes.
error_code region_keeper::bind_again(const std::atomic<std::uint32_t>& ends) const {
    const auto bytes = region_.data();
    const std::size_t step = std::max<std::size_t>(bytes_per_step, region_.page_size().value);
    for (std::size_t at = 0; at < bytes.size() && ends.load(std::memory_order_relaxed) == 0; at += step) {
        const auto refused = platform::bind_pages(bytes.subspan(at, std::min(step, bytes.size() - at)), nodes_, policy_, true);
        if (refused) { return refused; }
    }
    return {};
}

// In steps, as all that takes long: a stop does not wait for it.
page_audit region_keeper::whole_audit(const std::atomic<std::uint32_t>& ends) const {
    constexpr std::size_t step = 4096;
    page_audit whole;
    for (std::size_t at = 0; at < region_.pages() && ends.load(std::memory_order_relaxed) == 0; at += step) {
        const auto part = region_.audit(step, at);
        whole.asked += part.asked;
        whole.unknown += part.unknown;
        for (const auto& [node, pages] : part.on_node) { whole.on_node[node] += pages; }
    }
    return whole;
}

error_code region_keeper::judged(const page_audit& audit) const {
    region_placement found;
    found.policy = policy_;
    found.nodes = nodes_;
    found.pages = region_.placed().pages;
    found.audit = audit;
    const auto verdict = judge(found, region_.page_size().value);
    if (verdict || !interleaves(policy_) || !settled_.pages) { return verdict; }
    // Weights are the administrator's: what they came to at the start.
    const std::uint64_t tolerance = grain(found.pages, region_.page_size().value);
    const bool same = std::all_of(nodes_.begin(), nodes_.end(), [&](node_id node) {
        return audit.on(node) + tolerance >= settled_.pages->on(node) && audit.on(node) <= settled_.pages->on(node) + tolerance;
    });
    return same ? error_code{} : make_error_code(errc::pages_elsewhere);
}

placement region_keeper::elsewhere(const page_audit& audit, error_code why, bool allowed) const {
    auto p = settled_;
    p.outcome = placement_outcome::degraded;
    p.pages = audit;
    p.error = why;
    std::vector<node_id> got;
    for (const auto& [node, pages] : audit.on_node) { got.push_back(node); }
    p.got = got.empty() ? "page locations unknown" : nodes_text(got);
    p.why = !allowed ? nodes_text(nodes_) + (nodes_.size() == 1 ? " is" : " are not all") +
                           (nodes_.size() == 1 ? " outside" : " in") + " the memory nodes of this process's cpuset"
                     : "moving pages back: " + why.message();
    p.why += "; looked for again";
    return p;
}

}  // namespace numasio
