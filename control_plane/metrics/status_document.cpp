// The parts of the status document that stand still (machine, plan, placements), and the whole.
#include <control_plane/metrics/status_document.hpp>

#include <control_plane/metrics/health.hpp>
#include <control_plane/metrics/json_parts.hpp>
#include <control_plane/metrics/topology_document.hpp>

#include <boost/json/serialize.hpp>

#include <utility>

namespace numasio::detail {
namespace {

namespace json = boost::json;

template <class Id>
json::value ids_or_auto(const or_auto<std::vector<Id>>& asked) {
    return asked ? json::value(ids(*asked)) : json::value("auto");
}

json::object lane_part(const lane_plan& lane) {
    return {{"capacity", lane.capacity},
            {"producers", lane.producers},
            {"when_full", to_string(lane.full)},
            {"waiting", lane.waiting},
            {"keep", lane.keep ? json::value(*lane.keep) : json::value("auto")},
            {"target_seconds", in_seconds(lane.target)},
            {"interval_seconds", in_seconds(lane.interval)},
            {"bulk", lane.bulk ? json::value(json::object{{"capacity", lane.bulk->capacity}, {"weight", lane.bulk->weight}})
                               : json::value(nullptr)}};
}

json::object pool_part(const pool_plan& pool) {
    json::object result;
    result["name"] = pool.name;
    result["run"] = to_string(pool.run);
    result["nodes"] = ids_or_auto(pool.nodes);
    result["cpus"] = ids_or_auto(pool.cpus);
    result["workers_per_node"] = pool.workers_per_node ? json::value(*pool.workers_per_node) : json::value("auto");
    result["memory"] = json::object{{"policy", to_string(pool.memory.policy)},
                                    {"pages", pool.memory.pages ? to_string(*pool.memory.pages) : "auto"},
                                    {"per_worker_bytes", pool.memory.per_worker.value}};
    result["lane"] = lane_part(pool.lane);
    result["idle"] = json::object{{"strategy", to_string(pool.idle.strategy)},
                                  {"spin_seconds", in_seconds(pool.idle.spin)}};
    result["tasks"] = json::object{{"capacity", pool.tasks.capacity},
                                   {"order", to_string(pool.tasks.order)},
                                   {"steal", to_string(pool.tasks.steal)},
                                   {"backlog", pool.tasks.backlog},
                                   {"budget", pool.tasks.budget},
                                   {"bulk_weight", pool.tasks.bulk_weight}};
    result["front"] = to_string(pool.front);
    result["slo"] = pool.slo ? json::value(json::object{{"quantile", pool.slo->quantile},
                                                        {"target_seconds", in_seconds(pool.slo->target)}})
                             : json::value(nullptr);
    result["realtime"] = pool.realtime;
    result["enforcement"] = to_string(pool.enforce);
    return result;
}

json::object plan_part(const plan& asked) {
    json::array pools;
    for (const auto& pool : asked.pools) { pools.push_back(pool_part(pool)); }
    json::array listeners;
    for (const auto& listener : asked.listeners) {
        listeners.push_back(
            json::object{{"name", listener.name}, {"address", listener.address}, {"port", listener.port}});
    }
    return {{"control", json::object{{"cpus", ids_or_auto(asked.control.cpus)}}},
            {"pools", std::move(pools)},
            {"listeners", std::move(listeners)},
            {"drain_seconds", in_seconds(asked.drain)},
            {"simulate_nodes", asked.simulate_nodes}};
}

json::array texts(const std::vector<std::string>& lines) { return json::array(lines.begin(), lines.end()); }

json::value pages_part(const std::optional<page_audit>& pages) {
    if (!pages) { return nullptr; }
    json::object on_node;
    for (const auto& [node, count] : pages->on_node) { on_node[std::to_string(node.value)] = count; }
    return json::object{{"asked", pages->asked}, {"unknown", pages->unknown}, {"on_node", std::move(on_node)}};
}

json::array placements_part(const std::vector<placement>& placements) {
    json::array result;
    for (const auto& one : placements) {
        json::value error = nullptr;
        if (one.error) {
            error = json::object{{"value", one.error.value()},
                                 {"category", one.error.category().name()},
                                 {"message", one.error.message()}};
        }
        result.push_back(json::object{{"owner", one.owner},
                                      {"subject", to_string(one.subject)},
                                      {"outcome", to_string(one.outcome)},
                                      {"asked", one.asked},
                                      {"got", one.got},
                                      {"why", one.why},
                                      {"error", std::move(error)},
                                      {"pages", pages_part(one.pages)}});
    }
    return result;
}

json::object verdict_part(const verdict& v) { return {{"ok", v.ok}, {"reason", v.reason}}; }

}  // namespace

std::string status_json(const snapshot& shown) {
    json::object all;
    all["version"] = NUMASIO_VERSION;
    all["ready"] = verdict_part(ready(shown.now));
    all["healthy"] = verdict_part(healthy(shown.now));
    all["degraded"] = texts(shown.now.degraded);
    all["topology"] = topology_document(shown.machine);
    all["numa_balancing"] = to_string(shown.now.numa_balancing);
    all["plan"] = plan_part(shown.asked);
    all["layout"] = json::object{{"control_cpus", ids(shown.sites.control)}, {"notes", texts(shown.sites.notes)}};
    all["placements"] = placements_part(shown.now.placements);
    all["pools"] = pools_part(shown);
    all["workers"] = workers_part(shown);
    all["task_pools"] = task_pools_part(shown);
    all["reactor_pools"] = reactor_pools_part(shown);
    all["abandoned"] = shown.now.abandoned;
    return json::serialize(all) + "\n";
}

}  // namespace numasio::detail
