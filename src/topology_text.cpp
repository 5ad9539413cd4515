// A topology in words: lists of numbers and a person's view of the machine.
#include <numasio/topology.hpp>

#include "src/place_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace numasio {
namespace {

template <class Id>
std::string ranges(std::vector<Id> ids) {
    std::sort(ids.begin(), ids.end());
    std::string text;
    for (std::size_t i = 0; i < ids.size();) {
        std::size_t last = i;
        while (last + 1 < ids.size() && ids[last + 1].value - ids[last].value <= 1) { ++last; }
        if (!text.empty()) { text += ','; }
        text += std::to_string(ids[i].value);
        if (ids[last] != ids[i]) { text += '-' + std::to_string(ids[last].value); }
        i = last + 1;
    }
    return text;
}

std::string in_words(bytes amount) {
    constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto scaled = static_cast<double>(amount.value);
    std::size_t unit = 0;
    while (scaled >= 1024 && unit + 1 < units.size()) {
        scaled /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", scaled, units[unit]);
    return text.data();
}

std::string counted(std::size_t count, const std::string& thing) {
    return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

std::string node_line(const topology& machine, const node_info& node) {
    std::string line = "  node " + std::to_string(node.id.value) + ": ";
    if (node.cpus.empty()) {
        line += node.memory.value != 0 ? "no CPUs (memory node)" : "no CPUs";
    } else {
        line += cpus_text(node.cpus);
        const std::vector<cpu_id> usable = machine.allowed_cpus(node.id);
        if (usable.empty()) {
            line += " (none allowed)";
        } else if (usable.size() != node.cpus.size()) {
            line += " (allowed: " + to_list(usable) + ")";
        }
    }
    if (machine.origin == topology_origin::simulated) { return line + ", simulated\n"; }
    if (node.memory.value == 0) {
        const auto nearest = machine.nearest_memory(node.id);
        line += ", no memory";
        if (nearest && *nearest != node.id) { line += " (nearest: node " + std::to_string(nearest->value) + ")"; }
    } else {
        line += ", " + in_words(node.memory);
        if (machine.origin == topology_origin::live) { line += ", " + in_words(node.free_memory) + " free"; }
        if (!node.memory_allowed) { line += " (not allowed)"; }
        for (const huge_page_pool& pool : node.huge_pages) {
            if (pool.total == 0) { continue; }
            line += ", " + std::to_string(pool.total) + " pages of " + in_words(pool.page) + " (" +
                    std::to_string(pool.free) + " free)";
        }
    }
    return line + '\n';
}

std::vector<cpu_id> denied_by(const topology& machine, cpu_denial why) {
    std::vector<cpu_id> cpus;
    for (const cpu_info& cpu : machine.cpus) {
        if (!cpu.allowed && cpu.denied == why) { cpus.push_back(cpu.id); }
    }
    return cpus;
}

// Why CPUs that the machine has cannot be used.
std::string denial_lines(const topology& machine) {
    std::string text;
    if (const auto cpus = denied_by(machine, cpu_denial::cpuset); !cpus.empty()) {
        const bool named = machine.limits && !machine.limits->cpuset.empty();
        text += "  not in the cpuset" + (named ? ' ' + machine.limits->cpuset : std::string()) + ": " + to_list(cpus) + '\n';
    }
    if (const auto cpus = denied_by(machine, cpu_denial::affinity); !cpus.empty()) {
        text += "  not in the affinity mask: " + to_list(cpus) + '\n';
    }
    if (!machine.offline_cpus.empty()) { text += "  offline: " + to_list(machine.offline_cpus) + '\n'; }
    return text;
}

std::string column(const std::string& text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
}

// A matrix of what `value` says of each pair of nodes, "-" for nothing.
template <class Value>
std::string pair_lines(const topology& machine, const std::string& title, std::size_t width, Value value) {
    std::string text = "  " + column(title, 23) + ':';
    for (const node_info& to : machine.nodes) { text += column(std::to_string(to.id.value), width); }
    text += '\n';
    for (const node_info& from : machine.nodes) {
        text += "  " + column("node " + std::to_string(from.id.value), 23) + ':';
        for (const node_info& to : machine.nodes) {
            const auto number = value(from.id, to.id);
            text += column(number ? std::to_string(*number) : "-", width);
        }
        text += '\n';
    }
    return text;
}

std::string access_lines(const topology& machine) {
    const auto figure = [&machine](auto which) {
        return [&machine, which](node_id from, node_id to) {
            const memory_access* const found = machine.access(from, to);
            return found == nullptr ? std::optional<std::uint64_t>{} : found->*which;
        };
    };
    return pair_lines(machine, "read latency (ns)", 8, figure(&memory_access::read_latency_ns)) +
           pair_lines(machine, "read rate (MiB/s)", 8, figure(&memory_access::read_bandwidth_mib_s));
}

}  // namespace

std::string to_list(const std::vector<cpu_id>& cpus) { return ranges(cpus); }

std::string to_list(const std::vector<node_id>& nodes) { return ranges(nodes); }

std::string_view to_string(topology_origin origin) noexcept {
    switch (origin) {
        case topology_origin::live: return "live";
        case topology_origin::simulated: return "simulated";
        case topology_origin::synthetic: return "synthetic";
        case topology_origin::xml: return "xml";
        case topology_origin::fallback: return "fallback";
    }
    return "unknown";
}

std::string_view to_string(cpu_denial denied) noexcept {
    switch (denied) {
        case cpu_denial::none: return "none";
        case cpu_denial::cpuset: return "cpuset";
        case cpu_denial::affinity: return "affinity";
    }
    return "unknown";
}

std::string to_text(const topology& machine) {
    std::vector<std::uint32_t> packages;
    std::vector<std::uint32_t> cores;
    for (const cpu_info& cpu : machine.cpus) {
        packages.push_back(cpu.package);
        cores.push_back(cpu.core);
    }
    const auto distinct = [](std::vector<std::uint32_t>& ids) {
        std::sort(ids.begin(), ids.end());
        return static_cast<std::size_t>(std::unique(ids.begin(), ids.end()) - ids.begin());
    };
    std::string text = "machine (" + std::string(to_string(machine.origin));
    if (machine.source != to_string(machine.origin)) { text += ": " + machine.source; }
    text += "): " + counted(distinct(packages), "package") + ", " + counted(machine.nodes.size(), "node") + ", " +
            counted(distinct(cores), "core") + ", " + counted(machine.cpus.size(), "CPU");
    const std::size_t allowed = machine.allowed_cpus().size();
    if (allowed != machine.cpus.size()) { text += ", " + std::to_string(allowed) + " allowed"; }
    text += '\n';
    for (const node_info& node : machine.nodes) { text += node_line(machine, node); }
    text += denial_lines(machine);
    if (!machine.distances.empty()) {
        text += pair_lines(machine, "distance from … to node", 5,
                           [&](node_id from, node_id to) { return machine.distance(from, to); });
    }
    if (!machine.accesses.empty()) { text += access_lines(machine); }
    return text;
}

}  // namespace numasio
