// The machine's network cards, drives, GPUs and accelerators, and the node that each is attached to.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/topology.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio {

enum class device_kind { network, nvme, storage, gpu, accelerator };

/// What is known of the place of a device. Never guessed: a firmware that says nothing does not mean node 0.
enum class device_locality {
    unknown,        ///< no node is named for the device or one of its lower ones, or another network namespace has those
    one_node,       ///< attached to one node
    several_nodes,  ///< its lower devices are on different nodes
    nowhere         ///< software only (loopback, dummy, a bridge without hardware): it has no place
};

/// "0000:21:00.0": where a device is on PCI.
struct pci_address {
    std::uint32_t domain = 0;
    std::uint32_t bus = 0;
    std::uint32_t device = 0;
    std::uint32_t function = 0;
    friend constexpr auto operator<=>(const pci_address&, const pci_address&) noexcept = default;
};

/// Unit: 10^6 bits a second.
struct megabits_per_second {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(megabits_per_second, megabits_per_second) noexcept = default;
};

/// One interrupt of a device: of one queue, mostly.
struct device_interrupt {
    std::uint32_t number = 0;       ///< as in /proc/interrupts
    std::string name;               ///< "eth1-rx-0"; empty while no driver has asked for it
    std::vector<cpu_id> allowed;    ///< CPUs that it may be sent to; empty where the kernel does not say
    std::vector<cpu_id> effective;  ///< of these, those that the hardware is told to interrupt now
};

struct device_info {
    std::string name;  ///< "eth1", "nvme0", "card0"; the PCI address where no driver has named it
    device_kind kind = device_kind::network;
    std::string driver;  ///< "e1000e"; "vlan", "bond", "bridge" … for a virtual network device; may be empty
    std::optional<pci_address> pci;  ///< absent for what is not on PCI, or below it
    device_locality locality = device_locality::unknown;
    std::vector<node_id> nodes;      ///< one for one_node, more for several_nodes, else what is known: mostly nothing
    std::vector<std::string> lower;  ///< the network devices that a virtual one stands on, by name

    std::optional<bool> link_up;               ///< absent where the device does not tell
    std::optional<megabits_per_second> speed;  ///< of a link that is up and tells its speed
    std::uint32_t rx_queues = 0;               ///< of a network device
    std::uint32_t tx_queues = 0;
    std::vector<device_interrupt> interrupts;  ///< ascending by number; empty for a virtual device

    /// The one node that the device is on.
    std::optional<node_id> node() const noexcept {
        return locality == device_locality::one_node ? std::optional(nodes.front()) : std::nullopt;
    }
};

/// The devices of this machine, as this process's network namespace shows them: network devices (virtual ones too, which
/// resolve to their lower ones), NVMe controllers, disks, GPUs and accelerators; and PCI functions of these kinds that
/// no driver has named (a card given to vfio-pci, for instance). By kind, then by name.
/// Threads: any. Blocks: reads some small files for each device and interrupt. Cost: milliseconds.
/// Fails: throws std::bad_alloc only; what cannot be read is absent, and a machine without sysfs has no devices.
std::vector<device_info> discover_devices();

/// The interrupts of a device that go to CPUs of other nodes than its own, although its node has CPUs online: each
/// packet or completion then crosses the machine before it is looked at. Empty where the device's node is not known.
/// Threads: any. Blocks: never. Fails: throws std::bad_alloc only. Cost: interrupts × CPUs.
std::vector<device_interrupt> interrupts_elsewhere(const device_info& device, const topology& machine);

std::string_view to_string(device_kind kind) noexcept;
std::string_view to_string(device_locality locality) noexcept;
std::string to_string(const pci_address& address);
/// "node 1", "nodes 0-1 (mixed)", "not known" or "none (software)".
std::string place_text(const device_info& device);

}  // namespace numasio
