// Refuses a plan whose values are wrong anywhere, or that this machine cannot carry out.
#include "control_plane/bridge/plan_check.hpp"

#include "control_plane/bridge/plan_values.hpp"
#include "control_plane/bridge/pool_keys.hpp"
#include "control_plane/bridge/value_text.hpp"
#include "src/place_text.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace numasio::detail {
namespace {

std::string number(std::size_t n) { return std::to_string(n); }
std::string text(cpu_id cpu) { return "CPU " + number(cpu.value); }
std::string text(const std::vector<cpu_id>& cpus) {
    return cpus_text(cpus) + (cpus.size() == 1 ? " is" : " are");
}
std::string text(node_id node) { return "node " + number(node.value); }

template <class T>
bool holds(const std::vector<T>& list, T item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// Finds everything that is wrong by itself, and everything that the machine lacks, before a single CPU is dealt.
class plan_check {
public:
    plan_check(const plan& asked, const topology& machine)
        : asked_(asked), machine_(machine), executors_(machine.executor_nodes()), allowed_(machine.allowed_cpus()),
          entries_(entries_of(asked)) {}

    std::vector<demand> run() {
        const bool too_many_nodes = !allowed_.empty() && asked_.simulate_nodes > allowed_.size();
        for (const auto& entry : entries_) {
            // The machine's answer to too many pretend nodes is the better one: it says how many there may be.
            if (too_many_nodes && entry.key == "simulate_nodes") { continue; }
            if (!entry.what.empty() && faulty_.insert(entry.key).second) {
                add(entry.key, entry.what, entry.expected, entry.suggestion);
            }
        }
        if (allowed_.empty()) {
            add("", "this process may use no CPU of this machine", "at least one allowed CPU", "check the cpuset");
        } else if (too_many_nodes) {
            const auto cpus = number(allowed_.size()) + (allowed_.size() == 1 ? " CPU" : " CPUs");
            add("simulate_nodes", number(asked_.simulate_nodes) + " pretend nodes, and this process may use " + cpus,
                expected_simulate_nodes(), "take " + number(allowed_.size()) + " or fewer");
        }
        if (asked_.control.cpus) { check_cpus("control.cpus", *asked_.control.cpus); }
        std::vector<demand> demands;
        const auto pools = std::min<std::size_t>(asked_.pools.size(), plan_limits::pools.high);
        for (std::size_t i = 0; i < pools; ++i) { demands.push_back(check_pool(asked_.pools[i])); }
        if (!problems_.empty()) { throw plan_error(std::move(problems_)); }
        return demands;
    }

private:
    bool faulty(const std::string& key) const { return faulty_.contains(key); }

    /// The key's own place while its value is the one that stood there; none otherwise, as for a plan built in code.
    plan_mark place_of(const std::string& key) const {
        const auto found = asked_.marks.find(key);
        if (found == asked_.marks.end()) { return {}; }
        const auto& mark = found->second;
        const bool stands = mark.value.empty() || std::any_of(entries_.begin(), entries_.end(), [&](const auto& e) {
            return e.key == key && e.text == mark.value;
        });
        return stands ? mark : plan_mark{};
    }

    void add(const std::string& key, std::string what, std::string expected, std::string suggestion) {
        auto where = place_of(key);
        if (where.file.empty() && !key.empty() && !asked_.marks.empty()) {
            what += " (set in code or on the command line)";
        }
        problems_.push_back({std::move(where), key, std::move(what), std::move(expected), std::move(suggestion)});
    }

    demand check_pool(const pool_plan& pool) {
        const std::string key = plan_key("pools", pool.name);
        check_lane(key + ".lane", pool.lane);
        check_mode(key, pool);
        const bool good_cpus = !pool.cpus || check_cpus(key + ".cpus", *pool.cpus);
        if (pool.cpus && good_cpus) { check_pinned_once(key, pool); }
        demand out{&pool, check_nodes(key, pool)};
        for (const auto node : out.nodes) {
            if (good_cpus) { check_count(key, pool, node); }
        }
        return out;
    }

    void check_lane(const std::string& key, const lane_plan& lane) {
        if (lane.full != when_full::drop_oldest || !lane.keep || *lane.keep < lane.capacity || faulty(key + ".keep")) { return; }
        add(key + ".keep", "a lane of " + number(lane.capacity) + " places keeps as many: nothing would ever be dropped",
            "less than " + key + ".capacity", "leave it to auto, which keeps half");
    }

    /// The key as the plan's file has it: itself, what stands below it, or what its shorthand stands for. Empty where it is not there.
    std::string given_at(const std::string& key) const {
        const auto given = asked_.marks.lower_bound(key);
        const bool here = given != asked_.marks.end() && (given->first == key || given->first.compare(0, key.size() + 1, key + ".") == 0);
        return here ? given->first : std::string();
    }

    /// Keys that say nothing to a pool that runs something else.
    void check_mode(const std::string& key, const pool_plan& pool) {
        if (faulty(key + ".run")) { return; }
        std::string_view refused;  // what stands below it is not told again
        for (const auto& one : pool_keys()) {
            if (one.is_for(pool.run) || (!refused.empty() && one.name.starts_with(refused))) { continue; }
            refused = one.name;
            if (const auto given = given_at(key + "." + std::string(one.name)); !given.empty()) {
                add(given, "says nothing to a pool with run: " + std::string(to_string(pool.run)), one.wanted(), "remove it, or change " + key + ".run");
            }
        }
        if (pool.run == run_mode::tasks && pool.tasks.steal == steal_scope::node && !faulty(key + ".tasks.steal")) {
            for (const auto* const name : {".tasks.backlog", ".tasks.budget"}) {
                const auto given = given_at(key + name);
                if (given.empty()) { continue; }
                add(given, "says nothing to a pool with steal: node, whose workers take nothing from other nodes", "steal: package or steal: any",
                    "remove it, or change " + key + ".tasks.steal");
            }
        }
        if (pool.realtime != 0 && pool.idle.strategy == idle_strategy::caller_drives && !faulty(key + ".realtime")) {
            add(key + ".realtime", "the pool's workers have no threads: idle: caller_drives", "0", "give your own thread the priority (set_this_thread_fifo)");
        }
        if (pool.run != run_mode::service && pool.idle.strategy == idle_strategy::caller_drives) {
            add(key + ".idle.strategy", "caller_drives, and its workers have threads of their own: run: " + std::string(to_string(pool.run)),
                "busy_spin, spin_then_park or park", "the default is spin_then_park");
        }
    }

    bool check_cpus(const std::string& key, const std::vector<cpu_id>& cpus) {
        const std::string expected = "CPUs among " + to_list(allowed_);
        if (faulty(key)) { return false; }
        if (cpus.empty()) { add(key, "names no CPU", expected, ""); }
        std::vector<cpu_id> missing, refused;
        for (const auto cpu : cpus) {
            const cpu_info* info = machine_.find(cpu);
            if (info == nullptr) {
                missing.push_back(cpu);
            } else if (!info->allowed) {
                refused.push_back(cpu);
            }
        }
        if (!missing.empty()) { add(key, text(missing) + " not on this machine", expected, ""); }
        if (!refused.empty()) {
            add(key, text(refused) + " not allowed to this process", expected, "widen its cpuset or affinity mask");
        }
        return !cpus.empty() && missing.empty() && refused.empty();
    }

    void check_pinned_once(const std::string& key, const pool_plan& pool) {
        for (const auto cpu : *pool.cpus) {
            const auto [owner, fresh] = pinned_.emplace(cpu, pool.name);
            if (fresh) { continue; }
            add(key + ".cpus", text(cpu) + " is pinned by pool " + owner->second + " already",
                "a CPU for one pool only", "choose another CPU, or leave cpus to auto");
        }
    }

    std::vector<node_id> check_nodes(const std::string& key, const pool_plan& pool) {
        if (!pool.nodes) { return pool.cpus ? nodes_of(*pool.cpus) : executors_; }
        if (faulty(key + ".nodes")) { return {}; }
        const std::string expected = "nodes among " + to_list(executors_);
        std::vector<node_id> good;
        if (pool.nodes->empty()) { add(key + ".nodes", "names no node", expected, ""); }
        for (const auto id : *pool.nodes) {
            const node_info* node = machine_.find(id);
            if (holds(executors_, id)) {
                good.push_back(id);
            } else if (node == nullptr) {
                add(key + ".nodes", text(id) + " does not exist", expected, "");
            } else if (node->cpus.empty()) {
                add(key + ".nodes", text(id) + " has memory but no CPUs", expected, "");
            } else {
                add(key + ".nodes", text(id) + " has no CPU that this process may use", expected,
                    "widen its cpuset or affinity mask");
            }
        }
        for (const auto cpu : pool.cpus.value_or(std::vector<cpu_id>())) {
            const cpu_info* info = machine_.find(cpu);
            if (info != nullptr && !holds(*pool.nodes, info->node)) {
                add(key + ".cpus", text(cpu) + " is on " + text(info->node), "CPUs among the pool's nodes " +
                    to_list(*pool.nodes), "add the node to " + key + ".nodes");
            }
        }
        return good;
    }

    std::vector<node_id> nodes_of(const std::vector<cpu_id>& cpus) const {
        std::set<node_id> nodes;
        for (const auto cpu : cpus) {
            if (const cpu_info* info = machine_.find(cpu)) { nodes.insert(info->node); }
        }
        return {nodes.begin(), nodes.end()};
    }

    void check_count(const std::string& key, const pool_plan& pool, node_id node) {
        auto cpus = machine_.allowed_cpus(node);
        if (pool.cpus) { std::erase_if(cpus, [&](cpu_id cpu) { return !holds(*pool.cpus, cpu); }); }
        if (pool.cpus && cpus.empty()) {
            add(key + ".cpus", "names no CPU of " + text(node), "a CPU on each of the pool's nodes",
                "CPUs of " + text(node) + ": " + to_list(machine_.allowed_cpus(node)));
        } else if (pool.workers_per_node.value_or(0) > cpus.size() && !faulty(key + ".workers_per_node")) {
            add(key + ".workers_per_node", number(*pool.workers_per_node) + " workers for " + number(cpus.size()) +
                (cpus.size() == 1 ? " CPU (" : " CPUs (") + to_list(cpus) + ") of " + text(node),
                "at most one worker for each CPU", "take " + number(cpus.size()) + " or fewer");
        }
    }

    const plan& asked_;
    const topology& machine_;
    std::vector<node_id> executors_;
    std::vector<cpu_id> allowed_;
    std::map<cpu_id, std::string> pinned_;
    std::vector<plan_entry> entries_;
    std::set<std::string> faulty_;  // keys whose values are wrong on any machine: not blamed twice
    std::vector<plan_problem> problems_;
};

}  // namespace

std::vector<demand> check_plan(const plan& asked, const topology& machine) {
    return plan_check(asked, machine).run();
}

}  // namespace numasio::detail
