// make_layout: who gets which CPU on which machine, and what a machine cannot give.
#include <numasio/layout.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <set>

namespace numasio {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// `nodes` nodes of `cores` cores with `threads` hardware threads; siblings are numbered as on most x86
/// machines: all first threads, then all second ones.
topology machine(std::uint32_t nodes, std::uint32_t cores, std::uint32_t threads = 1) {
    topology out;
    out.origin = topology_origin::synthetic;
    out.nodes.resize(nodes);
    for (std::uint32_t n = 0; n < nodes; ++n) {
        out.nodes[n].id = {n};
        out.nodes[n].memory = {1ULL << 30};
    }
    for (std::uint32_t id = 0; id < nodes * cores * threads; ++id) {
        cpu_info cpu;
        cpu.id = {id};
        cpu.core = id % (nodes * cores);
        cpu.node = {cpu.core / cores};
        cpu.smt_index = id / (nodes * cores);
        out.nodes[cpu.node.value].cpus.push_back(cpu.id);
        out.cpus.push_back(cpu);
    }
    return out;
}

pool_plan pool(std::string name, or_auto<std::uint32_t> workers = {}) {
    pool_plan out;
    out.name = std::move(name);
    out.workers_per_node = workers;
    return out;
}

pool_plan pinned(std::string name, std::vector<cpu_id> cpus) {
    pool_plan out;
    out.name = std::move(name);
    out.cpus = std::move(cpus);
    return out;
}

plan plan_of(std::vector<pool_plan> pools) {
    plan out;
    out.pools = std::move(pools);
    return out;
}

/// "kv/0@1 kv/1@2": each worker and its CPU.
std::string sites(const layout& l) {
    std::string out;
    for (const auto& w : l.workers) {
        out += (out.empty() ? "" : " ") + w.pool + "/" + std::to_string(w.index) + "@" + std::to_string(w.cpu.value);
    }
    return out;
}

std::vector<plan_problem> problems_of(const plan& asked, const topology& on) {
    try {
        make_layout(asked, on);
    } catch (const plan_error& e) { return e.problems(); }
    return {};
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

struct refusal {
    const char* promise;
    plan asked;
    topology on;
    const char* key;
    const char* what;
    const char* expected;
};

void PrintTo(const refusal& r, std::ostream* out) { *out << r.promise; }

class layout_refusal : public testing::TestWithParam<refusal> {};

TEST_P(layout_refusal, names_key_fault_and_remedy) {
    const auto& r = GetParam();
    const auto problems = problems_of(r.asked, r.on);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].key, r.key);
    EXPECT_EQ(problems[0].what, r.what);
    EXPECT_EQ(problems[0].expected, r.expected);
    EXPECT_TRUE(problems[0].where.file.empty());  // a plan built in code has no places
}

plan on_nodes(std::vector<node_id> nodes) {
    auto out = plan_of({pool("kv")});
    out.pools[0].nodes = std::move(nodes);
    return out;
}

plan simulating(std::uint32_t nodes) {
    auto out = plan_of({pool("kv")});
    out.simulate_nodes = nodes;
    return out;
}

plan controlled_by(std::vector<cpu_id> cpus) {
    auto out = plan_of({pool("kv")});
    out.control.cpus = std::move(cpus);
    return out;
}

topology without(topology m, std::vector<std::uint32_t> refused) {
    for (const auto id : refused) { m.cpus[id].allowed = false; }
    return m;
}

topology with_memory_node(topology m) {
    m.nodes.push_back({{9}, {}, {1ULL << 30}, {}, true});
    return m;
}

plan pinned_on(std::vector<cpu_id> cpus, std::vector<node_id> nodes) {
    auto out = plan_of({pinned("kv", std::move(cpus))});
    out.pools[0].nodes = std::move(nodes);
    return out;
}

INSTANTIATE_TEST_SUITE_P(
    machines, layout_refusal,
    testing::Values(
        refusal{"unknown_node", on_nodes({{0}, {7}}), machine(2, 2), "pools.kv.nodes", "node 7 does not exist",
                "nodes of 0-1"},
        refusal{"memory_node", on_nodes({{9}}), with_memory_node(machine(2, 2)), "pools.kv.nodes",
                "node 9 has memory but no CPUs", "nodes of 0-1"},
        refusal{"node_outside_the_cpuset", on_nodes({{1}}), without(machine(2, 2), {2, 3}), "pools.kv.nodes",
                "node 1 has no CPU that this process may use", "nodes of 0"},
        refusal{"node_twice", on_nodes({{1}, {1}}), machine(2, 2), "pools.kv.nodes", "node 1 is named twice",
                "nodes of 0-1"},
        refusal{"no_node", on_nodes({}), machine(2, 2), "pools.kv.nodes", "names no node", "nodes of 0-1"},
        refusal{"missing_cpus", plan_of({pinned("kv", {{1}, {4}, {5}})}), machine(2, 2), "pools.kv.cpus",
                "CPUs 4-5 are not on this machine", "CPUs of 0-3"},
        refusal{"refused_cpu", plan_of({pinned("kv", {{2}})}), without(machine(2, 2), {2}), "pools.kv.cpus",
                "CPU 2 is not allowed to this process", "CPUs of 0-1,3"},
        refusal{"no_cpu", plan_of({pinned("kv", {})}), machine(1, 2), "pools.kv.cpus", "names no CPU", "CPUs of 0-1"},
        refusal{"missing_control_cpu", controlled_by({{9}}), machine(1, 2), "control.cpus",
                "CPU 9 is not on this machine", "CPUs of 0-1"},
        refusal{"cpu_of_another_node", pinned_on({{0}, {3}}, {{0}}), machine(2, 2), "pools.kv.cpus",
                "CPU 3 is on node 1", "CPUs of the pool's nodes 0"},
        refusal{"node_without_a_named_cpu", pinned_on({{0}}, {{0}, {1}}), machine(2, 2), "pools.kv.cpus",
                "names no CPU of node 1", "a CPU on each of the pool's nodes"},
        refusal{"too_many_workers", plan_of({pool("kv", 3)}), without(machine(1, 3), {1}),
                "pools.kv.workers_per_node", "3 workers for the 2 CPUs (0,2) of node 0",
                "at most one worker for each CPU"},
        refusal{"no_worker", plan_of({pool("kv", 0)}), machine(1, 3), "pools.kv.workers_per_node", "is 0",
                "at least one worker"},
        refusal{"two_pools_on_one_cpu", plan_of({pinned("a", {{1}}), pinned("b", {{1}, {2}})}), machine(1, 3),
                "pools.b.cpus", "CPU 1 is pinned by pool a already", "a CPU for one pool only"},
        refusal{"same_pool_twice", plan_of({pool("a"), pool("a")}), machine(1, 3), "pools.a", "is given twice",
                "each pool once"},
        refusal{"no_pool", plan_of({}), machine(1, 3), "pools", "names no pool", "at least one pool"},
        refusal{"too_many_pretend_nodes", simulating(5), machine(2, 2), "simulate_nodes",
                "5 pretend nodes over 4 CPUs", "a number from 0 to 4, one CPU or more for each node"}));

TEST(layout, a_machine_without_a_cpu_for_this_process_is_refused) {
    const auto problems = problems_of(plan_of({pool("kv")}), without(machine(1, 2), {0, 1}));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "this process may use no CPU of this machine");
}

TEST(layout, problems_stand_where_the_key_or_the_section_around_it_stood) {
    auto p = plan_of({pool("kv", 9)});
    p.pools[0].nodes = {{node_id{5}}};
    p.marks["pools"] = {"risk.yaml", 3, 1};
    p.marks["pools.kv"] = {"risk.yaml", 4, 3};
    p.marks["pools.kv.nodes"] = {"risk.yaml", 6, 5};
    p.simulate_nodes = 9;
    const auto problems = problems_of(p, machine(1, 2));
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(to_text(problems[0]),
              "risk.yaml:1:1: simulate_nodes: 9 pretend nodes over 2 CPUs; expected a number from 0 to 2, "
              "one CPU or more for each node");
    EXPECT_EQ(to_text(problems[1]), "risk.yaml:6:5: pools.kv.nodes: node 5 does not exist; expected nodes of 0");
}

}  // namespace
}  // namespace numasio
