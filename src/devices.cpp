// Resolves virtual devices to the hardware below them, and judges where interrupts go.
#include <numasio/devices.hpp>

#include "src/device_places.hpp"
#include "src/platform/device_files.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

namespace numasio {
namespace {

struct below {
    std::set<node_id> nodes;
    bool hardware = false;  ///< there is a piece of it
    bool unknown = false;   ///< and of one no node is known
};

/// Collects the hardware below a device; each is visited once, so that a ring of links ends.
class collector {
public:
    explicit collector(const std::vector<device_info>& devices) {
        for (const auto& device : devices) {
            if (device.kind == device_kind::network) { by_name_.emplace(device.name, &device); }
        }
    }

    below under(const device_info& device) {
        below found;
        seen_.clear();
        visit(device, found);
        return found;
    }

private:
    void visit(const device_info& device, below& found) {
        if (!seen_.insert(&device).second) { return; }
        if (device.lower.empty()) {
            if (device.locality == device_locality::nowhere) { return; }
            found.hardware = true;
            found.unknown = found.unknown || device.nodes.empty();
            found.nodes.insert(device.nodes.begin(), device.nodes.end());
        }
        for (const auto& name : device.lower) {
            const auto lower = by_name_.find(name);
            if (lower != by_name_.end()) {
                visit(*lower->second, found);
            } else {  // in another network namespace: hardware or not, nobody here can tell
                found.hardware = found.unknown = true;
            }
        }
    }

    std::map<std::string, const device_info*> by_name_;
    std::set<const device_info*> seen_;
};

device_locality judge(const below& found) noexcept {
    if (!found.hardware) { return device_locality::nowhere; }
    if (found.nodes.size() > 1) { return device_locality::several_nodes; }
    return found.unknown || found.nodes.empty() ? device_locality::unknown : device_locality::one_node;
}

}  // namespace

void place_virtual_devices(std::vector<device_info>& devices) {
    const std::vector<device_info> plain = devices;  // what the files told, while the answers are filled in
    collector collect(plain);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (plain[i].lower.empty()) { continue; }
        const below found = collect.under(plain[i]);
        devices[i].nodes.assign(found.nodes.begin(), found.nodes.end());
        devices[i].locality = judge(found);
    }
    std::sort(devices.begin(), devices.end(),
              [](const auto& a, const auto& b) { return std::tie(a.kind, a.name) < std::tie(b.kind, b.name); });
}

std::vector<device_info> discover_devices() {
    auto devices = platform::read_devices();
    place_virtual_devices(devices);
    return devices;
}

std::vector<device_interrupt> interrupts_elsewhere(const device_info& device, const topology& machine) {
    std::vector<device_interrupt> found;
    const auto node = device.node();
    const node_info* const home = node ? machine.find(*node) : nullptr;
    if (home == nullptr || home->cpus.empty()) { return found; }
    for (const auto& irq : device.interrupts) {
        const auto& goes_to = irq.effective.empty() ? irq.allowed : irq.effective;
        const bool elsewhere = std::any_of(goes_to.begin(), goes_to.end(), [&](cpu_id id) {
            const cpu_info* const cpu = machine.find(id);
            return cpu != nullptr && cpu->node != *node;
        });
        if (elsewhere) { found.push_back(irq); }
    }
    return found;
}

std::string_view to_string(device_kind kind) noexcept {
    switch (kind) {
        case device_kind::network: return "network";
        case device_kind::nvme: return "nvme";
        case device_kind::storage: return "storage";
        case device_kind::gpu: return "gpu";
        case device_kind::accelerator: return "accelerator";
    }
    return "unknown";
}

std::string_view to_string(device_locality locality) noexcept {
    switch (locality) {
        case device_locality::unknown: return "unknown";
        case device_locality::one_node: return "one_node";
        case device_locality::several_nodes: return "several_nodes";
        case device_locality::nowhere: return "nowhere";
    }
    return "unknown";
}

std::string to_string(const pci_address& address) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.%x", address.domain, address.bus, address.device,
                  address.function);
    return text.data();
}

std::string place_text(const device_info& device) {
    switch (device.locality) {
        case device_locality::one_node: return "node " + to_list(device.nodes);
        case device_locality::several_nodes: return "nodes " + to_list(device.nodes) + " (mixed)";
        case device_locality::nowhere: return "none (software)";
        case device_locality::unknown: break;
    }
    return "not known";
}

}  // namespace numasio
