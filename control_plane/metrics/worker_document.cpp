// The parts of the status document that move: workers, lanes, latencies, and the pools' promises.
#include <control_plane/metrics/health.hpp>
#include <control_plane/metrics/json_parts.hpp>
#include <control_plane/metrics/service_level.hpp>

#include <algorithm>
#include <utility>

namespace numasio::detail {
namespace {

namespace json = boost::json;

json::array lanes_part(const worker_status& worker) {
    json::array result;
    for (const auto& lane : worker.lanes) {
        result.push_back(json::object{{"class", to_string(lane.kind)},
                                      {"capacity", lane.capacity},
                                      {"in_use", lane.in_use},
                                      {"shared", lane.shared},
                                      {"offered", lane.offered},
                                      {"accepted", lane.accepted},
                                      {"rejected", lane.rejected},
                                      {"returned", lane.returned},
                                      {"withdrawn", lane.withdrawn},
                                      {"waiting", lane.waiting},
                                      {"ran", lane.ran},
                                      {"failed", lane.failed},
                                      {"cancelled", lane.cancelled},
                                      {"expired", lane.expired},
                                      {"dropped", lane.dropped},
                                      {"shed", lane.shed},
                                      {"stopped", lane.stopped},
                                      {"delivered", lane.delivered},
                                      {"queued", lane.queued},
                                      {"queued_high_water", lane.queued_high_water}});
    }
    return result;
}

json::object locality_part(const snapshot& shown, const worker_status& worker) {
    // Pretend nodes hold no pages of their own: whatever was counted there says nothing.
    const auto page = shown.machine.nodes_are_real() ? worker.page_locality : std::nullopt;
    return {{"execution", number_or_null(worker.execution_locality)},
            {"execution_samples", worker.execution_samples},
            {"page", number_or_null(page)},
            {"pages_sampled", page ? worker.pages_sampled : 0}};
}

}  // namespace

json::object latency_part(const latency_histogram& measured) {
    const auto count = measured.count();
    json::object result{{"count", count}};
    result["mean"] = count == 0 ? json::value(nullptr)
                                : json::value(static_cast<double>(measured.total_ns) / 1e9 / static_cast<double>(count));
    constexpr std::pair<const char*, double> quantiles[]{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
    for (const auto& [name, q] : quantiles) {
        const auto value = measured.quantile(q);
        result[name] = value ? json::value(in_seconds(*value)) : json::value(nullptr);
    }
    return result;
}

json::array workers_part(const snapshot& shown) {
    json::array result;
    for (const auto& worker : shown.now.workers) {
        json::object one;
        one["name"] = worker_name(worker.site);
        one["pool"] = worker.site.pool;
        one["index"] = worker.site.index;
        one["cpu"] = worker.site.cpu.value;
        one["node"] = worker.site.node.value;
        one["memory_node"] = worker.site.memory_node.value;
        one["state"] = to_string(worker.state);
        one["parked"] = worker.parked;
        one["doorbells"] = worker.doorbells;
        one["parks"] = worker.parks;
        one["batches"] = worker.batches;
        one["displacements"] = worker.displacements;
        one["first_failure"] = worker.first_failure.empty() ? json::value(nullptr) : json::value(worker.first_failure);
        one["memory"] = json::object{{"limit_bytes", worker.memory_limit.value},
                                     {"used_bytes", worker.memory_used.value}};
        one["locality"] = locality_part(shown, worker);
        one["queue_delay_seconds"] = latency_part(worker.queue_delay);
        one["round_trip_seconds"] = latency_part(worker.round_trip);
        one["lanes"] = lanes_part(worker);
        result.push_back(std::move(one));
    }
    return result;
}

json::array pools_part(const snapshot& shown) {
    json::array result;
    for (const auto& pool : shown.asked.pools) {
        if (pool.run != run_mode::service) { continue; }
        const auto round_trip = pool_round_trip(shown.now, pool.name);
        json::object one;
        one["name"] = pool.name;
        const auto counted = std::find_if(shown.now.pools.begin(), shown.now.pools.end(),
                                          [&](const pool_status& p) { return p.name == pool.name; });
        one["refused"] = counted == shown.now.pools.end() ? 0 : counted->refused;
        one["queue_delay_seconds"] = latency_part(pool_queue_delay(shown.now, pool.name));
        one["round_trip_seconds"] = latency_part(round_trip);
        one["slo"] = nullptr;
        if (pool.slo) {
            const auto level = measure(*pool.slo, round_trip);
            one["slo"] = json::object{{"objective_ratio", level.objective},
                                      {"target_seconds", in_seconds(level.target)},
                                      {"effective_target_seconds", in_seconds(level.effective_target)},
                                      {"good", level.good},
                                      {"requests", level.requests}};
        }
        result.push_back(std::move(one));
    }
    return result;
}

}  // namespace numasio::detail
