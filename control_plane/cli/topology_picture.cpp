// Draws each node as a branch with its parts, and the distances as a matrix.
#include <control_plane/cli/topology_picture.hpp>

#include <control_plane/cli/machine_source.hpp>
#include <control_plane/cli/text.hpp>
#include <src/place_text.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace numasio::cli {
namespace {

constexpr std::size_t indent = 12;  // of what stands behind a part's name

struct counts {
    std::set<std::uint32_t> packages;
    std::set<std::uint32_t> cores;
    std::size_t cpus = 0;
};

template <class Wanted>
counts count(const topology& machine, Wanted wanted) {
    counts found;
    for (const auto& cpu : machine.cpus) {
        if (!wanted(cpu)) { continue; }
        found.packages.insert(cpu.package);
        found.cores.insert(cpu.core);
        ++found.cpus;
    }
    return found;
}

/// The parts of one node, in the order in which they are drawn.
class branch {
public:
    branch(const topology& machine, const node_info& node) : machine_(machine), node_(node) {}

    std::string text(const std::vector<device_info>& devices) {
        add_cpus();
        add_caches();
        add_memory();
        add_huge_pages();
        add_devices(devices);
        std::string out = title();
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const std::string label = (i + 1 == parts_.size() ? "└ " : "├ ") + parts_[i].first;
            std::string lines = labelled(label, parts_[i].second, indent);
            if (i + 1 != parts_.size()) { draw_trunk(lines); }
            out += lines;
        }
        return out;
    }

private:
    /// The lines that a part goes on over keep the trunk in their first column.
    static void draw_trunk(std::string& lines) {
        for (std::size_t at = lines.find('\n'); at + 1 < lines.size(); at = lines.find('\n', at + 1)) {
            lines.replace(at + 1, 1, "│");
        }
    }

    std::string title() const {
        const auto own = count(machine_, [&](const cpu_info& cpu) { return cpu.node == node_.id; });
        std::string line = "node " + std::to_string(node_.id.value);
        if (own.cpus == 0) { return line + "  memory only\n"; }
        std::string packages;
        for (const auto package : own.packages) { packages += (packages.empty() ? "" : ",") + std::to_string(package); }
        line += (own.packages.size() == 1 ? "  package " : "  packages ") + packages + ", " + counted(own.cores.size(), "core");
        if (own.cpus != own.cores.size()) { line += ", " + counted(own.cpus, "CPU"); }
        return line + '\n';
    }

    void add_cpus() {
        if (node_.cpus.empty()) { return; }
        std::string text = to_list(node_.cpus);
        const auto usable = machine_.allowed_cpus(node_.id);
        if (usable.empty()) { text += " (none allowed)"; }
        else if (usable.size() != node_.cpus.size()) { text += " (allowed: " + to_list(usable) + ")"; }
        parts_.emplace_back("CPUs", text);
    }

    void add_caches() {
        std::map<std::uint32_t, std::vector<cpu_id>> groups;
        for (const auto& cpu : machine_.cpus) {
            if (cpu.node == node_.id) { groups[cpu.l3_group].push_back(cpu.id); }
        }
        std::string text;
        for (const auto& [group, cpus] : groups) { text += (text.empty() ? "" : " | ") + to_list(cpus); }
        if (groups.size() == 1) { text = "one for all of them"; }
        if (!text.empty()) { parts_.emplace_back("L3", text); }
    }

    void add_memory() {
        if (machine_.origin == topology_origin::simulated) {
            parts_.emplace_back("memory", "not simulated");
            return;
        }
        if (node_.memory.value == 0) {
            const auto nearest = machine_.nearest_memory(node_.id);
            parts_.emplace_back("memory", nearest && *nearest != node_.id ? "none; the nearest is node " + std::to_string(nearest->value) : "none");
            return;
        }
        std::string text = amount(node_.memory);
        if (machine_.origin == topology_origin::live) {
            const bytes used{node_.memory.value - std::min(node_.memory.value, node_.free_memory.value)};
            text = bar(static_cast<double>(used.value) / static_cast<double>(node_.memory.value), 30) + ' ' + amount(used) + " of " +
                   amount(node_.memory) + " used";
        }
        parts_.emplace_back("memory", text + (node_.memory_allowed ? "" : " (not allowed)"));
    }

    void add_huge_pages() {
        std::string text;
        for (const auto& pool : node_.huge_pages) {
            if (pool.total == 0) { continue; }
            text += (text.empty() ? "" : ", ") + std::to_string(pool.free) + " of " + std::to_string(pool.total) + " free of " + amount(pool.page);
        }
        if (!node_.huge_pages.empty()) { parts_.emplace_back("huge", text.empty() ? "no pages kept ready" : text); }
    }

    void add_devices(const std::vector<device_info>& devices) {
        std::string text;
        for (const auto& device : devices) {
            if (device.node() != node_.id) { continue; }
            text += (text.empty() ? "" : ", ") + device.name;
            if (!device.driver.empty() && device.driver != device.name) { text += " (" + device.driver + ")"; }
        }
        if (!text.empty()) { parts_.emplace_back("devices", text); }
    }

    const topology& machine_;
    const node_info& node_;
    std::vector<std::pair<std::string, std::string>> parts_;
};

/// Rows from node, columns to node, as many columns at a time as fit.
template <class Value>
std::string matrix(const topology& machine, const std::string& corner, Value value) {
    constexpr std::size_t at_a_time = 10;
    std::string out;
    for (std::size_t first = 0; first < machine.nodes.size(); first += at_a_time) {
        const std::size_t last = std::min(machine.nodes.size(), first + at_a_time);
        std::vector<std::string> head{corner};
        for (std::size_t i = first; i < last; ++i) { head.push_back(std::to_string(machine.nodes[i].id.value)); }
        table rows(std::move(head), "l" + std::string(at_a_time, 'r'));
        for (const auto& from : machine.nodes) {
            std::vector<std::string> row{"node " + std::to_string(from.id.value)};
            for (std::size_t i = first; i < last; ++i) {
                const std::optional<std::uint64_t> number = value(from.id, machine.nodes[i].id);
                row.push_back(number ? std::to_string(*number) : "-");
            }
            rows.add(std::move(row));
        }
        out += '\n' + rows.text();
    }
    return out;
}

std::string firmware(const topology& machine) {
    std::string out;
    if (!machine.distances.empty()) {
        out += matrix(machine, "distance", [&](node_id from, node_id to) { return machine.distance(from, to); });
    }
    if (machine.accesses.empty()) { return out; }
    out += matrix(machine, "ns (HMAT)", [&](node_id from, node_id to) {
        const auto* access = machine.access(from, to);
        return access != nullptr ? access->read_latency_ns : std::nullopt;
    });
    return out + matrix(machine, "MiB/s (HMAT)", [&](node_id from, node_id to) {
        const auto* access = machine.access(from, to);
        return access != nullptr ? access->read_bandwidth_mib_s : std::nullopt;
    });
}

/// CPUs that the machine has and this process cannot use, by reason.
std::string missing(const topology& machine) {
    std::map<cpu_denial, std::vector<cpu_id>> denied;
    for (const auto& cpu : machine.cpus) {
        if (!cpu.allowed) { denied[cpu.denied].push_back(cpu.id); }
    }
    std::string out;
    if (!machine.offline_cpus.empty()) { out += wrapped("offline: " + cpus_text(machine.offline_cpus), 2); }
    for (const auto& [by, cpus] : denied) {
        const std::string reason = by == cpu_denial::none ? "" : " (" + std::string(to_string(by)) + ")";
        out += wrapped("not allowed" + reason + ": " + cpus_text(cpus), 2);
    }
    return out;
}

std::string devices_elsewhere(const std::vector<device_info>& devices) {
    std::string text;
    for (const auto& device : devices) {
        if (device.node() || device.locality == device_locality::nowhere) { continue; }
        text += (text.empty() ? "" : ", ") + device.name + " (" + place_text(device) + ")";
    }
    return text.empty() ? text : '\n' + wrapped("devices without one node: " + text, 0);
}

}  // namespace

std::string picture(const topology& machine, const std::vector<device_info>& devices) {
    const auto all = count(machine, [](const cpu_info&) { return true; });
    const std::string title = counted(all.packages.size(), "package") + ", " +
                        counted(machine.nodes.size(), "node") + ", " + counted(all.cores.size(), "core") + ", " + counted(all.cpus, "CPU");
    const std::string name = machine_name(machine) + ":";
    std::string out = columns(name) + 1 + columns(title) <= width ? name + ' ' + title + '\n' : wrapped(name, 0) + wrapped(title, 2);
    out += missing(machine);
    for (const auto& node : machine.nodes) { out += '\n' + branch(machine, node).text(devices); }
    return out + firmware(machine) + devices_elsewhere(devices);
}

}  // namespace numasio::cli
