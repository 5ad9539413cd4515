// Sums and quantiles of latency histograms; the words for a worker's state.
#include <numasio/status.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace numasio {

std::uint64_t latency_histogram::count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<std::chrono::nanoseconds> latency_histogram::quantile(double q) const noexcept {
    const std::uint64_t total = count();
    if (total == 0) { return std::nullopt; }
    // The nearest-rank definition: the smallest value with at least q of all values at or below it.
    const double share = q > 0.0 ? std::min(q, 1.0) : 0.0;  // also for a NaN
    const double exact = std::ceil(share * static_cast<double>(total));
    std::uint64_t rank = exact >= static_cast<double>(total) ? total : static_cast<std::uint64_t>(exact);
    rank = std::max<std::uint64_t>(rank, 1);
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    while (bucket + 1 < bucket_count && (seen += counts[bucket]) < rank) { ++bucket; }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(lower(bucket + 1)));
}

latency_histogram& latency_histogram::operator+=(const latency_histogram& other) noexcept {
    for (std::size_t i = 0; i < bucket_count; ++i) { counts[i] += other.counts[i]; }
    total_ns += other.total_ns;
    return *this;
}

std::string_view to_string(request_class kind) noexcept {
    switch (kind) {
        case request_class::latency: return "latency";
        case request_class::bulk: return "bulk";
    }
    return "unknown";
}

std::string_view to_string(worker_state state) noexcept {
    switch (state) {
        case worker_state::starting: return "starting";
        case worker_state::running: return "running";
        case worker_state::stopped: return "stopped";
        case worker_state::stuck: return "stuck";
        case worker_state::dead: return "dead";
    }
    return "unknown";
}

}  // namespace numasio
