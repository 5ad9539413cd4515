// Placements in words.
#include <numasio/placement.hpp>

namespace numasio {

std::string_view to_string(placement_subject subject) noexcept {
    switch (subject) {
        case placement_subject::control: return "control";
        case placement_subject::cpu: return "cpu";
        case placement_subject::thread_memory: return "thread_memory";
        case placement_subject::service_memory: return "service_memory";
        case placement_subject::lane_memory: return "lane_memory";
        case placement_subject::queue_memory: return "queue_memory";
        case placement_subject::priority: return "priority";
    }
    return "unknown";
}

std::string_view to_string(placement_outcome outcome) noexcept {
    switch (outcome) {
        case placement_outcome::not_enforced: return "not_enforced";
        case placement_outcome::honoured: return "honoured";
        case placement_outcome::degraded: return "degraded";
        case placement_outcome::simulated: return "simulated";
    }
    return "unknown";
}

std::string to_text(const placement& p) {
    std::string line = p.owner;
    line.append(line.empty() ? "" : " ").append(to_string(p.subject));
    line.append(": asked ").append(p.asked.empty() ? "nothing" : p.asked);
    line.append(", got ").append(p.got.empty() ? "nothing" : p.got);
    if (p.pages) {
        for (const auto& [node, count] : p.pages->on_node) {
            line += ", " + std::to_string(count) + " pages on node " + std::to_string(node.value);
        }
        if (p.pages->unknown != 0) { line += ", " + std::to_string(p.pages->unknown) + " pages unknown"; }
    }
    line.append(" (").append(p.outcome == placement_outcome::not_enforced ? "not enforced" : to_string(p.outcome));
    if (!p.why.empty()) { line += ": " + p.why; }
    if (p.error && p.why.find(p.error.message()) == std::string::npos) { line += "; " + p.error.message(); }
    return line + ")";
}

}  // namespace numasio
