// The parts of the status document about pools that run tasks and reactors.
#include <control_plane/metrics/health.hpp>
#include <control_plane/metrics/json_parts.hpp>

#include <utility>

namespace numasio::detail {
namespace {

namespace json = boost::json;

template <class Worker>
json::object executor_worker_part(const Worker& worker) {
    return {{"name", worker_name(worker.site)},
            {"index", worker.site.index},
            {"cpu", worker.site.cpu.value},
            {"node", worker.site.node.value},
            {"memory_node", worker.site.memory_node.value},
            {"state", to_string(worker.state)},
            {"asleep", worker.asleep},
            {"displacements", worker.displacements},
            {"first_failure", worker.first_failure.empty() ? json::value(nullptr) : json::value(worker.first_failure)},
            {"failed", worker.failed},
            {"queued", worker.queued}};
}

json::array workers_of(const task_pool_status& pool) {
    json::array result;
    for (const auto& worker : pool.workers) {
        auto one = executor_worker_part(worker);
        one["benched"] = worker.benched;
        one["ran"] = worker.ran;
        one["taken_in"] = worker.taken_in;
        one["stolen"] = worker.stolen;
        one["stolen_abroad"] = worker.stolen_abroad;
        one["distance_abroad"] = worker.distance_abroad;
        one["parks"] = worker.parks;
        one["searches"] = worker.searches;
        one["empty_searches"] = worker.empty_searches;
        one["polls"] = worker.polls;
        one["stalls"] = worker.stalls;
        one["running"] = worker.running.empty() ? json::value(nullptr) : json::value(worker.running);
        result.push_back(std::move(one));
    }
    return result;
}

json::array workers_of(const reactor_pool_status& pool) {
    json::array result;
    for (const auto& worker : pool.workers) {
        auto one = executor_worker_part(worker);
        one["benched"] = worker.benched;
        one["arrivals"] = worker.arrivals;
        one["refused"] = worker.refused;
        one["overflowed"] = worker.overflowed;
        one["abandoned"] = worker.abandoned;
        one["work"] = worker.work;
        one["sleeps"] = worker.sleeps;
        one["doorbells"] = worker.doorbells;
        one["stalls"] = worker.stalls;
        one["accepted"] = worker.accepted;
        one["open"] = worker.open;
        result.push_back(std::move(one));
    }
    return result;
}

json::array listeners_of(const reactor_pool_status& pool) {
    json::array result;
    for (const auto& listener : pool.listeners) {
        result.push_back(json::object{{"address", listener.endpoint.address().to_string()},
                                      {"port", listener.endpoint.port()},
                                      {"worker", listener.worker ? json::value(*listener.worker) : json::value(nullptr)},
                                      {"incoming_cpu", listener.incoming_cpu ? json::value(listener.incoming_cpu->value) : json::value(nullptr)},
                                      {"why", listener.why}});
    }
    return result;
}

}  // namespace

json::array task_pools_part(const snapshot& shown) {
    json::array result;
    for (const auto& pool : shown.now.task_pools) {
        result.push_back(json::object{{"name", pool.name},
                                      {"accepting", pool.accepting},
                                      {"paused", pool.paused},
                                      {"refused", pool.refused},
                                      {"abandoned", pool.abandoned},
                                      {"queued", pool.queued},
                                      {"work", pool.work},
                                      {"workers", workers_of(pool)}});
    }
    return result;
}

json::array reactor_pools_part(const snapshot& shown) {
    json::array result;
    for (const auto& pool : shown.now.reactor_pools) {
        result.push_back(json::object{{"name", pool.name},
                                      {"accepting", pool.accepting},
                                      {"turned_away", pool.turned_away},
                                      {"first_failure", pool.first_failure.empty() ? json::value(nullptr) : json::value(pool.first_failure)},
                                      {"accept_failures", pool.accept_failures},
                                      {"listeners", listeners_of(pool)},
                                      {"workers", workers_of(pool)}});
    }
    return result;
}

}  // namespace numasio::detail
