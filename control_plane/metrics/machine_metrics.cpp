// Families about the whole: version, machine, readiness, degradation, placements.
#include <control_plane/metrics/family.hpp>
#include <control_plane/metrics/health.hpp>

#include <numasio/placement.hpp>

#include <algorithm>

namespace numasio::detail {
namespace {

using prometheus::MetricType;

constexpr std::size_t most_reasons = 64;        // a label's values must stay a small set
constexpr std::size_t longest_reason = 200;     // bytes

/// Cut between characters, never inside a UTF-8 sequence: Prometheus refuses a scrape with a broken one.
std::string cut(const std::string& text) {
    std::size_t end = std::min(text.size(), longest_reason);
    if (end < text.size()) {
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) { --end; }
    }
    return text.substr(0, end);
}

void add(std::vector<family>& into, std::string_view name, std::string_view help, MetricType type, double value,
         labels of = {}) {
    into.emplace_back(name, help, type).set(std::move(of), value);
}

}  // namespace

void add_machine_metrics(const snapshot& shown, std::vector<family>& into) {
    const auto& now = shown.now;
    add(into, "build_info", "Version of the numasio library.", MetricType::Gauge, 1, {{"version", NUMASIO_VERSION}});
    add(into, "topology_info", "Where the topology came from; nodes of a simulated one are pretended.",
        MetricType::Gauge, 1,
        {{"origin", std::string(to_string(shown.machine.origin))},
         {"simulated", shown.machine.origin == topology_origin::simulated ? "true" : "false"}});
    add(into, "executor_nodes", "NUMA nodes with CPUs that this process may use.", MetricType::Gauge,
        static_cast<double>(shown.machine.executor_nodes().size()));
    add(into, "numa_balancing_info", "The kernel's NUMA balancing; with it on, memory that is not bound wanders between nodes.",
        MetricType::Gauge, 1, {{"mode", std::string(to_string(shown.now.numa_balancing))}});
    add(into, "ready", "1 between start() and an announced drain or stop().", MetricType::Gauge, now.accepting ? 1 : 0);
    add(into, "healthy", "1 while no worker is stuck or dead.", MetricType::Gauge, healthy(now).ok ? 1 : 0);
    add(into, "degraded", "1 where something that the plan asks for was not got.", MetricType::Gauge,
        now.degraded.empty() ? 0 : 1);
    family reasons("degraded_reason_info", "What was not got, one series for each reason (at most 64).",
                   MetricType::Gauge);
    for (std::size_t i = 0; i < now.degraded.size() && i < most_reasons; ++i) {
        reasons.set({{"reason", cut(now.degraded[i])}}, 1);
    }
    into.push_back(std::move(reasons));
    family placements("placement_info", "What became of each placement that was asked for.", MetricType::Gauge);
    for (const auto& one : now.placements) {
        placements.set({{"owner", one.owner},
                        {"subject", std::string(to_string(one.subject))},
                        {"outcome", std::string(to_string(one.outcome))}},
                       1);
    }
    into.push_back(std::move(placements));
    add(into, "abandoned_total", "Handlers destroyed uninvoked because their context never ran again.",
        MetricType::Counter, static_cast<double>(now.abandoned));
}

}  // namespace numasio::detail
