// Helpers of the plan's tests: plans as text, and the errors of one.
#pragma once

#include <numasio/load_plan.hpp>

#include <charconv>
#include <string>
#include <vector>

namespace numasio::test {

/// The problems of a plan, as text lines; empty where it is valid.
inline std::vector<plan_problem> problems_of(const std::string& yaml) {
    try {
        parse_plan(yaml, "plan.yaml");
    } catch (const plan_error& e) { return e.problems(); }
    return {};
}

inline std::string error_text(const std::string& yaml) {
    try {
        parse_plan(yaml, "plan.yaml");
    } catch (const plan_error& e) { return e.what(); }
    return {};
}

/// A smallest plan with `lines` below its pool "kv"; they start on line 4 and want four spaces.
inline std::string pool_with(const std::string& lines) { return "version: 1\npools:\n  kv:\n" + lines; }

template <class Id>
std::string ids_text(const or_auto<std::vector<Id>>& ids) {
    if (!ids) { return "auto"; }
    std::string out;
    for (const auto id : *ids) { out += (out.empty() ? "[" : ", ") + std::to_string(id.value); }
    return out + "]";
}

inline std::string fraction_text(double value) {
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
    return {text, end};
}

/// Every value of the plan, written out as a plan file.
inline std::string to_yaml(const plan& p) {
    std::string out = "version: 1\ncontrol:\n  cpus: " + ids_text(p.control.cpus) +
                      "\ndrain: " + std::to_string(p.drain.count()) +
                      "ns\nsimulate_nodes: " + std::to_string(p.simulate_nodes) + "\n";
    if (!p.listeners.empty()) { out += "listeners:\n"; }
    for (const auto& l : p.listeners) {
        const bool v6 = l.address.find(':') != std::string::npos;
        out +=
            "  " + l.name + ": \"" + (v6 ? "[" + l.address + "]" : l.address) + ":" + std::to_string(l.port) + "\"\n";
    }
    out += "pools:\n";
    for (const auto& pool : p.pools) {
        out +=
            "  " + pool.name + ":\n    run: " + std::string(to_string(pool.run)) + "\n    nodes: " + ids_text(pool.nodes) + "\n    cpus: " + ids_text(pool.cpus) +
            "\n    workers_per_node: " + (pool.workers_per_node ? std::to_string(*pool.workers_per_node) : "auto") +
            "\n    memory: {policy: " + std::string(to_string(pool.memory.policy)) +
            ", pages: " + (pool.memory.pages ? std::string(to_string(*pool.memory.pages)) : "auto") +
            ", per_worker: " + std::to_string(pool.memory.per_worker.value) +
            "B}\n    lane:\n      capacity: " + std::to_string(pool.lane.capacity) +
            "\n      producers: " + std::to_string(pool.lane.producers) +
            "\n      when_full: " + std::string(to_string(pool.lane.full)) + "\n      waiting: " + std::to_string(pool.lane.waiting) +
            "\n      keep: " + (pool.lane.keep ? std::to_string(*pool.lane.keep) : "auto") +
            "\n      target: " + std::to_string(pool.lane.target.count()) + "ns\n      interval: " + std::to_string(pool.lane.interval.count()) +
            "ns\n      bulk: " +
            (pool.lane.bulk ? "{capacity: " + std::to_string(pool.lane.bulk->capacity) + ", weight: " + std::to_string(pool.lane.bulk->weight) + "}"
                            : "none") +
            "\n    idle:\n      strategy: " + std::string(to_string(pool.idle.strategy)) +
            "\n      spin: " + std::to_string(pool.idle.spin.count()) + "ns\n";
        out += "    tasks: {capacity: " + std::to_string(pool.tasks.capacity) + ", order: " + std::string(to_string(pool.tasks.order)) +
               ", steal: " + std::string(to_string(pool.tasks.steal)) + ", backlog: " + std::to_string(pool.tasks.backlog) +
               ", budget: " + std::to_string(pool.tasks.budget) + ", bulk_weight: " + std::to_string(pool.tasks.bulk_weight) + "}\n";
        if (pool.slo) {
            out += "    slo: {quantile: " + fraction_text(pool.slo->quantile) +
                   ", target: " + std::to_string(pool.slo->target.count()) + "ns}\n";
        } else {
            out += "    slo: none\n";
        }
        out += "    front: " + std::string(to_string(pool.front)) + "\n";
        out += "    realtime: " + std::to_string(pool.realtime) + "\n    enforcement: " + std::string(to_string(pool.enforce)) + "\n";
    }
    return out;
}

}  // namespace numasio::test
