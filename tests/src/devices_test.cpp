// Devices as sysfs shows them: the tree is written here, its form is the kernel's.
#include <numasio/devices.hpp>

#include "src/device_places.hpp"
#include "src/platform/device_files.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using namespace numasio;
using testing::ElementsAre;
using testing::IsEmpty;

class devices : public ::testing::Test {
protected:
    devices() {
        fs::create_directories(root_ / "sys/devices");
        fs::create_directories(root_ / "proc");
    }
    ~devices() override { fs::remove_all(root_); }

    void write(const fs::path& file, const std::string& text) const {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text << '\n';
    }
    void link(const fs::path& from, const fs::path& to) const {
        fs::create_directories((root_ / from).parent_path());
        fs::create_directory_symlink(root_ / to, root_ / from);
    }

    /// A PCI function of `code`; returns its folder.
    fs::path pci(const std::string& address, int node, const std::string& code, const std::string& driver = {}) const {
        const fs::path place = fs::path("sys/devices/pci0000:00") / address;
        write(place / "class", code);
        write(place / "numa_node", std::to_string(node));
        if (!driver.empty()) {
            fs::create_directories(root_ / "sys/bus/pci/drivers" / driver);
            link(place / "driver", "sys/bus/pci/drivers/" + driver);
        }
        link("sys/bus/pci/devices/" + address, place);
        return place;
    }
    /// What a class shows of a device.
    void member(const std::string& kind, const std::string& name, const fs::path& parent) const {
        write(parent / kind / name / "uevent", "");
        link(parent / kind / name / "device", parent);
        link("sys/class/" + kind + "/" + name, parent / kind / name);
    }
    void nic(const std::string& name, const std::string& address, int node) const {
        member("net", name, pci(address, node, "0x020000", "e1000e"));
    }
    fs::path software(const std::string& name, const std::string& type, const std::vector<std::string>& lower = {}) const {
        const fs::path place = "sys/devices/virtual/net/" + name;
        write(place / "uevent", type.empty() ? "INTERFACE=" + name : "DEVTYPE=" + type + "\nINTERFACE=" + name);
        for (const auto& one : lower) { link(place / ("lower_" + one), "sys/class/net/" + one); }
        link("sys/class/net/" + name, place);
        return place;
    }

    std::vector<device_info> found() const {
        auto all = platform::read_devices(root_ / "sys", root_ / "proc");
        place_virtual_devices(all);
        return all;
    }
    device_info find(const std::string& name) const {
        for (const auto& device : found()) {
            if (device.name == name) { return device; }
        }
        ADD_FAILURE() << "no device " << name;
        return {};
    }

    const fs::path root_ = fs::temp_directory_path() / ("numasio_devices_" + std::to_string(::getpid()));
};

TEST_F(devices, have_the_node_that_their_pci_function_names) {
    nic("eth0", "0000:21:00.0", 2);
    const auto eth0 = find("eth0");
    EXPECT_EQ(eth0.kind, device_kind::network);
    EXPECT_EQ(eth0.node(), node_id{2});
    EXPECT_EQ(eth0.driver, "e1000e");
    EXPECT_EQ(eth0.pci, (pci_address{0, 0x21, 0, 0}));
    EXPECT_EQ(to_string(*eth0.pci), "0000:21:00.0");
    EXPECT_EQ(place_text(eth0), "node 2");
}

TEST_F(devices, without_a_node_from_the_firmware_are_not_known_and_never_on_node_0) {
    nic("eth0", "0000:21:00.0", -1);
    const auto eth0 = find("eth0");
    EXPECT_EQ(eth0.locality, device_locality::unknown);
    EXPECT_EQ(eth0.node(), std::nullopt);
    EXPECT_THAT(eth0.nodes, IsEmpty());
    EXPECT_EQ(place_text(eth0), "not known");
}

TEST_F(devices, of_virtio_take_node_and_address_from_the_pci_function_above_them) {
    const auto parent = pci("0000:03:00.0", 1, "0x020000", "virtio-pci");
    const auto virtio = parent / "virtio2";
    write(virtio / "features", "0");
    member("net", "eth0", virtio);
    EXPECT_EQ(find("eth0").node(), node_id{1});
    EXPECT_EQ(find("eth0").pci, (pci_address{0, 3, 0, 0}));
    EXPECT_EQ(found().size(), 1U) << "the function is its network device, not a second one";
}

TEST_F(devices, behind_a_bridge_that_alone_knows_the_node_are_there) {
    const auto bridge = pci("0000:20:00.0", 3, "0x060400");
    write(bridge / "0000:21:00.0/numa_node", "-1");
    write(bridge / "0000:21:00.0/class", "0x010802");
    member("nvme", "nvme0", bridge / "0000:21:00.0");
    EXPECT_EQ(find("nvme0").node(), node_id{3});
    EXPECT_EQ(find("nvme0").pci, (pci_address{0, 0x21, 0, 0}));
}

TEST_F(devices, of_every_kind_are_listed_once_by_kind_and_name) {
    nic("eth1", "0000:01:00.0", 0);
    nic("eth0", "0000:02:00.0", 1);
    const auto drive = pci("0000:03:00.0", 1, "0x010802", "nvme");
    member("nvme", "nvme0", drive);
    member("block", "nvme0n1", drive / "nvme/nvme0");
    const auto disks = pci("0000:04:00.0", 0, "0x010000", "virtio-pci");
    member("block", "vda", disks / "virtio3");
    member("block", "vda1", disks / "virtio3");
    write(disks / "virtio3/block/vda1/partition", "1");
    const auto card = pci("0000:05:00.0", 2, "0x030000", "amdgpu");
    member("drm", "card0", card);
    member("drm", "card0-DP-1", card);
    member("drm", "renderD128", card);
    pci("0000:06:00.0", 3, "0x120000");
    pci("0000:07:00.0", 3, "0x020000", "vfio-pci");  // a card that a program drives by itself
    pci("0000:08:00.0", 3, "0x060400");              // a bridge is no device of ours
    std::vector<std::string> names;
    for (const auto& device : found()) {
        names.push_back(std::string(to_string(device.kind)) + " " + device.name + " " + place_text(device));
    }
    EXPECT_THAT(names, ElementsAre("network 0000:07:00.0 node 3", "network eth0 node 1", "network eth1 node 0",
                                   "nvme nvme0 node 1", "storage vda node 0", "gpu card0 node 2",
                                   "accelerator 0000:06:00.0 node 3"));
    EXPECT_EQ(find("0000:07:00.0").driver, "vfio-pci");
}

TEST_F(devices, that_are_vlans_bridges_or_macvlans_are_where_the_card_below_is) {
    nic("eth0", "0000:01:00.0", 2);
    software("eth0.5", "vlan", {"eth0"});
    software("br0", "bridge", {"eth0.5", "tap0"});
    software("tap0", "");
    software("mv0", "macvlan", {"br0"});
    for (const char* name : {"eth0.5", "br0", "mv0"}) { EXPECT_EQ(find(name).node(), node_id{2}) << name; }
    EXPECT_EQ(find("eth0.5").driver, "vlan");
    EXPECT_THAT(find("br0").lower, ElementsAre("eth0.5", "tap0"));
    EXPECT_EQ(find("tap0").locality, device_locality::nowhere);
}

TEST_F(devices, that_are_bonds_over_two_nodes_are_mixed) {
    nic("eth0", "0000:01:00.0", 1);
    nic("eth1", "0000:02:00.0", 3);
    const auto bond = software("bond0", "bond");
    write(bond / "bonding/slaves", "eth0 eth1");  // no links: an old kernel
    software("bond0.7", "vlan", {"bond0"});
    for (const char* name : {"bond0", "bond0.7"}) {
        EXPECT_EQ(find(name).locality, device_locality::several_nodes) << name;
        EXPECT_EQ(find(name).node(), std::nullopt) << name;
        EXPECT_EQ(place_text(find(name)), "nodes 1,3 (mixed)") << name;
    }
}

TEST_F(devices, that_are_bonds_over_a_known_and_an_unknown_node_are_not_known) {
    nic("eth0", "0000:01:00.0", 1);
    nic("eth1", "0000:02:00.0", -1);
    software("bond0", "bond", {"eth0", "eth1"});
    EXPECT_EQ(find("bond0").locality, device_locality::unknown);
    EXPECT_EQ(find("bond0").node(), std::nullopt);
}

TEST_F(devices, that_are_software_only_have_no_place) {
    software("lo", "");
    software("dummy0", "");
    software("br0", "bridge", {"dummy0"});
    for (const char* name : {"lo", "dummy0", "br0"}) {
        EXPECT_EQ(find(name).locality, device_locality::nowhere) << name;
        EXPECT_EQ(place_text(find(name)), "none (software)") << name;
    }
}

TEST_F(devices, whose_lower_one_another_network_namespace_has_are_not_known) {
    const auto macvlan = software("mv0", "macvlan");
    write(macvlan / "ifindex", "2");
    write(macvlan / "iflink", "7");
    EXPECT_EQ(find("mv0").locality, device_locality::unknown);
    software("gone", "vlan", {"eth9"});
    EXPECT_EQ(find("gone").locality, device_locality::unknown);
}

TEST_F(devices, that_stand_on_each_other_end_the_search) {
    software("a", "", {"b"});
    software("b", "", {"a"});
    EXPECT_EQ(find("a").locality, device_locality::nowhere);
}

TEST_F(devices, tell_their_link_queues_and_interrupts) {
    nic("eth0", "0000:01:00.0", 1);
    const fs::path net = "sys/devices/pci0000:00/0000:01:00.0/net/eth0";
    write(net / "operstate", "up");
    write(net / "speed", "25000");
    for (const char* queue : {"rx-0", "rx-1", "tx-0"}) { fs::create_directories(root_ / net / "queues" / queue); }
    write("sys/devices/pci0000:00/0000:01:00.0/msi_irqs/41", "msix");
    write("sys/devices/pci0000:00/0000:01:00.0/msi_irqs/9", "msix");
    write("sys/kernel/irq/41/actions", "eth0-rx-0");
    write("proc/irq/41/smp_affinity_list", "0-3");
    write("proc/irq/41/effective_affinity_list", "2");
    const auto eth0 = find("eth0");
    EXPECT_EQ(eth0.link_up, true);
    EXPECT_EQ(eth0.speed, megabits_per_second{25000});
    EXPECT_EQ(eth0.rx_queues, 2U);
    EXPECT_EQ(eth0.tx_queues, 1U);
    ASSERT_EQ(eth0.interrupts.size(), 2U);
    EXPECT_EQ(eth0.interrupts[0].number, 9U);
    EXPECT_THAT(eth0.interrupts[0].allowed, IsEmpty());
    EXPECT_EQ(eth0.interrupts[1].name, "eth0-rx-0");
    EXPECT_EQ(eth0.interrupts[1].allowed.size(), 4U);
    EXPECT_THAT(eth0.interrupts[1].effective, ElementsAre(cpu_id{2}));
}

TEST_F(devices, with_rubbish_in_their_files_are_listed_without_it) {
    nic("eth0", "0000:01:00.0", 1);
    const fs::path pci_folder = "sys/devices/pci0000:00/0000:01:00.0";
    write(pci_folder / "numa_node", "none");
    write(pci_folder / "net/eth0/speed", "-1");
    write(pci_folder / "net/eth0/operstate", "dormant");
    write(pci_folder / "msi_irqs/x", "");
    write(pci_folder / "irq", "0");
    write("sys/class/net/bonding_masters", "bond0");
    const auto eth0 = find("eth0");
    EXPECT_EQ(eth0.locality, device_locality::unknown);
    EXPECT_EQ(eth0.speed, std::nullopt);
    EXPECT_EQ(eth0.link_up, std::nullopt);
    EXPECT_THAT(eth0.interrupts, IsEmpty());
    EXPECT_EQ(found().size(), 1U);
    EXPECT_THAT(platform::read_devices("/nonexistent", "/nonexistent"), IsEmpty());
}

TEST(device_interrupts, elsewhere_are_those_that_go_to_cpus_of_other_nodes) {
    topology machine;
    machine.nodes = {{{0}, {{0}, {1}}, {}, {}}, {{1}, {{2}, {3}}, {}, {}}, {{2}, {}, {}, {}}};
    for (std::uint32_t id = 0; id < 4; ++id) { machine.cpus.push_back({{id}, {id / 2}}); }
    device_info nic;
    nic.locality = device_locality::one_node;
    nic.nodes = {{1}};
    nic.interrupts = {{10, "home", {{0}, {1}, {2}, {3}}, {{3}}}, {11, "away", {{0}, {2}}, {{0}}}, {12, "both", {{1}, {2}}, {}}};
    const auto numbers = [&] {
        std::vector<std::uint32_t> out;
        for (const auto& irq : interrupts_elsewhere(nic, machine)) { out.push_back(irq.number); }
        return out;
    };
    EXPECT_THAT(numbers(), ElementsAre(11U, 12U));
    nic.nodes = {{2}};  // has no CPU that could take them
    EXPECT_THAT(numbers(), IsEmpty());
    nic.locality = device_locality::unknown;
    nic.nodes = {};
    EXPECT_THAT(numbers(), IsEmpty());
}

TEST(device_discovery, of_this_machine_names_nodes_that_it_has) {
    const auto machine = discover_topology();
    for (const auto& device : discover_devices()) {
        EXPECT_FALSE(device.name.empty());
        EXPECT_EQ(device.locality == device_locality::one_node, device.node().has_value()) << device.name;
        for (const auto node : device.nodes) { EXPECT_NE(machine.find(node), nullptr) << device.name; }
    }
    if (fs::exists("/sys/class/net/lo")) {
        const auto all = discover_devices();
        EXPECT_THAT(all, testing::Contains(testing::Field(&device_info::name, "lo")));
    }
}

}  // namespace
