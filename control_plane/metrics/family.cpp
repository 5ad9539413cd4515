// Builds prometheus-cpp's family values; the values themselves come from our own counters.
#include <control_plane/metrics/family.hpp>

#include <control_plane/metrics/histogram_buckets.hpp>

#include <utility>

namespace numasio::detail {

family::family(std::string_view name, std::string_view help, prometheus::MetricType type) {
    family_.name = "numasio_" + std::string(name);
    family_.help = help;
    family_.type = type;
}

prometheus::ClientMetric* family::series(labels&& of) {
    if (!seen_.insert(of).second) { return nullptr; }
    family_.metric.emplace_back().label = std::move(of);
    return &family_.metric.back();
}

void family::set(labels of, double value) {
    if (auto* one = series(std::move(of))) {
        (family_.type == prometheus::MetricType::Counter ? one->counter.value : one->gauge.value) = value;
    }
}

void family::set(labels of, const latency_histogram& value) {
    auto* one = series(std::move(of));
    if (one == nullptr) { return; }
    for (const auto& bucket : cumulative_buckets(value)) {
        one->histogram.bucket.push_back({bucket.count, bucket.upper_seconds});
    }
    one->histogram.sample_count = value.count();
    one->histogram.sample_sum = static_cast<double>(value.total_ns) / 1e9;
}

}  // namespace numasio::detail
