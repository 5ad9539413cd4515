// Counts good requests from the round-trip histogram and exports them next to the promise.
#include <control_plane/metrics/service_level.hpp>

#include <control_plane/metrics/family.hpp>
#include <control_plane/metrics/histogram_buckets.hpp>

#include <algorithm>

namespace numasio::detail {
namespace {

double seconds(std::chrono::nanoseconds d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace

service_level measure(const slo_plan& promise, const latency_histogram& round_trip) noexcept {
    const auto target_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(promise.target.count(), 0));
    const std::size_t border = latency_histogram::index(target_ns);
    service_level result;
    result.target = promise.target;
    result.effective_target = std::chrono::nanoseconds(latency_histogram::lower(border));
    result.objective = promise.quantile;
    result.good = count_below(round_trip, border);
    result.requests = round_trip.count();
    return result;
}

latency_histogram pool_round_trip(const bridge_status& now, std::string_view pool) noexcept {
    latency_histogram sum;
    for (const auto& worker : now.workers) {
        if (worker.site.pool == pool) { sum += worker.round_trip; }
    }
    return sum;
}

latency_histogram pool_queue_delay(const bridge_status& now, std::string_view pool) noexcept {
    latency_histogram sum;
    for (const auto& worker : now.workers) {
        if (worker.site.pool == pool) { sum += worker.queue_delay; }
    }
    return sum;
}

void add_service_level_metrics(const snapshot& shown, std::vector<family>& into) {
    using prometheus::MetricType;
    family target("slo_target_seconds", "Round trip promised to the pool's callers, as planned.", MetricType::Gauge);
    family effective("slo_effective_target_seconds",
                     "The planned target rounded down to a histogram border; good requests are counted by it.",
                     MetricType::Gauge);
    family objective("slo_objective_ratio", "Promised share of good requests.", MetricType::Gauge);
    family good("slo_good_total", "Requests answered in less than the effective target.", MetricType::Counter);
    family requests("slo_requests_total", "Requests answered, good or not.", MetricType::Counter);
    for (const auto& pool : shown.asked.pools) {
        if (!pool.slo) { continue; }
        const auto level = measure(*pool.slo, pool_round_trip(shown.now, pool.name));
        const labels of{{"pool", pool.name}};
        target.set(of, seconds(level.target));
        effective.set(of, seconds(level.effective_target));
        objective.set(of, level.objective);
        good.set(of, static_cast<double>(level.good));
        requests.set(of, static_cast<double>(level.requests));
    }
    for (auto* one : {&target, &effective, &objective, &good, &requests}) { into.push_back(std::move(*one)); }
}

}  // namespace numasio::detail
