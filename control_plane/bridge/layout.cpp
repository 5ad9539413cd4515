// Which worker stands on which CPU: deals out the machine's CPUs for a checked plan.
#include <numasio/layout.hpp>

#include "control_plane/bridge/plan_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace numasio {
namespace {

using detail::demand;

std::string number(std::size_t n) { return std::to_string(n); }
std::string text(cpu_id cpu) { return "CPU " + number(cpu.value); }
std::string text(node_id node) { return "node " + number(node.value); }

template <class T>
bool holds(const std::vector<T>& list, T item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// Deals CPUs of a checked plan: pinned pools first, then counted and auto pools in plan order.
class dealer {
public:
    dealer(const plan& asked, const topology& machine, std::vector<demand> demands)
        : asked_(asked), machine_(machine), demands_(std::move(demands)) {}

    layout run() {
        for (const auto& d : demands_) {
            for (const auto cpu : d.pool->cpus.value_or(std::vector<cpu_id>())) { pinned_.insert(cpu); }
        }
        say_machine();
        choose_control();
        for (const auto cpu : out_.control) { occupy(cpu); }
        reserve_pinned();
        share_cores();
        for (const auto& d : demands_) { place(d); }
        say_shared();
        return std::move(out_);
    }

private:
    void note(std::string line) { out_.notes.push_back(std::move(line)); }

    void say_machine() {
        const auto nodes = machine_.executor_nodes();
        if (machine_.origin == topology_origin::simulated) {
            note("the " + number(nodes.size()) +
                 " nodes are simulated: pinning is real, page locality is not measured");
            say_strict();
        } else if (nodes.size() == 1) {
            note("one node with CPUs (" + text(nodes.front()) + "): no memory of it is remote to a worker");
        }
    }

    /// A person who asked for strict must learn that a part of it means nothing here.
    void say_strict() {
        std::string pools;
        for (const auto& pool : asked_.pools) {
            if (pool.enforce == enforcement::strict) { pools += (pools.empty() ? "" : ", ") + pool.name; }
        }
        if (pools.empty()) { return; }
        note("enforcement: strict (" + pools +
             ") holds for pinning alone: simulated nodes have no memory that could be bound, so it fails no start");
    }

    void choose_control() {
        if (asked_.control.cpus) {
            out_.control = *asked_.control.cpus;
            return;
        }
        // The first CPU of the first node, unless a pool is pinned there and another is free.
        std::vector<cpu_id> candidates;
        for (const auto node : machine_.executor_nodes()) {
            for (const auto cpu : machine_.allowed_cpus(node)) { candidates.push_back(cpu); }
        }
        const auto free =
            std::find_if(candidates.begin(), candidates.end(), [&](auto cpu) { return !pinned_.contains(cpu); });
        out_.control = {free == candidates.end() ? candidates.front() : *free};
        note("control: " + text(out_.control.front()) + " (auto)");
    }

    bool is_control(cpu_id cpu) const { return holds(out_.control, cpu); }

    /// True where no hardware thread of the CPU's core is taken by a worker or by control.
    bool whole_core(const cpu_info& cpu) const { return !busy_cores_.contains(cpu.core); }

    void occupy(cpu_id cpu) { busy_cores_.insert(machine_.find(cpu)->core); }

    std::size_t load_of(cpu_id cpu) const {
        const auto found = load_.find(cpu);
        return found == load_.end() ? 0 : found->second;
    }

    void reserve_pinned() {
        for (const auto& d : demands_) {
            if (!d.pinned()) { continue; }
            for (const auto node : d.nodes) {
                for (const auto cpu : chosen_of(d, node)) {
                    ++load_[cpu];
                    occupy(cpu);
                }
            }
        }
    }

    /// A pinned pool's CPUs on `node`: whole cores first where fewer workers than CPUs are asked for.
    std::vector<cpu_id> chosen_of(const demand& d, node_id node) const {
        std::vector<const cpu_info*> cpus;
        for (const auto cpu : *d.pool->cpus) {
            const cpu_info* info = machine_.find(cpu);
            if (info->node == node) { cpus.push_back(info); }
        }
        std::sort(cpus.begin(), cpus.end(), [](auto* a, auto* b) {
            return std::tie(a->smt_index, a->id) < std::tie(b->smt_index, b->id);
        });
        cpus.resize(std::min<std::size_t>(cpus.size(), d.pool->workers_per_node.value_or(~std::uint32_t{0})));
        std::vector<cpu_id> out;
        for (const auto* cpu : cpus) { out.push_back(cpu->id); }
        std::sort(out.begin(), out.end());
        return out;
    }

    /// Divides the cores that are left on each node among the pools that leave their size to `auto`:
    /// evenly, earlier pools first, after the pools that name a number.
    void share_cores() {
        for (const auto node : machine_.executor_nodes()) {
            std::set<std::uint32_t> cores;
            for (const auto& cpu : machine_.cpus) {
                if (cpu.allowed && cpu.node == node && whole_core(cpu)) { cores.insert(cpu.core); }
            }
            std::size_t left = cores.size();
            std::size_t pools = 0;
            for (const auto& d : demands_) {
                if (d.pinned() || !holds(d.nodes, node)) { continue; }
                const std::size_t counted = d.pool->workers_per_node.value_or(0);
                left -= std::min(left, counted);
                pools += counted == 0 ? 1 : 0;
            }
            std::size_t turn = 0;
            for (const auto& d : demands_) {
                if (d.pinned() || d.pool->workers_per_node || !holds(d.nodes, node)) { continue; }
                const std::size_t share = left / pools + (turn++ < left % pools ? 1 : 0);
                shares_[{d.pool, node}] = std::max<std::size_t>(share, 1);
            }
        }
    }

    void place(const demand& d) {
        std::uint32_t index = 0;
        for (const auto node : d.nodes) {
            std::vector<cpu_id> cpus;
            if (d.pinned()) {
                cpus = chosen_of(d, node);
            } else {
                const auto share = shares_.find({d.pool, node});
                const std::size_t wanted = share == shares_.end() ? *d.pool->workers_per_node : share->second;
                cpus = take(node, wanted);
            }
            const auto memory = memory_of(node);
            for (const auto cpu : cpus) {
                out_.workers.push_back({d.pool->name, index, cpu, node, memory});
                users_[cpu].push_back(d.pool->name + "/" + number(index++));
            }
            note(d.pool->name + ": " + number(cpus.size()) + (cpus.size() == 1 ? " worker on " : " workers on ") +
                 text(node) + (cpus.size() == 1 ? ", CPU " : ", CPUs ") + to_list(sorted(cpus)) +
                 (d.pinned() ? "" : " (auto)"));
        }
    }

    static std::vector<cpu_id> sorted(std::vector<cpu_id> cpus) {
        std::sort(cpus.begin(), cpus.end());
        return cpus;
    }

    /// In the order in which CPUs are taken: of a whole free core; else a free hardware thread; else one that other pools use,
    /// the least loaded; and control's only where nothing else is left.
    using rank = std::tuple<std::size_t, std::size_t, cpu_id>;
    rank rank_of(const cpu_info& cpu) const {
        const std::size_t load = load_of(cpu.id);
        return {is_control(cpu.id) ? 3 : load != 0 ? 2 : whole_core(cpu) ? 0 : 1, load, cpu.id};
    }

    /// The best `wanted` CPUs of `node`; plan_check made sure that it has so many.
    std::vector<cpu_id> take(node_id node, std::size_t wanted) {
        std::set<rank> left;
        std::map<std::uint32_t, std::vector<const cpu_info*>> cores;
        for (const auto& cpu : machine_.cpus) {
            if (!cpu.allowed || cpu.node != node) { continue; }
            left.insert(rank_of(cpu));
            cores[cpu.core].push_back(&cpu);
        }
        std::vector<cpu_id> taken;
        while (taken.size() < wanted) {
            taken.push_back(std::get<cpu_id>(*left.begin()));
            left.erase(left.begin());
            std::vector<const cpu_info*> siblings;  // which rank lower from now on
            for (const auto* cpu : cores[machine_.find(taken.back())->core]) {
                if (left.erase(rank_of(*cpu)) != 0) { siblings.push_back(cpu); }
            }
            ++load_[taken.back()];
            occupy(taken.back());
            for (const auto* cpu : siblings) { left.insert(rank_of(*cpu)); }
        }
        return taken;
    }

    node_id memory_of(node_id node) {
        const auto memory = machine_.nearest_memory(node).value_or(node);
        if (memory != node && said_memory_.insert(node).second) {
            note(text(node) + " has no memory that this process may use: its workers' memory comes from " +
                 text(memory));
        }
        return memory;
    }

    void say_shared() {
        for (const auto& [cpu, users] : users_) {
            std::string list = is_control(cpu) ? "control" : "";
            for (const auto& user : users) { list += (list.empty() ? "" : ", ") + user; }
            if (users.size() + (is_control(cpu) ? 1 : 0) < 2) { continue; }
            const auto node = machine_.find(cpu)->node;
            note(text(cpu) + " is shared by " + list + ": this process may use " +
                 (machine_.allowed_cpus(node).size() == 1 ? "no other CPU"
                                                          : "CPUs " + to_list(machine_.allowed_cpus(node))) +
                 " of " + text(node));
        }
    }

    const plan& asked_;
    const topology& machine_;
    std::vector<demand> demands_;
    layout out_;
    std::set<cpu_id> pinned_;
    std::map<cpu_id, std::size_t> load_;  // workers on each CPU
    std::set<std::uint32_t> busy_cores_;  // with a worker's or control's CPU
    std::map<std::pair<const pool_plan*, node_id>, std::size_t> shares_;  // workers of each auto pool
    std::map<cpu_id, std::vector<std::string>> users_;
    std::set<node_id> said_memory_;
};

}  // namespace

layout make_layout(const plan& asked, const topology& machine) {
    return dealer(asked, machine, detail::check_plan(asked, machine)).run();
}

}  // namespace numasio
