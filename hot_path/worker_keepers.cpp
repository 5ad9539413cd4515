// What is kept is what the kernel was found to have honoured; the rest was told as degraded and stays so.
#include "hot_path/worker_keepers.hpp"

#include "hot_path/thread_settler.hpp"

#include <string>
#include <utility>

namespace numasio::hot_path {
thread_keeper keeper_of_this_thread(const worker_site& site, const std::vector<std::vector<cpu_id>>& refuges,
                                    const detail::placement_book& placements) {
    placement settled;
    settled.subject = placement_subject::cpu;
    settled.owner = name_of(site);
    settled.outcome = placement_outcome::honoured;
    settled.asked = settled.got = "CPU " + std::to_string(site.cpu.value);
    auto now = settled;
    for (auto& p : placements.all()) {
        if (p.subject == placement_subject::cpu) { now = std::move(p); }
    }
    return {platform::this_thread(), {site.cpu}, refuges, std::move(settled), now};
}

worker_keepers worker_keepers::of_memory(const worker_orders& orders) {
    const auto& core = *orders.core;
    worker_keepers keepers;
    const auto keep = [&](const node_region& region, placement_subject subject) {
        const auto& placed = region.placed();
        if (!placed.bound || placed.policy == memory_policy::local) { return; }
        for (auto& p : core.placements.all()) {
            if (p.subject == subject && p.outcome == placement_outcome::honoured) {
                keepers.memory_.emplace_back(region, placed.policy, placed.nodes, std::move(p));
            }
        }
    };
    keep(core.service_memory, placement_subject::service_memory);
    keep(core.lane_memory, placement_subject::lane_memory);
    return keepers;
}

worker_keepers worker_keepers::of_thread_and_memory(const worker_orders& orders) {
    auto keepers = of_memory(orders);
    keepers.thread_ = keeper_of_this_thread(orders.core->site, orders.refuges, orders.core->placements);
    return keepers;
}

void worker_keepers::look(detail::worker_core& core, const std::atomic<std::uint32_t>& ends,
                          const std::function<void(const placement&)>& tell) {
    untold_.reserve(untold_.size() + 1 + memory_.size());  // a keeper tells a change once
    if (thread_) {
        auto found = thread_->look();
        if (found.displaced) { core.displacements.fetch_add(1, std::memory_order_relaxed); }
        if (found.changed) { untold_.push_back(std::move(*found.changed)); }
    }
    const bool at_all = looks_++ % 2 == 0;
    for (auto& memory : memory_) {
        if (!at_all && !memory.is_away()) { continue; }
        if (auto moved = memory.look(ends)) { untold_.push_back(std::move(*moved)); }
    }
    while (!untold_.empty()) {
        core.placements.replace(untold_.front());
        tell(untold_.front());
        untold_.erase(untold_.begin());
    }
}

}  // namespace numasio::hot_path
