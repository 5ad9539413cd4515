// Families of the workers and their lanes, as two tables: a row is a metric's name, help, kind and value.
#include <control_plane/metrics/family.hpp>
#include <control_plane/metrics/health.hpp>

#include <array>

namespace numasio::detail {
namespace {

using prometheus::MetricType;

template <std::uint64_t lane_status::*Member>
double over_lanes(const worker_status& w) {
    std::uint64_t sum = 0;
    for (const auto& lane : w.lanes) { sum += lane.*Member; }
    return static_cast<double>(sum);
}

template <auto Member>
double of_worker(const worker_status& w) {
    return static_cast<double>(w.*Member);
}

struct any_row {
    std::string_view name;
    std::string_view help;
    MetricType type;
    double (*value)(const any_worker&);
};

/// Of workers of every kind.
constexpr std::array any_rows{
    any_row{"worker_up", "1 while the worker runs.", MetricType::Gauge,
            [](const any_worker& w) { return w.state == worker_state::running ? 1.0 : 0.0; }},
    any_row{"worker_parked", "1 while the worker sleeps until a doorbell.", MetricType::Gauge,
            [](const any_worker& w) { return w.parked ? 1.0 : 0.0; }},
    any_row{"worker_parks_total", "Sleeps that the worker announced; some end before they begin, because work came.", MetricType::Counter,
            [](const any_worker& w) { return static_cast<double>(w.parks); }},
    any_row{"worker_displacements_total", "Times that the worker's CPU was found taken from it: offline, or out of the cpuset.", MetricType::Counter,
            [](const any_worker& w) { return static_cast<double>(w.displacements); }},
};

struct worker_row {
    std::string_view name;
    std::string_view help;
    MetricType type;
    double (*value)(const worker_status&);
};

constexpr std::array worker_rows{
    worker_row{"worker_doorbells_total", "Times that a producer woke the worker.", MetricType::Counter,
               of_worker<&worker_status::doorbells>},
    worker_row{"worker_batches_total", "Batches of requests that the worker drained.", MetricType::Counter,
               of_worker<&worker_status::batches>},
    worker_row{"requests_ran_total", "Requests for which the service was called.", MetricType::Counter,
               over_lanes<&lane_status::ran>},
    worker_row{"requests_failed_total", "Requests of these for which the service threw.", MetricType::Counter,
               over_lanes<&lane_status::failed>},
    worker_row{"requests_cancelled_total", "Requests cancelled by their caller before the service was called.",
               MetricType::Counter, over_lanes<&lane_status::cancelled>},
    worker_row{"requests_expired_total", "Requests not started within the time that their caller gave them.", MetricType::Counter,
               over_lanes<&lane_status::expired>},
    worker_row{"requests_dropped_total", "Requests dropped as the oldest of too many (when_full: drop_oldest).", MetricType::Counter,
               over_lanes<&lane_status::dropped>},
    worker_row{"requests_shed_total", "Requests ended unrun because the worker did not keep up (when_full: shed).", MetricType::Counter,
               over_lanes<&lane_status::shed>},
    worker_row{"requests_stopped_total", "Requests ended by the bridge's stop.", MetricType::Counter,
               over_lanes<&lane_status::stopped>},
    worker_row{"memory_limit_bytes", "Memory that the worker's service may use.", MetricType::Gauge,
               [](const worker_status& w) { return static_cast<double>(w.memory_limit.value); }},
    worker_row{"memory_used_bytes", "Memory of it in use.", MetricType::Gauge,
               [](const worker_status& w) { return static_cast<double>(w.memory_used.value); }},
    worker_row{"execution_samples_total", "Batches whose CPU was looked at.", MetricType::Counter,
               of_worker<&worker_status::execution_samples>},
};

struct lane_row {
    std::string_view name;
    std::string_view help;
    MetricType type;
    std::uint64_t lane_status::*value;
};

constexpr std::array lane_rows{
    lane_row{"lane_offered_total", "Requests and reservations that asked for a place.", MetricType::Counter,
             &lane_status::offered},
    lane_row{"lane_accepted_total", "Requests that the lane took.", MetricType::Counter, &lane_status::accepted},
    lane_row{"lane_rejected_total", "Requests refused because the lane was full.", MetricType::Counter,
             &lane_status::rejected},
    lane_row{"lane_returned_total", "Places that were reserved and given back unused.", MetricType::Counter,
             &lane_status::returned},
    lane_row{"lane_withdrawn_total", "Calls that waited for a place and ended without one.", MetricType::Counter,
             &lane_status::withdrawn},
    lane_row{"lane_waiting", "Calls that wait for a place.", MetricType::Gauge, &lane_status::waiting},
    lane_row{"lane_delivered_total", "Replies handed to their executor.", MetricType::Counter,
             &lane_status::delivered},
    lane_row{"lane_queued", "Requests accepted and not yet served.", MetricType::Gauge, &lane_status::queued},
    lane_row{"lane_queued_high_water", "The most requests that the worker has found queued at a time.", MetricType::Gauge, &lane_status::queued_high_water},
};

void add_workers(const bridge_status& now, std::vector<family>& into) {
    family info("worker_info", "Where each worker stands.", MetricType::Gauge);
    family state("worker_state", "1 for the state that the worker is in, 0 for the others.", MetricType::Gauge);
    const auto workers = every_worker(now);
    for (const auto& w : workers) {
        auto of = labels_of(*w.site);
        of.push_back({"cpu", std::to_string(w.site->cpu.value)});
        of.push_back({"memory_node", std::to_string(w.site->memory_node.value)});
        info.set(std::move(of), 1);
        for (const auto each : {worker_state::starting, worker_state::running, worker_state::stopped,
                                worker_state::stuck, worker_state::dead}) {
            auto with_state = labels_of(*w.site);
            with_state.push_back({"state", std::string(to_string(each))});
            state.set(std::move(with_state), each == w.state ? 1 : 0);
        }
    }
    into.push_back(std::move(info));
    into.push_back(std::move(state));
    for (const auto& row : any_rows) {
        family one(row.name, row.help, row.type);
        for (const auto& w : workers) { one.set(labels_of(*w.site), row.value(w)); }
        into.push_back(std::move(one));
    }
    for (const auto& row : worker_rows) {
        family one(row.name, row.help, row.type);
        for (const auto& w : now.workers) { one.set(labels_of(w.site), row.value(w)); }
        into.push_back(std::move(one));
    }
}

void add_pools(const bridge_status& now, std::vector<family>& into) {
    family refused("requests_refused_total", "Requests refused before they reached a lane.", MetricType::Counter);
    for (const auto& pool : now.pools) { refused.set({{"pool", pool.name}}, static_cast<double>(pool.refused)); }
    into.push_back(std::move(refused));
}

void add_lanes(const bridge_status& now, std::vector<family>& into) {
    const auto each_lane = [&](family& one, auto value) {
        for (const auto& w : now.workers) {
            for (std::size_t i = 0; i < w.lanes.size(); ++i) {
                auto of = labels_of(w.site);
                of.push_back({"lane", std::to_string(i)});
                of.push_back({"class", std::string(to_string(w.lanes[i].kind))});
                one.set(std::move(of), value(w.lanes[i]));
            }
        }
        into.push_back(std::move(one));
    };
    for (const auto& row : lane_rows) {
        family one(row.name, row.help, row.type);
        each_lane(one, [&](const lane_status& lane) { return static_cast<double>(lane.*row.value); });
    }
    family capacity("lane_capacity", "Requests that fit into the lane.", MetricType::Gauge);
    each_lane(capacity, [](const lane_status& lane) { return static_cast<double>(lane.capacity); });
    family in_use("lane_in_use", "1 while a producer thread holds the lane.", MetricType::Gauge);
    each_lane(in_use, [](const lane_status& lane) { return lane.in_use ? 1.0 : 0.0; });
}

/// Not measured is absent: a ratio that nobody measured must never look like a good one.
void add_locality(const snapshot& shown, std::vector<family>& into) {
    family execution("execution_locality_ratio",
                     "Share of sampled batches that ran on a CPU of the home node; absent where not measured.",
                     MetricType::Gauge);
    family page("page_locality_ratio",
                "Share of sampled pages on the memory node, as the kernel says; absent where not measured.",
                MetricType::Gauge);
    family sampled("pages_sampled", "Pages that page_locality_ratio rests on.", MetricType::Gauge);
    for (const auto& w : shown.now.workers) {
        if (w.execution_locality) { execution.set(labels_of(w.site), *w.execution_locality); }
        if (!w.page_locality || !shown.machine.nodes_are_real()) { continue; }
        page.set(labels_of(w.site), *w.page_locality);
        sampled.set(labels_of(w.site), static_cast<double>(w.pages_sampled));
    }
    for (auto* one : {&execution, &page, &sampled}) { into.push_back(std::move(*one)); }
}

void add_latency(const bridge_status& now, std::vector<family>& into) {
    family delay("queue_delay_seconds", "From a request's submission to the call of the service.",
                 MetricType::Histogram);
    family trip("round_trip_seconds", "From a request's submission to its reply on the control plane.",
                MetricType::Histogram);
    for (const auto& w : now.workers) {
        delay.set(labels_of(w.site), w.queue_delay);
        trip.set(labels_of(w.site), w.round_trip);
    }
    into.push_back(std::move(delay));
    into.push_back(std::move(trip));
}

}  // namespace

labels labels_of(const worker_site& site) {
    return {{"pool", site.pool}, {"worker", std::to_string(site.index)}, {"node", std::to_string(site.node.value)}};
}

void add_worker_metrics(const snapshot& shown, std::vector<family>& into) {
    add_workers(shown.now, into);
    add_pools(shown.now, into);
    add_lanes(shown.now, into);
    add_latency(shown.now, into);
    add_locality(shown, into);
}

}  // namespace numasio::detail
