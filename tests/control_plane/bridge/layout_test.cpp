// make_layout: who gets which CPU on which machine.
#include "control_plane/bridge/layout_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <set>

namespace numasio::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// "kv/0@1 kv/1@2": each worker and its CPU.
std::string sites(const layout& l) {
    std::string out;
    for (const auto& w : l.workers) {
        out += (out.empty() ? "" : " ") + w.pool + "/" + std::to_string(w.index) + "@" + std::to_string(w.cpu.value);
    }
    return out;
}

TEST(layout, auto_gives_control_the_first_cpu_and_each_core_left_a_worker) {
    const auto l = make_layout(plan_of({pool("kv")}), machine(2, 3));
    EXPECT_THAT(l.control, ElementsAre(cpu_id{0}));
    EXPECT_EQ(sites(l), "kv/0@1 kv/1@2 kv/2@3 kv/3@4 kv/4@5");
    EXPECT_EQ(l.workers[1].node, node_id{0});
    EXPECT_EQ(l.workers[2].node, node_id{1});
    EXPECT_EQ(l.workers[2].memory_node, node_id{1});
    EXPECT_THAT(l.notes, ElementsAre("control: CPU 0 (auto)", "kv: 2 workers on node 0, CPUs 1-2 (auto)",
                                     "kv: 3 workers on node 1, CPUs 3-5 (auto)"));
}

TEST(layout, a_single_cpu_is_shared_by_control_and_worker_and_a_note_says_so) {
    const auto l = make_layout(plan_of({pool("kv")}), machine(1, 1));
    EXPECT_THAT(l.control, ElementsAre(cpu_id{0}));
    EXPECT_EQ(sites(l), "kv/0@0");
    EXPECT_THAT(l.notes, Contains("CPU 0 is shared by control, kv/0: this process may use no other CPU of node 0"));
}

TEST(layout, a_single_node_is_said) {
    EXPECT_THAT(make_layout(plan_of({pool("kv")}), machine(1, 4)).notes,
                Contains(HasSubstr("one node with CPUs (node 0)")));
}

TEST(layout, a_node_whose_only_cpu_is_controls_shares_it_and_a_note_says_so) {
    const auto l = make_layout(plan_of({pool("kv")}), machine(2, 1));
    EXPECT_EQ(sites(l), "kv/0@0 kv/1@1");
    EXPECT_THAT(l.notes, Contains("CPU 0 is shared by control, kv/0: this process may use no other CPU of node 0"));
}

TEST(layout, auto_counts_cores_and_never_uses_a_second_hardware_thread) {
    // Core 0 is control's; its sibling, CPU 4, is no whole core.
    EXPECT_EQ(sites(make_layout(plan_of({pool("kv")}), machine(1, 4, 2))), "kv/0@1 kv/1@2 kv/2@3");
}

TEST(layout, a_named_number_takes_whole_cores_then_siblings_then_controls_cpu) {
    EXPECT_EQ(sites(make_layout(plan_of({pool("kv", 6)}), machine(1, 4, 2))),
              "kv/0@1 kv/1@2 kv/2@3 kv/3@4 kv/4@5 kv/5@6");
    const auto full = make_layout(plan_of({pool("kv", 8)}), machine(1, 4, 2));
    EXPECT_EQ(full.workers.back().cpu, cpu_id{0});
    EXPECT_THAT(full.notes, Contains("CPU 0 is shared by control, kv/7: this process may use CPUs 0-7 of node 0"));
}

TEST(layout, auto_pools_divide_the_cores_that_counted_pools_leave) {
    EXPECT_EQ(sites(make_layout(plan_of({pool("a"), pool("b")}), machine(1, 8))),
              "a/0@1 a/1@2 a/2@3 a/3@4 b/0@5 b/1@6 b/2@7");
    EXPECT_EQ(sites(make_layout(plan_of({pool("a"), pool("b", 5)}), machine(1, 8))),
              "a/0@1 a/1@2 b/0@3 b/1@4 b/2@5 b/3@6 b/4@7");
}

TEST(layout, pools_share_cpus_only_when_none_is_free_and_a_note_says_so) {
    const auto l = make_layout(plan_of({pool("a"), pool("b")}), machine(1, 2));
    EXPECT_EQ(sites(l), "a/0@1 b/0@1");
    EXPECT_THAT(l.notes, Contains("CPU 1 is shared by a/0, b/0: this process may use CPUs 0-1 of node 0"));
    const auto free = make_layout(plan_of({pool("a"), pool("b")}), machine(1, 3));
    EXPECT_EQ(sites(free), "a/0@1 b/0@2");
    EXPECT_THAT(free.notes, Not(Contains(HasSubstr("shared"))));
}

TEST(layout, named_cpus_are_divided_over_nodes_and_kept_from_others) {
    auto p = plan_of({pool("a"), pinned("b", {{0}, {1}, {5}})});
    const auto l = make_layout(p, machine(2, 4));
    EXPECT_THAT(l.control, ElementsAre(cpu_id{2}));  // 0 and 1 are taken by name
    EXPECT_EQ(sites(l), "a/0@3 a/1@4 a/2@6 a/3@7 b/0@0 b/1@1 b/2@5");
    EXPECT_EQ(l.workers.back().node, node_id{1});
    p.pools[1].workers_per_node = 1;
    EXPECT_EQ(sites(make_layout(p, machine(2, 4))), "a/0@1 a/1@3 a/2@4 a/3@6 a/4@7 b/0@0 b/1@5");
}

TEST(layout, named_control_cpus_are_kept_from_workers) {
    auto p = plan_of({pool("kv")});
    p.control.cpus = {{cpu_id{1}, cpu_id{3}}};
    const auto l = make_layout(p, machine(1, 4));
    EXPECT_THAT(l.control, ElementsAre(cpu_id{1}, cpu_id{3}));
    EXPECT_EQ(sites(l), "kv/0@0 kv/1@2");
}

TEST(layout, named_nodes_alone_get_workers) {
    auto p = plan_of({pool("kv")});
    p.pools[0].nodes = {{node_id{1}}};
    EXPECT_EQ(sites(make_layout(p, machine(2, 2))), "kv/0@2 kv/1@3");
}

TEST(layout, only_allowed_cpus_are_used) {
    auto m = machine(2, 2);
    m.cpus[0].allowed = m.cpus[3].allowed = false;
    const auto l = make_layout(plan_of({pool("kv")}), m);
    EXPECT_THAT(l.control, ElementsAre(cpu_id{1}));
    EXPECT_EQ(sites(l), "kv/0@1 kv/1@2");
}

TEST(layout, sparse_node_and_cpu_numbers_are_only_names) {
    auto m = machine(2, 2);
    const std::uint32_t new_cpu[] = {4, 70, 900, 65'535};
    m.nodes[1].id = {4095};
    for (std::size_t i = 0; i < 4; ++i) {
        m.cpus[i].id = {new_cpu[i]};
        if (i > 1) { m.cpus[i].node = {4095}; }
    }
    m.nodes[0].cpus = {{4}, {70}};
    m.nodes[1].cpus = {{900}, {65'535}};
    const auto l = make_layout(plan_of({pool("kv")}), m);
    EXPECT_EQ(sites(l), "kv/0@70 kv/1@900 kv/2@65535");
    EXPECT_EQ(l.workers.back().memory_node, node_id{4095});
}

TEST(layout, a_memory_less_node_takes_its_memory_from_the_nearest_and_a_note_says_so) {
    auto m = machine(3, 1);
    m.nodes[1].memory = {0};
    m.distances = {{{1}, {0}, 30}, {{1}, {2}, 20}};
    const auto l = make_layout(plan_of({pool("kv")}), m);
    EXPECT_EQ(l.workers[1].node, node_id{1});
    EXPECT_EQ(l.workers[1].memory_node, node_id{2});
    EXPECT_THAT(l.notes, Contains(HasSubstr("its workers' memory comes from node 2")));
}

TEST(layout, simulated_nodes_are_said_to_be_simulated) {
    auto live = machine(1, 4);
    live.origin = topology_origin::live;
    auto p = plan_of({pool("kv")});
    p.simulate_nodes = 2;
    const auto l = make_layout(p, simulate_nodes(live, 2));
    EXPECT_EQ(sites(l), "kv/0@1 kv/1@2 kv/2@3");
    EXPECT_EQ(l.workers[1].node, node_id{1});
    EXPECT_THAT(l.notes, Contains("the 2 nodes are simulated: pinning is real, page locality is not measured"));
}

TEST(layout, strict_over_simulated_nodes_is_said_to_hold_for_pinning_alone) {
    auto live = machine(1, 4);
    live.origin = topology_origin::live;
    auto p = plan_of({pool("a"), pool("b"), pool("c")});
    p.pools[0].enforce = p.pools[2].enforce = enforcement::strict;
    p.simulate_nodes = 2;
    EXPECT_THAT(make_layout(p, simulate_nodes(live, 2)).notes,
                Contains("enforcement: strict (a, c) holds for pinning alone: simulated nodes have no memory that "
                         "could be bound, so it fails no start"));
    EXPECT_THAT(make_layout(p, live).notes, Not(Contains(HasSubstr("strict"))));
    p.pools[0].enforce = p.pools[2].enforce = enforcement::best_effort;
    EXPECT_THAT(make_layout(p, simulate_nodes(live, 2)).notes, Not(Contains(HasSubstr("strict"))));
}

TEST(layout, a_described_machine_is_laid_out_like_a_real_one) {
    const auto m = discover_topology("synthetic:numa:2 core:4 pu:2");
    const auto l = make_layout(plan_of({pool("kv"), pool("bulk", 1)}), m);
    EXPECT_EQ(l.workers.size(), 7U);  // 3 + 4 cores left, one on each node for bulk
    std::set<cpu_id> cpus(l.control.begin(), l.control.end());
    for (const auto& w : l.workers) {
        EXPECT_TRUE(cpus.insert(w.cpu).second) << sites(l);
        EXPECT_EQ(m.find(w.cpu)->node, w.node);
        EXPECT_EQ(m.find(w.cpu)->smt_index, 0U);
    }
}

TEST(layout, two_thousand_cpus_take_less_than_a_second) {
    const auto m = machine(8, 128, 2);
    const auto started = std::clock();
    const auto l = make_layout(plan_of({pool("kv", 256)}), m);
    EXPECT_LT(static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC, 1.0);
    EXPECT_EQ(l.workers.size(), 2048U);
}

}  // namespace
}  // namespace numasio::test
