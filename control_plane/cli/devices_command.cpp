// numasioctl devices: what is attached to which node, and where its interrupts go.
#include <control_plane/cli/commands.hpp>

#include <control_plane/cli/device_document.hpp>
#include <control_plane/cli/text.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

namespace numasio::cli {
namespace {

constexpr const char* devices_footer = R"(A device's node is its PCI function's, or that of the nearest bridge above it
that knows. VLANs, bonds and bridges are where the hardware below them is.
"not known" is the firmware's silence, not node 0. IRQ CPUs are those that the
device's interrupts are sent to now.
)";

std::string link_text(const device_info& device) {
    if (device.kind != device_kind::network || !device.link_up) { return "-"; }
    if (!*device.link_up) { return "down"; }
    if (!device.speed) { return "up"; }
    const auto mbps = device.speed->value;
    return mbps >= 1000 ? fixed(mbps / 1000.0, mbps % 1000 == 0 ? 0 : 1) + " Gb/s" : std::to_string(mbps) + " Mb/s";
}

std::string queue_text(const device_info& device) {
    if (device.rx_queues + device.tx_queues == 0) { return "-"; }
    return std::to_string(device.rx_queues) + "/" + std::to_string(device.tx_queues);
}

std::string node_text(const device_info& device) {
    switch (device.locality) {
        case device_locality::one_node: return to_list(device.nodes);
        case device_locality::several_nodes: return to_list(device.nodes) + " mixed";
        case device_locality::nowhere: return "none";
        case device_locality::unknown: break;
    }
    return "unknown";
}

std::string interrupt_cpus(const device_info& device) {
    std::vector<cpu_id> cpus;
    for (const auto& irq : device.interrupts) {
        const auto& to = irq.effective.empty() ? irq.allowed : irq.effective;
        cpus.insert(cpus.end(), to.begin(), to.end());
    }
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus.empty() ? "-" : to_list(cpus);
}

std::string on_text(const device_info& device) {
    std::string below;
    for (const auto& name : device.lower) { below += (below.empty() ? "" : ",") + name; }
    if (!below.empty()) { return "on " + below; }
    return device.pci ? to_string(*device.pci) : "-";
}

/// What a person should look at; one line each.
std::vector<std::string> hints(const std::vector<device_info>& devices, const topology& machine) {
    std::vector<std::string> out;
    for (const auto& device : devices) {
        if (device.locality == device_locality::several_nodes) {
            out.push_back(device.name + ": its lower devices are on nodes " + to_list(device.nodes) +
                          "; workers on either are far from half of the traffic");
        }
        // A drive has a queue for each CPU on purpose.
        if (device.kind != device_kind::network) { continue; }
        const auto away = interrupts_elsewhere(device, machine);
        if (away.empty()) { continue; }
        const auto home = to_list(machine.find(*device.node())->cpus);
        out.push_back(device.name + ": " + std::to_string(away.size()) + " of " + counted(device.interrupts.size(), "interrupt") +
                      " not on its node " + to_list(device.nodes) + " (the first: " + std::to_string(away.front().number) +
                      (away.front().name.empty() ? "" : ", " + away.front().name) + "); as root: echo " + home + " > /proc/irq/" +
                      std::to_string(away.front().number) + "/smp_affinity_list " +
                      "(it moves with its next interrupt; irqbalance may move it back)");
    }
    return out;
}

std::string text(const std::vector<device_info>& devices, const topology& machine) {
    if (devices.empty()) { return "no network, storage or accelerator device is visible here (is sysfs mounted?)\n"; }
    table rows({"DEVICE", "KIND", "DRIVER", "NODE", "LINK", "RX/TX", "PCI", "IRQ CPUS"});
    for (const auto& device : devices) {
        const bool named_by_place = device.pci && device.name == to_string(*device.pci);
        rows.add({named_by_place ? "-" : device.name, std::string(to_string(device.kind)),
                  device.driver.empty() ? "-" : device.driver, node_text(device), link_text(device), queue_text(device), on_text(device), interrupt_cpus(device)});
    }
    std::string out = rows.text();
    const auto said = hints(devices, machine);
    if (!said.empty()) { out += '\n'; }
    for (const auto& hint : said) { out += labelled("hint", hint, 6); }
    return out;
}

}  // namespace

void add_devices(CLI::App& program, exit_code& ended) {
    auto* const command = program.add_subcommand("devices", "Network cards, drives, GPUs: node, queues, interrupts");
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "One JSON document");
    command->footer(devices_footer);
    command->callback([json, &ended] {
        const auto machine = discover_topology();
        const auto devices = discover_devices();
        if (*json) {
            std::cout << boost::json::serialize(boost::json::object{{"devices", device_documents(devices, machine)}}) << '\n';
        } else {
            std::cout << text(devices, machine);
        }
        ended = done;
    });
}

}  // namespace numasio::cli
