// One metric family in the making, and the functions that fill in the families of a snapshot.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <prometheus/metric_family.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::detail {

using label = prometheus::ClientMetric::Label;
using labels = std::vector<label>;

/// `name` gets the prefix "numasio_". A second series with the labels of an earlier one is ignored:
/// Prometheus refuses the whole scrape for one duplicate.
class family {
public:
    family(std::string_view name, std::string_view help, prometheus::MetricType type);

    void set(labels of, double value);
    void set(labels of, const latency_histogram& value);

    bool empty() const noexcept { return family_.metric.empty(); }
    prometheus::MetricFamily take() && { return std::move(family_); }

private:
    prometheus::ClientMetric* series(labels&& of);

    prometheus::MetricFamily family_;
    std::set<labels> seen_;
};

void add_machine_metrics(const snapshot& shown, std::vector<family>& into);
/// pool, worker, node
labels labels_of(const worker_site& site);

void add_worker_metrics(const snapshot& shown, std::vector<family>& into);
void add_executor_metrics(const snapshot& shown, std::vector<family>& into);
void add_service_level_metrics(const snapshot& shown, std::vector<family>& into);

}  // namespace numasio::detail
