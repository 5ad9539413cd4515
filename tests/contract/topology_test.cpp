// What holds for the topology of every machine, and what is known of each.
#include "contract/machines.hpp"

#include <numasio/scoped_pin.hpp>

#include "src/hwloc_source.hpp"
#include "src/topology_reading.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace numasio::test {
namespace {

using ::testing::HasSubstr;

template <class Id>
bool within(const std::vector<Id>& part, const std::vector<Id>& whole) {
    return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

TEST_P(any_machine, has_the_nodes_cpus_and_packages_that_are_known_of_it) {
    const shape& known = GetParam();
    EXPECT_EQ(machine_.nodes.size(), known.nodes);
    EXPECT_EQ(machine_.cpus.size(), known.cpus);
    std::set<std::uint32_t> packages;
    for (const cpu_info& cpu : machine_.cpus) { packages.insert(cpu.package); }
    EXPECT_EQ(packages.size(), known.packages);
    EXPECT_EQ(to_list(machine_.executor_nodes()), known.executor_nodes);
    EXPECT_EQ(to_list(machine_.allowed_cpus()), known.allowed);
    EXPECT_EQ(to_list(machine_.offline_cpus), known.offline);
}

TEST_P(any_machine, tells_of_one_cpu_what_is_known_of_it) {
    const auto& one = GetParam().one;
    EXPECT_EQ(to_list(cpus_of_core(machine_, {one.cpu})), one.core);
    EXPECT_EQ(to_list(cpus_of_cache(machine_, {one.cpu})), one.l3_group);
    ASSERT_NE(machine_.find(cpu_id{one.cpu}), nullptr);
    EXPECT_EQ(machine_.find(cpu_id{one.cpu})->node, node_id{one.node});
    EXPECT_EQ(machine_.nearest_memory({one.node}), node_id{one.memory});
}

TEST_P(any_machine, has_each_cpu_on_exactly_one_node) {
    std::size_t listed = 0;
    for (const node_info& node : machine_.nodes) {
        EXPECT_EQ(machine_.find(node.id), &node);
        EXPECT_TRUE(std::is_sorted(node.cpus.begin(), node.cpus.end()));
        listed += node.cpus.size();
        for (const cpu_id id : node.cpus) {
            ASSERT_NE(machine_.find(id), nullptr);
            EXPECT_EQ(machine_.find(id)->node, node.id);
        }
    }
    EXPECT_EQ(listed, machine_.cpus.size());
    for (const cpu_info& cpu : machine_.cpus) { EXPECT_EQ(machine_.find(cpu.id), &cpu); }
    for (const cpu_id cpu : machine_.offline_cpus) { EXPECT_EQ(machine_.find(cpu), nullptr); }
}

TEST_P(any_machine, has_a_distance_for_every_pair_of_nodes_or_for_none) {
    const auto& known = GetParam().distance;
    EXPECT_EQ(machine_.distances.size(), known ? machine_.nodes.size() * machine_.nodes.size() : 0U);
    if (!known) { return; }
    EXPECT_EQ(machine_.distance(known->from, known->to), known->value);
    for (const node_info& from : machine_.nodes) {
        EXPECT_EQ(machine_.distance(from.id, from.id), 10U);
        for (const node_info& to : machine_.nodes) { EXPECT_GE(machine_.distance(from.id, to.id), 10U); }
    }
}

TEST_P(any_machine, allows_what_it_has_and_its_executor_nodes_have_allowed_cpus) {
    std::vector<cpu_id> all;
    for (const cpu_info& cpu : machine_.cpus) {
        all.push_back(cpu.id);
        EXPECT_EQ(cpu.denied, cpu.allowed ? cpu_denial::none : cpu_denial::cpuset);
    }
    EXPECT_TRUE(within(machine_.allowed_cpus(), all));
    std::vector<cpu_id> together;
    for (const node_id node : machine_.executor_nodes()) {
        const auto cpus = machine_.allowed_cpus(node);
        EXPECT_FALSE(cpus.empty());
        EXPECT_TRUE(within(cpus, machine_.find(node)->cpus));
        together.insert(together.end(), cpus.begin(), cpus.end());
    }
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, machine_.allowed_cpus());
}

TEST_P(any_machine, finds_the_nearest_memory_where_there_is_some_that_is_allowed) {
    for (const node_info& node : machine_.nodes) {
        const auto nearest = machine_.nearest_memory(node.id);
        ASSERT_TRUE(nearest);
        EXPECT_TRUE(machine_.find(*nearest)->memory_allowed);
        EXPECT_NE(machine_.find(*nearest)->memory.value, 0U);
        for (const node_info& other : machine_.nodes) {
            if (!other.memory_allowed || other.memory.value == 0) { continue; }
            if (other.id == node.id) { EXPECT_EQ(nearest, node.id); }
            EXPECT_LE(machine_.distance(node.id, *nearest), machine_.distance(node.id, other.id));
        }
    }
}

TEST_P(any_machine, is_dealt_to_pretend_nodes_with_every_allowed_cpu) {
    const auto most = static_cast<std::uint32_t>(machine_.allowed_cpus().size());
    for (const std::uint32_t count : {1U, (most + 1) / 2, most}) {
        const topology pretend = simulate_nodes(machine_, count);
        EXPECT_EQ(pretend.nodes.size(), count);
        EXPECT_EQ(pretend.executor_nodes().size(), count);
        EXPECT_EQ(pretend.allowed_cpus(), machine_.allowed_cpus());
        EXPECT_FALSE(pretend.cpus_are_real());
    }
    EXPECT_THROW(simulate_nodes(machine_, most + 1), std::invalid_argument);
}

TEST_P(any_machine, nests_a_core_in_its_cache_and_in_its_node) {
    for (const cpu_info& cpu : machine_.cpus) {
        if (!cpu.allowed) { continue; }
        const auto core = cpus_of_core(machine_, cpu.id);
        EXPECT_TRUE(std::binary_search(core.begin(), core.end(), cpu.id));
    }
    std::map<std::uint32_t, std::uint32_t> threads;  // seen of each core
    for (const cpu_info& cpu : machine_.cpus) { EXPECT_EQ(cpu.smt_index, threads[cpu.core]++); }
    for (const node_id id : machine_.executor_nodes()) {
        const auto node = cpus_of_node(machine_, id);
        const auto first_threads = cpus_of_node(machine_, id, smt_policy::first_thread);
        EXPECT_EQ(node, machine_.allowed_cpus(id));
        EXPECT_TRUE(within(first_threads, node));
        std::vector<cpu_id> cores;  // put together again from one thread of each
        for (const cpu_id thread : first_threads) {
            const auto core = cpus_of_core(machine_, thread);
            EXPECT_TRUE(within(core, cpus_of_cache(machine_, thread)));
            cores.insert(cores.end(), core.begin(), core.end());
        }
        std::sort(cores.begin(), cores.end());
        EXPECT_EQ(cores, node);
    }
}

TEST_P(any_machine, shows_a_person_each_node_and_each_limit) {
    const std::string text = to_text(machine_);
    for (const node_info& node : machine_.nodes) {
        EXPECT_THAT(text, HasSubstr("  node " + std::to_string(node.id.value) + ": "));
        if (!node.cpus.empty()) { EXPECT_THAT(text, HasSubstr(to_list(node.cpus))); }
    }
    const bool all = machine_.allowed_cpus().size() == machine_.cpus.size();
    EXPECT_EQ(text.find("not in the cpuset") == std::string::npos, all);
    EXPECT_EQ(text.find("offline: ") == std::string::npos, GetParam().offline.empty());
    EXPECT_EQ(text.find("distance from") == std::string::npos, machine_.distances.empty());
    EXPECT_EQ(text.find("read latency (ns)") == std::string::npos, machine_.accesses.empty());
}

TEST_P(any_machine, is_the_same_after_it_was_written_as_xml_and_read_back) {
    topology back = detail::read_topology(detail::load_xml(topology_xml(source_of(GetParam()))).get(), {});
    back.origin = machine_.origin;
    back.source = machine_.source;
    EXPECT_EQ(back, machine_);
}

INSTANTIATE_TEST_SUITE_P(machines, any_machine, ::testing::ValuesIn(shapes()),
                         [](const auto& machine) { return machine.param.name; });

TEST(machines, are_at_least_twenty_and_every_file_is_among_them) {
    EXPECT_GE(shapes().size(), 20U);
    std::set<std::string> used;
    for (const shape& machine : shapes()) { used.insert(machine.source); }
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(NUMASIO_SOURCE_DIR "/tests/src/machines")) {
        ++files;
        EXPECT_TRUE(used.contains(file.path().filename().string())) << file.path();
    }
    EXPECT_GT(files, 10U);
}

TEST(machines, hmat_figures_are_those_of_the_firmware_and_absent_where_it_gave_none) {
    const topology machine = discover_topology(NUMASIO_SOURCE_DIR "/tests/src/machines/hmat.xml");
    ASSERT_EQ(machine.accesses.size(), 5U);
    EXPECT_EQ(*machine.access({0}, {1}), (memory_access{{0}, {1}, 141, 40'001}));
    EXPECT_EQ(*machine.access({1}, {0}), (memory_access{{1}, {0}, 140, 40'000}));
    EXPECT_EQ(*machine.access({1}, {2}), (memory_access{{1}, {2}, 250, 20'000}));
    EXPECT_EQ(machine.access({0}, {2}), nullptr);
    EXPECT_EQ(machine.access({2}, {2}), nullptr);
}

}  // namespace
}  // namespace numasio::test
