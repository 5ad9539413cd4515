// What was asked for, what was got, and why: for each worker, its memory and its lanes.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace numasio {

enum class placement_subject { control, cpu, thread_memory, service_memory, lane_memory, queue_memory, priority };

enum class placement_outcome {
    not_enforced,  ///< the default: nothing was enforced
    honoured,      ///< read back from the kernel and as asked
    degraded,      ///< best effort: something was lost, `why` says what
    simulated      ///< pretend nodes: there is nothing to honour
};

/// Where the kernel says the pages of a mapping are. Source: move_pages(2) as a query.
struct page_audit {
    std::uint64_t asked = 0;        ///< pages looked at
    std::uint64_t unknown = 0;      ///< pages not present, or the kernel gave no answer for them
    std::map<node_id, std::uint64_t> on_node;

    std::uint64_t on(node_id node) const noexcept {
        const auto found = on_node.find(node);
        return found == on_node.end() ? 0 : found->second;
    }
    /// Share of the pages that are on `node`, 0 … 1; absent where no page could be located.
    std::optional<double> ratio(node_id node) const noexcept {
        std::uint64_t located = 0;
        for (const auto& [id, pages] : on_node) { located += pages; }
        if (located == 0) { return std::nullopt; }
        return static_cast<double>(on(node)) / static_cast<double>(located);
    }
};

struct placement {
    placement_subject subject = placement_subject::cpu;
    std::string owner;  ///< "kv/0" for worker 0 of pool kv, "control" for the control plane
    placement_outcome outcome = placement_outcome::not_enforced;
    std::string asked;
    std::string got;
    std::string why;       ///< empty where honoured
    error_code error;      ///< the errno behind `degraded`, where there was one
    std::optional<page_audit> pages;  ///< absent = not measured
};

std::string_view to_string(placement_subject subject) noexcept;
std::string_view to_string(placement_outcome outcome) noexcept;
/// One line: "kv/0 cpu: asked CPU 1, got CPU 1 (honoured)"; with the pages, the reason and the error where there are.
std::string to_text(const placement& p);

}  // namespace numasio
