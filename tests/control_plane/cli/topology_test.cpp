// numasioctl topology and devices: the same machine as the library's, in three forms.
#include "ctl.hpp"

#include <numasio/devices.hpp>
#include <numasio/topology.hpp>

#include <gmock/gmock.h>

namespace numasio::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(topology_command, draws_every_node_with_its_cpus_and_memory) {
    const auto machine = discover_topology();
    const auto got = ctl("topology");
    ASSERT_EQ(got.status, 0) << got.err;
    EXPECT_LE(widest(got.out), 80U) << got.out;
    for (const auto& node : machine.nodes) {
        EXPECT_THAT(got.out, HasSubstr("\nnode " + std::to_string(node.id.value) + "  "));
        if (!node.cpus.empty()) { EXPECT_THAT(got.out, HasSubstr("CPUs      " + to_list(node.cpus))); }
        if (node.cpus.empty()) { EXPECT_THAT(got.out, HasSubstr("memory only")); }
        if (node.memory.value == 0) { EXPECT_THAT(got.out, HasSubstr("none; the nearest is node ")); }
    }
    EXPECT_EQ(got.out.find("distance") != std::string::npos, !machine.distances.empty());
}

TEST(topology_command, as_json_is_the_machine_that_the_library_sees) {
    const auto machine = discover_topology();
    const auto document = ctl("topology --json").json();
    EXPECT_EQ(document.at("origin").as_string(), std::string(to_string(machine.origin)));
    const auto& nodes = document.at("nodes").as_array();
    ASSERT_EQ(nodes.size(), machine.nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        EXPECT_EQ(nodes[i].at("id").to_number<std::uint32_t>(), machine.nodes[i].id.value);
        EXPECT_EQ(nodes[i].at("memory_bytes").to_number<std::uint64_t>(), machine.nodes[i].memory.value);
        EXPECT_EQ(nodes[i].at("cpus").as_array().size(), machine.nodes[i].cpus.size());
    }
    EXPECT_EQ(document.at("cpus").as_array().size(), machine.cpus.size());
    EXPECT_EQ(document.at("devices").as_array().size(), discover_devices().size());
}

TEST(topology_command, as_xml_is_the_same_machine_elsewhere) {
    const scratch folder;
    const auto xml = ctl("topology --xml");
    ASSERT_EQ(xml.status, 0) << xml.err;
    const auto file = folder.write("machine.xml", xml.out);
    const auto here = ctl("topology --json").json();
    const auto there = ctl("topology --json -t '" + file + "'").json();
    EXPECT_EQ(there.at("origin").as_string(), "xml");
    EXPECT_TRUE(there.at("devices").is_null());
    EXPECT_EQ(there.at("nodes").as_array().size(), here.at("nodes").as_array().size());
    EXPECT_EQ(there.at("cpus").as_array().size(), here.at("cpus").as_array().size());
    EXPECT_EQ(there.at("distances"), here.at("distances"));
    EXPECT_THAT(ctl("topology -t '" + file + "'").out, HasSubstr("not this one"));
}

TEST(topology_command, of_8_nodes_and_256_cpus_fits_a_screen) {
    const auto got = ctl("topology -t 'synthetic:pack:4 numa:2 l3:4 core:4 pu:2'");
    ASSERT_EQ(got.status, 0) << got.err;
    EXPECT_LE(widest(got.out), 80U) << got.out;
    EXPECT_LE(std::count(got.out.begin(), got.out.end(), '\n'), 60) << got.out;
    EXPECT_THAT(got.out, HasSubstr("4 packages, 8 nodes,"));
    EXPECT_THAT(got.out, HasSubstr("L3        224-231 | 232-239 | 240-247 | 248-255"));
    EXPECT_THAT(got.out, Not(HasSubstr("used")));  // nobody knows what is free there
}

TEST(topology_command, shows_what_the_firmware_says_and_what_is_not_allowed) {
    const std::string machines = NUMASIO_SOURCE_DIR "/tests/src/machines/";
    const auto hmat = ctl("topology -t '" + machines + "hmat.xml'");
    EXPECT_THAT(hmat.out, HasSubstr("node 2  memory only"));
    EXPECT_THAT(hmat.out, HasSubstr("ns (HMAT)    0    1    2\nnode 0      80  141    -\n"));
    EXPECT_THAT(hmat.out, HasSubstr("MiB/s (HMAT)"));
    const auto container = ctl("topology -t '" + machines + "container.xml'");
    EXPECT_THAT(container.out, HasSubstr("not allowed (cpuset): CPUs 0-4,7,12-15"));
    EXPECT_THAT(container.out, HasSubstr("4-7 (allowed: 5-6)"));
    EXPECT_THAT(container.out, HasSubstr("(none allowed)"));
    EXPECT_THAT(container.out, HasSubstr("32 GiB (not allowed)"));
}

TEST(topology_command, of_pretend_nodes_says_so) {
    const auto got = ctl("topology -t simulated:1");
    ASSERT_EQ(got.status, 0) << got.err;
    EXPECT_THAT(got.out, HasSubstr("1 simulated nodes over live"));
    EXPECT_THAT(got.out, HasSubstr("not simulated"));
}

TEST(topology_command, of_a_machine_that_cannot_be_had_names_the_remedy) {
    for (const auto& [source, said] : {std::pair{"simulated:0", "expected 1 to "},
                                       std::pair{"simulated:two", "expected simulated:N"},
                                       std::pair{"simulated:99999", "one for each CPU that this process may use"},
                                       std::pair{"/nonexistent.xml", "nothing can be read there"},
                                       std::pair{"synthetic:nonsense", "not a description"}}) {
        const auto got = ctl(std::string("topology -t ") + source);
        EXPECT_EQ(got.status, 1) << source;
        EXPECT_THAT(got.err, HasSubstr(said)) << source;
        EXPECT_EQ(got.out, "") << source;
    }
    EXPECT_EQ(ctl("topology --xml -t simulated:1").status, 1);
}

TEST(devices_command, lists_every_device_that_the_library_sees) {
    const auto devices = discover_devices();
    const auto document = ctl("devices --json").json();
    const auto& listed = document.at("devices").as_array();
    ASSERT_EQ(listed.size(), devices.size());
    const auto text = ctl("devices");
    ASSERT_EQ(text.status, 0) << text.err;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        EXPECT_EQ(listed[i].at("name").as_string(), devices[i].name);
        EXPECT_EQ(listed[i].at("locality").as_string(), std::string(to_string(devices[i].locality)));
        EXPECT_EQ(listed[i].at("node").is_null(), !devices[i].node()) << devices[i].name;
        EXPECT_THAT(text.out, HasSubstr(devices[i].name));
    }
}

}  // namespace
}  // namespace numasio::test
