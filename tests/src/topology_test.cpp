// A topology as a value: pretend nodes, nearest memory, lists, and the view for a person.
#include <numasio/topology.hpp>

#include <gmock/gmock.h>
#include <hwloc/bitmap.h>
#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>

namespace {

using namespace numasio;
using testing::HasSubstr;

TEST(simulate_nodes, deals_all_allowed_cpus_in_order_and_evenly) {
    rc::check("simulate_nodes", [] {
        const auto cores = *rc::gen::inRange(1, 40);
        topology machine = discover_topology("synthetic:numa:1 core:" + std::to_string(cores) + " pu:1");
        machine.origin = topology_origin::live;
        for (cpu_info& cpu : machine.cpus) { cpu.allowed = *rc::gen::weightedElement<bool>({{4, true}, {1, false}}); }
        const std::vector<cpu_id> allowed = machine.allowed_cpus();
        RC_PRE(!allowed.empty());
        const auto count = *rc::gen::inRange<std::uint32_t>(1, static_cast<std::uint32_t>(allowed.size()) + 1);

        const topology pretend = simulate_nodes(machine, count);
        RC_ASSERT(pretend.origin == topology_origin::simulated);
        RC_ASSERT(pretend.cpus_are_real() && !pretend.nodes_are_real());
        RC_ASSERT(pretend.nodes.size() == count);
        RC_ASSERT(pretend.executor_nodes().size() == count);
        std::vector<cpu_id> dealt;
        std::size_t least = allowed.size();
        std::size_t most = 0;
        for (const node_info& node : pretend.nodes) {
            RC_ASSERT(node.memory.value == 0U && node.free_memory.value == 0U);
            RC_ASSERT(pretend.nearest_memory(node.id) == node.id);
            dealt.insert(dealt.end(), node.cpus.begin(), node.cpus.end());
            least = std::min(least, node.cpus.size());
            most = std::max(most, node.cpus.size());
        }
        RC_ASSERT(dealt == allowed);
        RC_ASSERT(most - least <= 1U);
    });
}

TEST(simulate_nodes, refuses_more_nodes_than_cpus_and_says_how_many_there_may_be) {
    const topology machine = discover_topology();
    const auto most = static_cast<std::uint32_t>(machine.allowed_cpus().size());
    EXPECT_THROW(simulate_nodes(machine, 0), std::invalid_argument);
    try {
        simulate_nodes(machine, most + 1);
        ADD_FAILURE() << "accepted";
    } catch (const std::invalid_argument& e) {
        EXPECT_THAT(e.what(), HasSubstr("expected 1 to " + std::to_string(most)));
    }
    EXPECT_EQ(simulate_nodes(machine, most).nodes.size(), most);
}

TEST(simulate_nodes, does_not_make_another_machine_pinnable) {
    const topology t = simulate_nodes(discover_topology("synthetic:numa:2 core:4 pu:1"), 4);
    EXPECT_EQ(t.origin, topology_origin::synthetic);
    EXPECT_FALSE(t.cpus_are_real());
}

TEST(simulate_nodes, says_simulated_to_a_person) {
    const std::string text = to_text(simulate_nodes(discover_topology(), 1));
    EXPECT_THAT(text, HasSubstr("simulated: 1 simulated nodes over live"));
    EXPECT_THAT(text, HasSubstr(", simulated\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("iB")));
}

TEST(nearest_memory, is_the_node_itself_then_the_nearest_allowed_then_none) {
    topology t;
    t.nodes.resize(3);
    t.nodes[0] = {{1}, {}, {1024}, {}, true};
    t.nodes[1] = {{4}, {}, {1024}, {}, true};
    t.nodes[2] = {{9}, {}, {0}, {}, true};
    EXPECT_EQ(t.nearest_memory({4}), node_id{4});
    EXPECT_EQ(t.nearest_memory({9}), node_id{1});  // no distances: the lowest number
    t.distances = {{{9}, {1}, 30}, {{9}, {4}, 20}};
    EXPECT_EQ(t.nearest_memory({9}), node_id{4});
    t.nodes[1].memory_allowed = false;
    EXPECT_EQ(t.nearest_memory({9}), node_id{1});
    EXPECT_EQ(t.nearest_memory({4}), node_id{1});
    t.nodes[0].memory_allowed = false;
    EXPECT_EQ(t.nearest_memory({9}), std::nullopt);
    EXPECT_EQ(t.nearest_memory({5}), std::nullopt);
}

TEST(to_list, reads_back_as_the_same_set) {
    rc::check("to_list against hwloc's parser", [] {
        const auto numbers = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 3000));
        std::vector<cpu_id> ids;
        for (const auto n : numbers) { ids.push_back({n}); }
        const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> set(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
        RC_ASSERT(hwloc_bitmap_list_sscanf(set.get(), to_list(ids).c_str()) == 0);
        std::set<std::uint32_t> got;
        for (int i = hwloc_bitmap_first(set.get()); i >= 0; i = hwloc_bitmap_next(set.get(), i)) {
            got.insert(static_cast<std::uint32_t>(i));
        }
        RC_ASSERT(got == std::set<std::uint32_t>(numbers.begin(), numbers.end()));
    });
}

TEST(to_list, joins_neighbours_and_ascends) {
    EXPECT_EQ(to_list(std::vector<cpu_id>{{0}, {1}, {2}, {3}, {8}}), "0-3,8");
    EXPECT_EQ(to_list(std::vector<cpu_id>{{8}, {0}, {8}, {1}}), "0-1,8");
    EXPECT_EQ(to_list(std::vector<node_id>{{5}}), "5");
    EXPECT_EQ(to_list(std::vector<node_id>{}), "");
    EXPECT_EQ(to_list(std::vector<node_id>{{0xffffffff}, {0}}), "0,4294967295");
}

TEST(to_text, is_a_persons_view_of_the_machine) {
    EXPECT_EQ(to_text(discover_topology("synthetic:pack:2 numa:1(memory=2GiB) core:2 pu:2")),
              "machine (synthetic: pack:2 numa:1(memory=2GiB) core:2 pu:2): 2 packages, 2 nodes, 4 cores, 8 CPUs\n"
              "  node 0: CPUs 0-3, 2.0 GiB\n"
              "  node 1: CPUs 4-7, 2.0 GiB\n");
    const std::string sparse = to_text(discover_topology(NUMASIO_SOURCE_DIR "/tests/src/machines/sparse.xml"));
    EXPECT_THAT(sparse, HasSubstr("  distance from … to node:    0    2   70   71\n"));
    EXPECT_THAT(sparse, HasSubstr("                  node 70:   25   15   10   35\n"));
    EXPECT_THAT(to_text(discover_topology()), testing::StartsWith("machine (live): "));
}

}  // namespace
