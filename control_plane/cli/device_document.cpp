// Writes devices as JSON.
#include <control_plane/cli/device_document.hpp>

#include <control_plane/metrics/json_parts.hpp>

namespace numasio::cli {
namespace {

namespace json = boost::json;

json::array interrupt_documents(const std::vector<device_interrupt>& interrupts) {
    json::array out;
    for (const auto& irq : interrupts) {
        out.push_back(json::object{{"number", irq.number},
                                   {"name", irq.name},
                                   {"allowed_cpus", detail::ids(irq.allowed)},
                                   {"effective_cpus", detail::ids(irq.effective)}});
    }
    return out;
}

}  // namespace

json::array device_documents(const std::vector<device_info>& devices, const topology& machine) {
    json::array out;
    for (const auto& device : devices) {
        json::array elsewhere;
        for (const auto& irq : interrupts_elsewhere(device, machine)) { elsewhere.push_back(irq.number); }
        const auto node = device.node();
        out.push_back(json::object{{"name", device.name},
                                   {"kind", to_string(device.kind)},
                                   {"driver", device.driver},
                                   {"pci", device.pci ? json::value(to_string(*device.pci)) : json::value(nullptr)},
                                   {"locality", to_string(device.locality)},
                                   {"node", node ? json::value(node->value) : json::value(nullptr)},
                                   {"nodes", detail::ids(device.nodes)},
                                   {"lower", json::array(device.lower.begin(), device.lower.end())},
                                   {"link_up", device.link_up ? json::value(*device.link_up) : json::value(nullptr)},
                                   {"speed_mbps", device.speed ? json::value(device.speed->value) : json::value(nullptr)},
                                   {"rx_queues", device.rx_queues},
                                   {"tx_queues", device.tx_queues},
                                   {"interrupts", interrupt_documents(device.interrupts)},
                                   {"interrupts_elsewhere", std::move(elsewhere)}});
    }
    return out;
}

}  // namespace numasio::cli
