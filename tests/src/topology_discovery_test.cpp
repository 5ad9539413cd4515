// Topologies as they are found: this machine, hwloc's descriptions, and files of machines that are not at hand.
#include <numasio/topology.hpp>

#include <numasio/affinity.hpp>
#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace {

using namespace numasio;
using testing::ElementsAre;
using testing::HasSubstr;

topology machine(const std::string& name) {
    return discover_topology(NUMASIO_SOURCE_DIR "/tests/src/machines/" + name + ".xml");
}

std::vector<cpu_id> cpus(std::uint32_t first, std::uint32_t last) {
    std::vector<cpu_id> ids;
    for (std::uint32_t i = first; i <= last; ++i) { ids.push_back({i}); }
    return ids;
}

// What holds for every topology, whatever its source.
void expect_consistent(const topology& t) {
    ASSERT_FALSE(t.nodes.empty());
    ASSERT_FALSE(t.cpus.empty());
    for (std::size_t i = 1; i < t.nodes.size(); ++i) { EXPECT_LT(t.nodes[i - 1].id, t.nodes[i].id); }
    for (std::size_t i = 1; i < t.cpus.size(); ++i) { EXPECT_LT(t.cpus[i - 1].id, t.cpus[i].id); }
    std::size_t listed = 0;
    for (const node_info& node : t.nodes) {
        EXPECT_EQ(t.find(node.id), &node);
        listed += node.cpus.size();
        for (const cpu_id id : node.cpus) {
            const cpu_info* const cpu = t.find(id);
            ASSERT_NE(cpu, nullptr);
            EXPECT_EQ(cpu->node, node.id);
        }
    }
    EXPECT_EQ(listed, t.cpus.size());  // every CPU is on exactly one node
    EXPECT_EQ(t.find(node_id{0xffffffff}), nullptr);
    EXPECT_EQ(t.find(cpu_id{0xffffffff}), nullptr);
}

TEST(live_topology, is_this_machine) {
    const topology t = discover_topology();
    expect_consistent(t);
    EXPECT_EQ(t.origin, topology_origin::live);
    EXPECT_EQ(t.source, "live");
    EXPECT_TRUE(t.nodes_are_real());
    EXPECT_TRUE(t.cpus_are_real());
    EXPECT_EQ(t.allowed_cpus(), this_thread_cpus());
    std::uint64_t memory = 0;
    for (const node_info& node : t.nodes) {
        memory += node.memory.value;
        EXPECT_LE(node.free_memory, node.memory);
    }
    EXPECT_GT(memory, 0U);
    EXPECT_TRUE(t.find(*t.nearest_memory(t.executor_nodes().front()))->memory_allowed);
}

TEST(live_topology, allows_the_cpus_of_the_callers_mask_only) {
    std::thread([] {
        const cpu_id last = this_thread_cpus().back();
        const std::size_t all = discover_topology().cpus.size();
        ASSERT_FALSE(pin_this_thread(std::vector<cpu_id>{last}));
        const topology t = discover_topology();
        EXPECT_EQ(t.origin, topology_origin::live);
        EXPECT_EQ(t.cpus.size(), all);
        EXPECT_THAT(t.allowed_cpus(), ElementsAre(last));
        EXPECT_THAT(t.executor_nodes(), ElementsAre(t.find(last)->node));
    }).join();
}

TEST(xml_topology, two_sockets_with_interleaved_threads) {
    const topology t = machine("two_sockets");
    expect_consistent(t);
    EXPECT_EQ(t.origin, topology_origin::xml);
    EXPECT_FALSE(t.cpus_are_real());
    EXPECT_FALSE(t.nodes_are_real());
    EXPECT_EQ(to_list(t.find(node_id{0})->cpus), "0-3,8-11");
    EXPECT_EQ(to_list(t.find(node_id{1})->cpus), "4-7,12-15");
    EXPECT_EQ(t.find(cpu_id{2})->core, t.find(cpu_id{10})->core);
    EXPECT_EQ(t.find(cpu_id{2})->smt_index, 0U);
    EXPECT_EQ(t.find(cpu_id{10})->smt_index, 1U);
    EXPECT_NE(t.find(cpu_id{2})->package, t.find(cpu_id{4})->package);
    EXPECT_EQ(t.distance({0}, {1}), 21U);
    EXPECT_EQ(t.distance({0}, {0}), 10U);
    EXPECT_EQ(t.find(node_id{0})->memory.value, 64ULL << 30);
}

TEST(xml_topology, four_nodes_in_one_socket_with_two_caches_each) {
    const topology t = machine("nps4");
    expect_consistent(t);
    EXPECT_THAT(t.executor_nodes(), ElementsAre(node_id{0}, node_id{1}, node_id{2}, node_id{3}));
    EXPECT_EQ(t.allowed_cpus({2}), cpus(8, 11));
    EXPECT_EQ(t.find(cpu_id{8})->l3_group, t.find(cpu_id{9})->l3_group);
    EXPECT_NE(t.find(cpu_id{9})->l3_group, t.find(cpu_id{10})->l3_group);
    EXPECT_EQ(t.find(cpu_id{0})->package, t.find(cpu_id{15})->package);
}

TEST(xml_topology, high_bandwidth_memory_beside_a_node_is_a_memory_node) {
    const topology t = machine("snc_hbm");
    expect_consistent(t);
    EXPECT_THAT(t.executor_nodes(), ElementsAre(node_id{0}, node_id{1}));
    EXPECT_TRUE(t.find(node_id{2})->cpus.empty());
    EXPECT_EQ(t.find(node_id{3})->memory.value, 16ULL << 30);
    EXPECT_EQ(t.find(cpu_id{3})->node, node_id{1});
}

TEST(xml_topology, a_memory_expander_has_no_cpus_and_is_no_executor_node) {
    const topology t = machine("cxl");
    expect_consistent(t);
    EXPECT_THAT(t.executor_nodes(), ElementsAre(node_id{0}, node_id{1}));
    EXPECT_TRUE(t.allowed_cpus({2}).empty());
    EXPECT_EQ(t.nearest_memory({2}), node_id{2});
    EXPECT_THAT(to_text(t), HasSubstr("node 2: no CPUs (memory node), 256.0 GiB"));
}

TEST(xml_topology, sparse_numbers_are_never_indices) {
    const topology t = machine("sparse");
    expect_consistent(t);
    EXPECT_THAT(t.executor_nodes(), ElementsAre(node_id{0}, node_id{2}, node_id{70}, node_id{71}));
    EXPECT_THAT(t.allowed_cpus({71}), ElementsAre(cpu_id{300}, cpu_id{301}));
    EXPECT_EQ(t.find(node_id{1}), nullptr);
    EXPECT_EQ(t.distance({71}, {70}), 20U);
    EXPECT_EQ(t.distance({70}, {71}), 35U);
    EXPECT_EQ(t.distance({0}, {1}), std::nullopt);
}

TEST(xml_topology, a_memory_less_node_keeps_its_cpus_and_takes_memory_from_the_nearest) {
    const topology t = machine("sparse");
    EXPECT_EQ(t.find(node_id{70})->memory.value, 0U);
    EXPECT_EQ(t.find(cpu_id{200})->node, node_id{70});
    EXPECT_EQ(t.nearest_memory({70}), node_id{2});  // 15, not 25 or 35
    EXPECT_THAT(to_text(t), HasSubstr("node 70: CPUs 200-201, no memory (nearest: node 2)"));
}

TEST(xml_topology, what_is_not_allowed_is_shown_and_not_used) {
    const topology t = machine("restricted");
    expect_consistent(t);
    EXPECT_THAT(t.allowed_cpus(), ElementsAre(cpu_id{1}));
    EXPECT_THAT(t.executor_nodes(), ElementsAre(node_id{0}));
    EXPECT_EQ(t.cpus.size(), 4U);
    EXPECT_FALSE(t.find(node_id{1})->memory_allowed);
    EXPECT_EQ(t.nearest_memory({1}), node_id{0});
    EXPECT_THAT(to_text(t), HasSubstr("CPUs 2-3 (none allowed), 64.0 GiB (not allowed)"));
}

TEST(synthetic_topology, is_as_described_and_not_this_machine) {
    const topology t = discover_topology("synthetic:pack:2 numa:2 l3:1 core:4 pu:2");
    expect_consistent(t);
    EXPECT_EQ(t.origin, topology_origin::synthetic);
    EXPECT_EQ(t.source, "pack:2 numa:2 l3:1 core:4 pu:2");
    EXPECT_FALSE(t.cpus_are_real());
    EXPECT_EQ(t.nodes.size(), 4U);
    EXPECT_EQ(t.allowed_cpus(), cpus(0, 31));
    EXPECT_EQ(t.allowed_cpus({3}), cpus(24, 31));
    EXPECT_EQ(t.find(cpu_id{31})->smt_index, 1U);
}

TEST(synthetic_topology, may_have_more_than_1024_cpus) {
    const topology t = discover_topology("synthetic:pack:4 numa:2 core:160 pu:2");
    expect_consistent(t);
    EXPECT_EQ(t.cpus.size(), 2560U);
    EXPECT_EQ(t.allowed_cpus({7}), cpus(2240, 2559));
    EXPECT_EQ(to_list(t.allowed_cpus()), "0-2559");
}

TEST(discover_topology, names_the_source_that_cannot_be_read_and_what_would_be_right) {
    const auto broken =
        std::filesystem::temp_directory_path() / ("numasio_broken_" + std::to_string(::getpid()) + ".xml");
    std::ofstream(broken) << "<?xml version=\"1.0\"?><topology version=\"2.0\"><object type=\"Mach";
    const std::vector<std::string> sources{"no/such/file.xml", "synthetic:not a machine", "synthetic:", "",
                                           "/dev/null",        broken.string()};
    for (const std::string& source : sources) {
        try {
            discover_topology(source);
            ADD_FAILURE() << source << " was read";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), errc::wrong_topology);
            EXPECT_THAT(e.what(), HasSubstr("\"" + source + "\""));
            EXPECT_THAT(e.what(), testing::AnyOf(HasSubstr("expected"), HasSubstr("such as")));
        }
    }
    std::filesystem::remove(broken);
}

}  // namespace
