// Reads the device classes of sysfs, walks up PCI paths, and lists interrupts.
#include "src/platform/device_files.hpp"

#include "src/platform/id_list.hpp"
#include "src/platform/number_in.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>

namespace numasio::platform {
namespace {

namespace fs = std::filesystem;

std::string line_of(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

/// The entries of a folder by name; none where it cannot be read.
std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code unreadable;
    for (fs::directory_iterator at(folder, unreadable), end; !unreadable && at != end; at.increment(unreadable)) {
        found.push_back(at->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// False also where it cannot be seen.
bool there(const fs::path& entry) {
    std::error_code unreadable;
    return fs::exists(entry, unreadable);
}

/// The folder that a link leads to; empty where it leads nowhere.
fs::path real(const fs::path& link) {
    std::error_code none;
    fs::path target = fs::canonical(link, none);
    return none ? fs::path() : target;
}

/// "0000:21:00.0"; absent for any other name.
std::optional<pci_address> parse_pci(const std::string& name) {
    pci_address a;
    int length = 0;
    const int fields = std::sscanf(name.c_str(), "%8x:%2x:%2x.%1x%n", &a.domain, &a.bus, &a.device, &a.function, &length);
    if (fields != 4 || static_cast<std::size_t>(length) != name.size()) { return std::nullopt; }
    return a;
}

class reader {
public:
    reader(const std::string& sys, const std::string& proc) : sys_(real(sys)), proc_(proc) {}

    std::vector<device_info> read() {
        if (sys_.empty()) { return {}; }
        for (const auto& entry : entries(sys_ / "class/net")) { add_network(entry); }
        for (const auto& entry : entries(sys_ / "class/nvme")) { add(entry, device_kind::nvme); }
        for (const auto& entry : entries(sys_ / "class/block")) {
            if (is_disk(entry)) { add(entry, device_kind::storage); }
        }
        for (const auto& entry : entries(sys_ / "class/drm")) {
            if (is_card(entry.filename().string())) { add(entry, device_kind::gpu); }
        }
        for (const auto& entry : entries(sys_ / "class/accel")) { add(entry, device_kind::accelerator); }
        for (const auto& entry : entries(sys_ / "bus/pci/devices")) { add_unnamed(entry); }
        return std::move(found_);
    }

private:
    /// A whole disk on hardware that is not an NVMe namespace (whose controller is listed).
    static bool is_disk(const fs::path& entry) {
        const fs::path place = real(entry);
        const bool nvme = std::find_if(place.begin(), place.end(), [](const fs::path& part) {
                              return part == "nvme" || part == "nvme-subsystem";
                          }) != place.end();
        return !nvme && there(entry / "device") && !there(entry / "partition");
    }

    static bool is_card(const std::string& name) {  // "card0", not its connector "card0-DP-1"
        return name.compare(0, 4, "card") == 0 && name.find('-') == std::string::npos;
    }

    void add_network(const fs::path& entry) {
        std::error_code unreadable;
        if (!fs::is_directory(entry, unreadable)) { return; }  // bonding_masters is a file
        device_info device;
        if (there(entry / "device")) {
            device = hardware(entry, device_kind::network);
        } else {
            device.name = entry.filename().string();
            device.locality = device_locality::nowhere;
            device.driver = virtual_type(entry);
            device.lower = lower_of(entry);
            // Stands on (macvlan) or is joined to (veth) a device that another network namespace has.
            if (device.lower.empty() && stands_on_another(entry)) { device.locality = device_locality::unknown; }
        }
        const std::string state = line_of(entry / "operstate");
        if (state == "up" || state == "down" || state == "lowerlayerdown") { device.link_up = state == "up"; }
        const auto speed = number_in<long>(entry / "speed");  // -1, or EINVAL, where there is no link
        if (speed && *speed > 0 && device.link_up != false) { device.speed = {static_cast<std::uint32_t>(*speed)}; }
        for (const auto& queue : entries(entry / "queues")) {
            const std::string name = queue.filename().string();
            if (name.compare(0, 3, "rx-") == 0) { ++device.rx_queues; }
            if (name.compare(0, 3, "tx-") == 0) { ++device.tx_queues; }
        }
        found_.push_back(std::move(device));
    }

    void add(const fs::path& entry, device_kind kind) { found_.push_back(hardware(entry, kind)); }

    /// PCI functions of our kinds that are nobody's yet.
    void add_unnamed(const fs::path& entry) {
        const auto kind = kind_of_class(line_of(entry / "class"));
        const auto address = parse_pci(entry.filename().string());
        if (!kind || !address || claimed_.count(*address) != 0) { return; }
        device_info device;
        device.name = entry.filename().string();
        device.kind = *kind;
        locate(real(entry), device);
        device.driver = real(entry / "driver").filename().string();
        found_.push_back(std::move(device));
    }

    static std::optional<device_kind> kind_of_class(const std::string& code) {  // "0x020000": class, subclass, interface
        const auto begins = [&](std::string_view with) { return code.compare(0, with.size(), with) == 0; };
        if (begins("0x02")) { return device_kind::network; }
        if (begins("0x0108")) { return device_kind::nvme; }
        if (begins("0x01")) { return device_kind::storage; }
        if (begins("0x03")) { return device_kind::gpu; }
        if (begins("0x12") || begins("0x0b40")) { return device_kind::accelerator; }
        return std::nullopt;
    }

    device_info hardware(const fs::path& entry, device_kind kind) {
        device_info device;
        device.name = entry.filename().string();
        device.kind = kind;
        device.driver = real(entry / "device/driver").filename().string();
        locate(real(entry / "device"), device);
        if (device.pci) { claimed_.insert(*device.pci); }
        return device;
    }

    /// Node, PCI address and interrupts: of the nearest on the way up that has them (virtio and USB have none themselves).
    void locate(const fs::path& place, device_info& device) {
        const fs::path top = sys_ / "devices";
        for (fs::path at = place; at != top && at.has_relative_path() && at != at.parent_path(); at = at.parent_path()) {
            if (device.nodes.empty()) {
                const auto node = number_in<long>(at / "numa_node");
                if (node && *node >= 0) { device.nodes = {node_id{static_cast<std::uint32_t>(*node)}}; }
            }
            if (device.pci) { continue; }
            device.pci = parse_pci(at.filename().string());
            if (device.pci) { device.interrupts = interrupts_of(at); }
        }
        device.locality = device.nodes.empty() ? device_locality::unknown : device_locality::one_node;
    }

    std::vector<device_interrupt> interrupts_of(const fs::path& pci) const {
        std::vector<device_interrupt> found;
        std::vector<fs::path> numbers = entries(pci / "msi_irqs");
        if (numbers.empty()) { numbers.emplace_back(line_of(pci / "irq")); }  // the one wire of old
        for (const auto& file : numbers) {
            const std::string text = file.filename().string();
            device_interrupt irq;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), irq.number);
            if (error != std::errc{} || irq.number == 0) { continue; }
            irq.name = line_of(sys_ / "kernel/irq" / text / "actions");
            irq.allowed = read_list<cpu_id>(proc_ / "irq" / text / "smp_affinity_list").value_or(std::vector<cpu_id>());
            irq.effective = read_list<cpu_id>(proc_ / "irq" / text / "effective_affinity_list").value_or(std::vector<cpu_id>());
            found.push_back(std::move(irq));
        }
        std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
        return found;
    }

    /// "vlan", "bond", "bridge" as the kernel calls it; plain "virtual" where it does not.
    static std::string virtual_type(const fs::path& entry) {
        std::ifstream in(entry / "uevent");
        const std::string key = "DEVTYPE=";
        for (std::string line; std::getline(in, line);) {
            if (line.compare(0, key.size(), key) == 0) { return line.substr(key.size()); }
        }
        return "virtual";
    }

    static bool stands_on_another(const fs::path& entry) {
        const auto below = number_in<long>(entry / "iflink");
        return below && *below > 0 && below != number_in<long>(entry / "ifindex");
    }

    static std::vector<std::string> lower_of(const fs::path& entry) {
        std::set<std::string> names;
        const std::string prefix = "lower_";
        for (const auto& link : entries(entry)) {
            const std::string name = link.filename().string();
            if (name.compare(0, prefix.size(), prefix) == 0) { names.insert(name.substr(prefix.size())); }
        }
        std::ifstream slaves(entry / "bonding/slaves");  // on kernels that have no links yet
        for (std::string name; slaves >> name;) { names.insert(name); }
        for (const auto& port : entries(entry / "brif")) { names.insert(port.filename().string()); }
        return {names.begin(), names.end()};
    }

    fs::path sys_;
    fs::path proc_;
    std::vector<device_info> found_;
    std::set<pci_address> claimed_;
};

}  // namespace

std::vector<device_info> read_devices(const std::string& sys, const std::string& proc) { return reader(sys, proc).read(); }

}  // namespace numasio::platform
