// Collects the metric families of a snapshot and writes them with prometheus-cpp's serializer.
#include <control_plane/metrics/exposition.hpp>

#include <control_plane/metrics/family.hpp>

#include <prometheus/text_serializer.h>

#include <utility>

namespace numasio::detail {

std::string metrics_text(const snapshot& shown) {
    std::vector<family> families;
    add_machine_metrics(shown, families);
    add_worker_metrics(shown, families);
    add_executor_metrics(shown, families);
    add_service_level_metrics(shown, families);

    std::vector<prometheus::MetricFamily> text;
    text.reserve(families.size());
    for (auto& one : families) {
        // A family without a series is absent: nothing was measured, and a bare HELP would only suggest it.
        if (!one.empty()) { text.push_back(std::move(one).take()); }
    }
    return prometheus::TextSerializer{}.Serialize(text);
}

}  // namespace numasio::detail
