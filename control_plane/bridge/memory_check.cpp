// Adds up lanes and services by node and as a whole, and huge pages by the pools that they come from.
#include "control_plane/bridge/memory_check.hpp"

#include "control_plane/bridge/value_text.hpp"
#include "src/memory_choice.hpp"
#include "src/node_budget.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/region_setup.hpp"

#include <numasio/node_region.hpp>
#include <numasio/plan_error.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace numasio::detail {
namespace {

std::uint64_t divided(std::uint64_t all, std::uint64_t part) { return all / part + (all % part != 0 ? 1 : 0); }

/// What a group of workers needs, and the pool that needs most of it.
struct need {
    struct share {
        std::uint64_t workers = 0;
        std::uint64_t bytes = 0;
    };
    std::uint64_t total = 0;
    std::map<const pool_plan*, share> pools;

    void add(const pool_plan* pool, std::uint64_t bytes) {
        total += bytes;
        ++pools[pool].workers;
        pools[pool].bytes += bytes;
    }
};

std::string rounded(std::uint64_t bytes) {
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    return size_text(divided(bytes, mebibyte) * mebibyte);
}

class memory_check {
public:
    memory_check(const plan& asked, const topology& machine, std::span<const pool_memory> pools)
        : asked_(asked), machine_(machine), pools_(pools), memory_nodes_(machine.memory_nodes()) {}

    /// Fails: throws plan_error. What best effort will do without.
    std::vector<std::string> run(const layout& sites) {
        if (machine_.nodes_are_real()) {
            for (const auto& pool : asked_.pools) { check_policy(pool); }
        }
        for (const auto& site : sites.workers) {
            const auto of = std::find_if(pools_.begin(), pools_.end(),
                                         [&](const pool_memory& m) { return m.pool->name == site.pool; });
            if (of != pools_.end()) { add(*of, site.memory_node); }
        }
        for (const auto& [pool, lack] : without_huge_pages_) { refuse_huge_pages(*pool, lack); }
        for (const auto& [node, asked] : bound_) {
            const auto room = room_on(node);
            if (room && asked.total > room->value) {
                refuse(asked, "what node " + std::to_string(node.value) + (is_here_ ? " has to give now" : " of that machine has"), *room);
            }
        }
        const auto room = room_in_all();
        if (problems_.empty() && all_.total > room.value) {
            refuse(all_, is_here_ ? "all that this process can have now" : "all that machine has", room);
        }
        if (!problems_.empty()) { throw plan_error(std::move(problems_)); }
        std::vector<std::string> notes;
        for (const auto& [pool, lack] : with_usual_pages_) {
            notes.push_back(pool->name + ": " + lack_text(*pool, lack) + "; best effort goes on with the kernel's usual ones");
        }
        return notes;
    }

private:
    struct huge_lack {
        std::uint64_t workers = 0;
        std::uint64_t pages_each = 0;
        std::map<node_id, std::uint64_t> free;  // at first
    };

    void check_policy(const pool_plan& pool) {
        if (pool.enforce != enforcement::strict || pool.memory.policy != memory_policy::weighted_interleave || memory_nodes_.empty()) { return; }
        const node_region page(bytes{1});
        const auto refused = platform::bind_pages(page.data(), memory_nodes_, pool.memory.policy);
        if (refused == boost::system::errc::invalid_argument) {
            add_problem(pool, ".memory.policy", "weighted_interleave is not known to this kernel", "Linux 6.9 or newer",
                        "take interleave, or enforcement: best_effort");
        }
    }

    /// Of another machine it is known what its nodes have, and not what is free of that.
    std::optional<bytes> room_on(node_id node) const {
        if (is_here_) { return node_budget::room(node); }
        const auto* const info = machine_.find(node);
        return info == nullptr || info->memory.value == 0 ? std::nullopt : std::optional(info->memory);
    }
    bytes room_in_all() const {
        if (is_here_) { return node_budget::room_in_all(); }
        bytes all;
        for (const auto& node : machine_.nodes) { all = all + node.memory; }
        return all.value == 0 ? bytes{~std::uint64_t{0}} : all;  // it says nothing of memory
    }

    void add(const pool_memory& memory, node_id home) {
        const auto& pool = *memory.pool;
        const bool on_nodes = machine_.nodes_are_real() || !is_here_;
        const std::uint64_t service = is_here_ && on_nodes && takes_huge_pages(pool, home) ? 0 : pool.memory.per_worker.value;
        all_.add(&pool, memory.lanes + service);
        if (!on_nodes) { return; }
        if (interleaves(pool.memory.policy)) {  // the lanes are the worker's alone; by weights nobody knows a node's share
            const bool even = pool.enforce == enforcement::strict && pool.memory.policy == memory_policy::interleave;
            const std::uint64_t share = even ? divided(service, std::max<std::size_t>(memory_nodes_.size(), 1)) : 0;
            bound_[home].add(&pool, memory.lanes + share);
            for (const auto node : memory_nodes_) {
                if (share != 0 && node != home) { bound_[node].add(&pool, share); }
            }
        } else if (pool.memory.policy == memory_policy::bind) {
            bound_[home].add(&pool, memory.lanes + service);
        }
    }

    /// Takes them from what the nodes' pools have; where that is too little, best effort goes on with the kernel's usual pages.
    bool takes_huge_pages(const pool_plan& pool, node_id home) {
        const auto page = pool_page_size(pool.memory.pages);
        if (page.value == 0) { return false; }
        const bool shared = interleaves(pool.memory.policy);
        const bool anywhere = pool.memory.policy != memory_policy::bind && !shared &&
                              (pool.memory.policy == memory_policy::local || pool.enforce == enforcement::best_effort);
        const std::vector<node_id> nodes = shared || anywhere ? memory_nodes_ : std::vector{home};
        const std::uint64_t needed = divided(pool.memory.per_worker.value, page.value);
        const std::uint64_t share = pool.memory.policy == memory_policy::interleave ? divided(needed, std::max<std::size_t>(nodes.size(), 1)) : 0;
        std::uint64_t free = 0;
        bool enough = true;
        for (const auto node : nodes) {
            free += huge_pages_left(node, page);
            enough = enough && huge_pages_left(node, page) >= share;
        }
        if (!enough || free < needed) {
            auto& lack = (pool.enforce == enforcement::strict ? without_huge_pages_ : with_usual_pages_)[&pool];
            ++lack.workers;
            lack.pages_each = needed;
            for (const auto node : nodes) { lack.free[node] = free_huge_pages(node, page); }
            return pool.enforce == enforcement::strict;  // told as what it is, not as too little memory
        }
        std::uint64_t left = needed;
        for (const auto node : nodes) {
            auto& here = huge_pages_left(node, page);
            const auto taken = std::min({here, left, share != 0 ? share : left});
            here -= taken;
            left -= taken;
        }
        return true;
    }

    std::uint64_t& huge_pages_left(node_id node, bytes page) {
        const auto [at, fresh] = huge_pages_.try_emplace({node, page.value}, 0);
        if (fresh) { at->second = free_huge_pages(node, page); }
        return at->second;
    }

    static std::string lack_text(const pool_plan& pool, const huge_lack& lack) {
        std::string have;
        for (const auto& [node, pages] : lack.free) {
            have += (have.empty() ? "" : ", ") + std::to_string(pages) + " on node " + std::to_string(node.value);
        }
        return std::to_string(lack.workers) + (lack.workers == 1 ? " worker finds" : " workers find") + " too few pages of " +
               std::string(to_string(*pool.memory.pages)) + ": " + std::to_string(lack.pages_each) + " needed" + (lack.workers == 1 ? "" : " by each") +
               ", free: " + have;
    }

    void refuse_huge_pages(const pool_plan& pool, const huge_lack& lack) {
        add_problem(pool, ".memory.pages", lack_text(pool, lack), "as many in the pools of its nodes",
                    "fill them (/sys/devices/system/node/node*/hugepages/hugepages-" + std::to_string(pool_page_size(pool.memory.pages).value >> 10) +
                        "kB/nr_hugepages), lower memory.per_worker, or take enforcement: best_effort");
    }

    void refuse(const need& asked, const std::string& who, bytes room) {
        const auto largest = std::max_element(asked.pools.begin(), asked.pools.end(),
                                              [](const auto& a, const auto& b) { return a.second.bytes < b.second.bytes; });
        const auto& pool = *largest->first;
        const auto workers = largest->second.workers;
        const auto memory = *std::find_if(pools_.begin(), pools_.end(), [&](const pool_memory& m) { return m.pool == &pool; });
        const bool lanes_weigh = memory.lanes > pool.memory.per_worker.value;
        add_problem(pool, lanes_weigh ? ".lane.capacity" : ".memory.per_worker",
                    std::to_string(workers) + (workers == 1 ? " worker takes " : " workers take ") +
                        rounded(pool.memory.per_worker.value) + " for the service and " + rounded(memory.lanes) +
                        " for lanes" + (workers == 1 ? "" : " each") + ", all pools together " + rounded(asked.total),
                    "at most " + rounded(room.value) + ", " + who,
                    lanes_weigh ? "lower lane.capacity or lane.producers" : "lower memory.per_worker, or take fewer workers");
    }

    void add_problem(const pool_plan& pool, const std::string& key_in_pool, std::string what, std::string expected, std::string suggestion) {
        const auto key = plan_key("pools", pool.name) + key_in_pool;
        const auto mark = asked_.marks.find(key);
        problems_.push_back({mark == asked_.marks.end() ? plan_mark{} : mark->second, key, std::move(what), std::move(expected), std::move(suggestion)});
    }

    const plan& asked_;
    const topology& machine_;
    const bool is_here_ = machine_.cpus_are_real();
    std::span<const pool_memory> pools_;
    std::vector<node_id> memory_nodes_;
    std::map<node_id, need> bound_;  // of real nodes
    need all_;
    std::map<std::pair<node_id, std::uint64_t>, std::uint64_t> huge_pages_;  // left, by node and size
    std::map<const pool_plan*, huge_lack> without_huge_pages_;  // refused
    std::map<const pool_plan*, huge_lack> with_usual_pages_;    // instead
    std::vector<plan_problem> problems_;
};

}  // namespace

std::vector<std::string> check_memory(const plan& asked, const layout& sites, const topology& machine,
                                      std::span<const pool_memory> pools) {
    return memory_check(asked, machine, pools).run(sites);
}

}  // namespace numasio::detail
