// Devices on a real kernel: where the machine's description puts them, and virtual ones over them. Makes network devices, so it
// runs in the emulated machine alone: ./dev numa-vm --topology devices -- build/dev/bin/numa_devices_test
#include <numasio/devices.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace numasio::test {
namespace {

/// "nic" or "nvme", number among all devices → node, from the machine's description.
std::map<std::pair<std::string, int>, node_id> described() {
    const char* const file = std::getenv("NUMASIO_VM_MACHINE");
    EXPECT_NE(file, nullptr) << "this runs in the emulated machine alone: ./dev numa-vm";
    std::map<std::pair<std::string, int>, node_id> found;
    std::ifstream in(file != nullptr ? file : "");
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string word;
        std::uint32_t node = 0;
        if (words >> word >> node && (word == "nic" || word == "nvme")) { found[{word, ++number}] = node_id{node}; }
    }
    return found;
}

std::string line_of(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

device_info find(const std::string& name) {
    for (const auto& device : discover_devices()) {
        if (device.name == name) { return device; }
    }
    ADD_FAILURE() << "no device " << name;
    return {};
}

/// The network device of the description's device `number`: its MAC address ends with it.
std::string nic(int number) {
    for (const auto& device : discover_devices()) {
        if (device.kind != device_kind::network) { continue; }
        const std::string address = line_of("/sys/class/net/" + device.name + "/address");
        if (address.rfind("52:54:00:00:00:", 0) == 0 && std::stoi(address.substr(15), nullptr, 16) == number &&
            device.lower.empty()) {
            return device.name;
        }
    }
    ADD_FAILURE() << "no network card " << number;
    return {};
}

void ip(const std::string& arguments) {
    EXPECT_EQ(std::system(("ip " + arguments).c_str()), 0) << "ip " << arguments;  // of Debian's iproute2
}

TEST(devices_of_a_kernel, are_on_the_nodes_that_the_machine_was_given_them_on) {
    const auto expected = described();
    ASSERT_GE(expected.size(), 3U);
    for (const auto& [key, node] : expected) {
        const auto& [kind, number] = key;
        if (kind == "nic") {
            const auto card = find(nic(number));
            EXPECT_EQ(card.node(), node) << card.name;
            EXPECT_EQ(card.driver, "e1000e");
            EXPECT_TRUE(card.pci);
            EXPECT_GE(card.rx_queues, 1U);
            EXPECT_GE(card.tx_queues, 1U);
            continue;
        }
        bool seen = false;
        for (const auto& device : discover_devices()) {
            if (device.kind != device_kind::nvme || line_of("/sys/class/nvme/" + device.name + "/serial").rfind("nvme" + std::to_string(number), 0) != 0) { continue; }
            seen = true;
            EXPECT_EQ(device.node(), node) << device.name;
            EXPECT_FALSE(device.interrupts.empty());
            for (const auto& irq : device.interrupts) { EXPECT_FALSE(irq.name.empty()) << irq.number; }
        }
        EXPECT_TRUE(seen) << "nvme" << number;
    }
}

TEST(devices_of_a_kernel, of_virtual_kinds_are_where_the_cards_below_them_are) {
    std::vector<std::pair<std::string, node_id>> cards;
    for (const auto& [key, node] : described()) {
        if (key.first == "nic") { cards.emplace_back(nic(key.second), node); }
    }
    ASSERT_EQ(cards.size(), 2U);
    ASSERT_NE(cards[0].second, cards[1].second);
    const auto& [first, first_node] = cards[0];
    const auto& [second, second_node] = cards[1];

    ip("link add link " + first + " name nv_vlan type vlan id 5");
    ip("link add link " + first + " name nv_mac type macvlan");
    ip("link add nv_dummy type dummy");
    ip("link add nv_bridge type bridge");
    ip("link set " + second + " master nv_bridge");
    ip("link set nv_dummy master nv_bridge");
    EXPECT_EQ(find("nv_vlan").node(), first_node);
    EXPECT_EQ(find("nv_vlan").driver, "vlan");
    EXPECT_EQ(find("nv_mac").node(), first_node);
    EXPECT_EQ(find("nv_dummy").locality, device_locality::nowhere);
    EXPECT_EQ(find("nv_bridge").node(), second_node);
    EXPECT_THAT(find("nv_bridge").lower, testing::UnorderedElementsAre(second, "nv_dummy"));
    ip("link set " + second + " nomaster");
    EXPECT_EQ(find("nv_bridge").locality, device_locality::nowhere);

    ip("link add nv_bond type bond mode active-backup");
    ip("link set " + first + " down");
    ip("link set " + second + " down");
    ip("link del nv_mac");
    ip("link del nv_vlan");
    ip("link set " + first + " master nv_bond");
    EXPECT_EQ(find("nv_bond").node(), first_node);
    ip("link set " + second + " master nv_bond");
    ip("link add link nv_bond name nv_bond.7 type vlan id 7");
    for (const char* name : {"nv_bond", "nv_bond.7"}) {
        EXPECT_EQ(find(name).locality, device_locality::several_nodes) << name;
        EXPECT_EQ(find(name).node(), std::nullopt) << name;
        EXPECT_THAT(find(name).nodes, testing::ElementsAre(first_node, second_node)) << name;
    }
    for (const char* name : {"nv_bond.7", "nv_bond", "nv_bridge", "nv_dummy"}) { ip(std::string("link del ") + name); }
}

TEST(devices_of_a_kernel, tell_an_interrupt_that_is_sent_to_another_node) {
    const auto machine = discover_topology();
    const std::string name = nic(1);
    const std::string all = line_of("/proc/irq/default_smp_affinity");
    for (const auto& node : machine.nodes) {
        if (node.cpus.empty()) { continue; }
        // Interrupts are asked for as the card comes up, and then sent where new ones go: no traffic is needed to move them.
        std::uint64_t mask = 0;
        for (const auto cpu : node.cpus) { mask |= std::uint64_t{1} << cpu.value; }
        std::ofstream("/proc/irq/default_smp_affinity") << std::hex << mask;
        ip("link set " + name + " up");
        const auto card = find(name);
        ASSERT_TRUE(card.node());
        ASSERT_FALSE(card.interrupts.empty());
        for (const auto& irq : card.interrupts) { EXPECT_FALSE(irq.effective.empty()) << irq.name; }
        EXPECT_EQ(interrupts_elsewhere(card, machine).size(), node.id == *card.node() ? 0U : card.interrupts.size()) << node.id.value;
        ip("link set " + name + " down");
    }
    std::ofstream("/proc/irq/default_smp_affinity") << all;
}

}  // namespace
}  // namespace numasio::test
