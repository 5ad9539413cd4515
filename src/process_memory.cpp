// Sums a process's pages by node, and holds the largest mappings against the kernel's other answer.
#include "src/process_memory.hpp"

#include "src/platform/linux_memory.hpp"
#include "src/platform/process_maps.hpp"

#include <algorithm>
#include <array>

namespace numasio {
namespace {

/// Pages of one mapping by node, as move_pages says; bounded by `left`, which it lessens.
struct counted_pages {
    std::map<node_id, std::uint64_t> on_node;
    error_code refused;
};

counted_pages count(int pid, std::uint64_t start, std::uint64_t end, std::uint64_t page) {
    counted_pages found;
    std::array<void*, 1024> addresses;
    std::array<int, 1024> status;
    for (std::uint64_t at = start; at < end;) {
        std::size_t n = 0;
        // An address of the other process, never followed here.
        for (; n < addresses.size() && at < end; at += page) { addresses[n++] = reinterpret_cast<void*>(at); }
        found.refused = platform::locate_pages({addresses.data(), n}, {status.data(), n}, pid);
        if (found.refused) { return found; }
        for (std::size_t i = 0; i < n; ++i) {
            if (status[i] >= 0) { ++found.on_node[node_id{static_cast<std::uint32_t>(status[i])}]; }
        }
    }
    return found;
}

/// The mappings that hold most, as far as `most` pages reach: a mapping is checked whole or not at all.
void check(process_memory& process, std::size_t most) {
    const auto ends = platform::mapping_ends(process.id);
    std::vector<const mapping_memory*> largest;
    for (const auto& mapping : process.mappings) {
        if (mapping.resident().value != 0 && mapping.page.value != 0) { largest.push_back(&mapping); }
    }
    std::sort(largest.begin(), largest.end(), [](auto* a, auto* b) { return a->resident() > b->resident(); });
    std::uint64_t left = most;
    for (const auto* mapping : largest) {
        const auto end = ends.find(mapping->start);
        if (end == ends.end()) { continue; }
        const std::uint64_t pages = (end->second - mapping->start) / mapping->page.value;
        if (pages > left) { continue; }
        left -= pages;
        const auto found = count(process.id, mapping->start, end->second, mapping->page.value);
        if (found.refused) {
            process.check_refused = found.refused;
            return;
        }
        for (const auto& [node, size] : mapping->on_node) {
            const std::uint64_t told = size.value / mapping->page.value;
            const auto seen = found.on_node.find(node);
            process.pages_checked += told;
            process.pages_agreed += std::min(told, seen == found.on_node.end() ? 0 : seen->second);
        }
    }
}

}  // namespace

std::map<node_id, bytes> process_memory::on_node() const {
    std::map<node_id, bytes> sum;
    for (const auto& mapping : mappings) {
        for (const auto& [node, size] : mapping.on_node) { sum[node] = sum[node] + size; }
    }
    return sum;
}

process_memory audit_process(int pid, const audit_bounds& bounds) {
    process_memory found = platform::read_process(pid, bounds.mappings);
    if (bounds.checked_pages != 0) { check(found, bounds.checked_pages); }
    return found;
}

}  // namespace numasio
