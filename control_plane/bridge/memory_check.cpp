// Adds up lanes and services by node and as a whole.
#include "control_plane/bridge/memory_check.hpp"

#include "control_plane/bridge/value_text.hpp"
#include "src/node_budget.hpp"

#include <numasio/plan_error.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace numasio::detail {
namespace {

/// What a service takes of free memory: a pool's huge pages were taken from it long ago.
std::uint64_t service_bytes(const pool_memory& memory) {
    const auto pages = memory.pool->memory.pages;
    const bool huge = pages == page_kind::huge_2mib || pages == page_kind::huge_1gib;
    return huge ? 0 : memory.pool->memory.per_worker.value;
}

/// What a group of workers needs, and the pool that needs most of it.
struct need {
    std::uint64_t total = 0;
    std::map<const pool_plan*, std::uint64_t> workers;

    void add(const pool_memory& memory) {
        total += memory.lanes + service_bytes(memory);
        ++workers[memory.pool];
    }
};

std::string rounded(std::uint64_t bytes) {
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    return size_text((bytes + mebibyte - 1) / mebibyte * mebibyte);
}

class memory_check {
public:
    memory_check(const plan& asked, std::span<const pool_memory> pools) : asked_(asked), pools_(pools) {}

    void run(const layout& sites, const topology& machine) {
        std::map<node_id, need> bound;
        need all;
        for (const auto& site : sites.workers) {
            const auto of = std::find_if(pools_.begin(), pools_.end(),
                                         [&](const pool_memory& m) { return m.pool->name == site.pool; });
            if (of == pools_.end()) { continue; }
            all.add(*of);
            if (of->pool->memory.policy == memory_policy::bind) { bound[site.memory_node].add(*of); }
        }
        if (machine.nodes_are_real()) {
            for (const auto& [node, asked] : bound) {
                const auto room = node_budget::room(node);
                if (room && asked.total > room->value) {
                    refuse(asked, "what node " + std::to_string(node.value) + " has to give now", *room);
                }
            }
        }
        const auto room = node_budget::room_in_all();
        if (problems_.empty() && all.total > room.value) { refuse(all, "all that this process can have now", room); }
        if (!problems_.empty()) { throw plan_error(std::move(problems_)); }
    }

private:
    void refuse(const need& asked, const std::string& who, bytes room) {
        const auto of = [&](const pool_plan* pool) {
            return *std::find_if(pools_.begin(), pools_.end(), [&](const pool_memory& m) { return m.pool == pool; });
        };
        const auto size = [&](const auto& entry) {
            const auto memory = of(entry.first);
            return entry.second * (memory.lanes + service_bytes(memory));
        };
        const auto largest = std::max_element(asked.workers.begin(), asked.workers.end(),
                                              [&](const auto& a, const auto& b) { return size(a) < size(b); });
        const auto memory = of(largest->first);
        const auto& pool = *memory.pool;
        const bool lanes_weigh = memory.lanes > pool.memory.per_worker.value;
        const auto key = plan_key("pools", pool.name) + (lanes_weigh ? ".lane.capacity" : ".memory.per_worker");
        const auto mark = asked_.marks.find(key);
        problems_.push_back(
            {mark == asked_.marks.end() ? plan_mark{} : mark->second, key,
             std::to_string(largest->second) + (largest->second == 1 ? " worker takes " : " workers take ") +
                 rounded(pool.memory.per_worker.value) + " for the service and " + rounded(memory.lanes) +
                 " for lanes" + (largest->second == 1 ? "" : " each") + ", all pools together " + rounded(asked.total),
             "at most " + rounded(room.value) + ", " + who,
             lanes_weigh ? "lower lane.capacity or lane.producers" : "lower memory.per_worker, or take fewer workers"});
    }

    const plan& asked_;
    std::span<const pool_memory> pools_;
    std::vector<plan_problem> problems_;
};

}  // namespace

void check_memory(const plan& asked, const layout& sites, const topology& machine,
                  std::span<const pool_memory> pools) {
    memory_check(asked, pools).run(sites, machine);
}

}  // namespace numasio::detail
