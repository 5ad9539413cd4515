// make_layout: what a machine cannot give, and what no machine can, with key, fault and remedy.
#include "control_plane/bridge/layout_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

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

plan dropping(std::uint32_t capacity, std::uint32_t keep) {
    auto out = plan_of({pool("kv")});
    out.pools[0].lane.capacity = capacity;
    out.pools[0].lane.full = when_full::drop_oldest;
    out.pools[0].lane.keep = keep;
    return out;
}

INSTANTIATE_TEST_SUITE_P(
    machines, layout_refusal,
    testing::Values(
        refusal{"unknown_node", on_nodes({{0}, {7}}), machine(2, 2), "pools.kv.nodes", "node 7 does not exist",
                "nodes among 0-1"},
        refusal{"memory_node", on_nodes({{9}}), with_memory_node(machine(2, 2)), "pools.kv.nodes",
                "node 9 has memory but no CPUs", "nodes among 0-1"},
        refusal{"node_outside_the_cpuset", on_nodes({{1}}), without(machine(2, 2), {2, 3}), "pools.kv.nodes",
                "node 1 has no CPU that this process may use", "nodes among 0"},
        refusal{"no_node", on_nodes({}), machine(2, 2), "pools.kv.nodes", "names no node", "nodes among 0-1"},
        refusal{"missing_cpus", plan_of({pinned("kv", {{1}, {4}, {5}})}), machine(2, 2), "pools.kv.cpus",
                "CPUs 4-5 are not on this machine", "CPUs among 0-3"},
        refusal{"refused_cpu", plan_of({pinned("kv", {{2}})}), without(machine(2, 2), {2}), "pools.kv.cpus",
                "CPU 2 is not allowed to this process", "CPUs among 0-1,3"},
        refusal{"no_cpu", plan_of({pinned("kv", {})}), machine(1, 2), "pools.kv.cpus", "names no CPU", "CPUs among 0-1"},
        refusal{"missing_control_cpu", controlled_by({{9}}), machine(1, 2), "control.cpus",
                "CPU 9 is not on this machine", "CPUs among 0-1"},
        refusal{"cpu_of_another_node", pinned_on({{0}, {3}}, {{0}}), machine(2, 2), "pools.kv.cpus",
                "CPU 3 is on node 1", "CPUs among the pool's nodes 0"},
        refusal{"node_without_a_named_cpu", pinned_on({{0}}, {{0}, {1}}), machine(2, 2), "pools.kv.cpus",
                "names no CPU of node 1", "a CPU on each of the pool's nodes"},
        refusal{"too_many_workers", plan_of({pool("kv", 3)}), without(machine(1, 3), {1}),
                "pools.kv.workers_per_node", "3 workers for 2 CPUs (0,2) of node 0",
                "at most one worker for each CPU"},
        refusal{"two_pools_on_one_cpu", plan_of({pinned("a", {{1}}), pinned("b", {{1}, {2}})}), machine(1, 3),
                "pools.b.cpus", "CPU 1 is pinned by pool a already", "a CPU for one pool only"},
        refusal{"keeps_all", dropping(64, 64), machine(2, 2), "pools.kv.lane.keep",
                "a lane of 64 places keeps as many: nothing would ever be dropped", "less than pools.kv.lane.capacity"},
        refusal{"too_many_pretend_nodes", simulating(5), machine(2, 2), "simulate_nodes",
                "5 pretend nodes, and this process may use 4 CPUs",
                "a whole number from 0 to 1024, at most one for each CPU that this process may use"}));

TEST(layout, a_machine_without_a_cpu_for_this_process_is_refused) {
    const auto problems = problems_of(plan_of({pool("kv")}), without(machine(1, 2), {0, 1}));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "this process may use no CPU of this machine");
}

struct wrong_value {
    const char* promise;
    std::function<void(plan&)> spoil;
    const char* text;
};

void PrintTo(const wrong_value& w, std::ostream* out) { *out << w.promise; }

class plan_in_code : public testing::TestWithParam<wrong_value> {};

TEST_P(plan_in_code, is_refused_with_key_expectation_and_remedy) {
    auto asked = plan_of({pool("kv")});
    GetParam().spoil(asked);
    const auto problems = problems_of(asked, machine(1, 4));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(to_text(problems[0]), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    values, plan_in_code,
    testing::Values(
        wrong_value{"no_capacity", [](plan& p) { p.pools[0].lane.capacity = 0; },
                    "pools.kv.lane.capacity: 0 is too small; expected a whole number from 1 to 1048576 (the default "
                    "is 1024)"},
        wrong_value{"no_producers", [](plan& p) { p.pools[0].lane.producers = 0; },
                    "pools.kv.lane.producers: 0 is too small; expected a whole number from 1 to 1024 (the default is "
                    "4)"},
        wrong_value{"no_memory", [](plan& p) { p.pools[0].memory.per_worker = {0}; },
                    "pools.kv.memory.per_worker: 0B is too small; expected a size from 1MiB to 16TiB, as 256MiB or "
                    "1.5GiB (the default is 64MiB)"},
        wrong_value{"too_much_memory", [](plan& p) { p.pools[0].memory.per_worker = {(1ULL << 44) + 1}; },
                    "pools.kv.memory.per_worker: 16.0TiB (17592186044417B) is too large; expected a size from 1MiB "
                    "to 16TiB, as 256MiB or 1.5GiB (the default is 64MiB)"},
        wrong_value{"no_worker", [](plan& p) { p.pools[0].workers_per_node = 0; },
                    "pools.kv.workers_per_node: 0 is too small; expected auto or a whole number from 1 to 4096 (the "
                    "default is auto)"},
        wrong_value{"quantile_of_two", [](plan& p) { p.pools[0].slo = slo_plan{2, 1ms}; },
                    "pools.kv.slo.quantile: 2 is out of range; expected a number above 0 and below 1, as 0.99 (the "
                    "default is 0.99)"},
        wrong_value{"quantile_that_is_no_number",
                    [](plan& p) { p.pools[0].slo = slo_plan{std::numeric_limits<double>::quiet_NaN(), 1ms}; },
                    "pools.kv.slo.quantile: nan is out of range; expected a number above 0 and below 1, as 0.99 (the "
                    "default is 0.99)"},
        wrong_value{"target_of_nothing", [](plan& p) { p.pools[0].slo = slo_plan{0.99, 0ns}; },
                    "pools.kv.slo.target: 0s is too small; expected a duration from 1us to 60s, as 20us, 1.5ms or 5s "
                    "(the default is 1ms)"},
        wrong_value{"negative_drain", [](plan& p) { p.drain = -5ms; },
                    "drain: -5ms is negative; expected a duration from 0s to 3600s, as 20us, 1.5ms or 5s (the default "
                    "is 5s)"},
        wrong_value{"most_negative_drain", [](plan& p) { p.drain = std::chrono::nanoseconds::min(); },
                    "drain: -9223372036.8s (9223372036854775808ns) is negative; expected a duration from 0s to 3600s, "
                    "as 20us, 1.5ms or 5s (the default is 5s)"},
        wrong_value{"long_spin", [](plan& p) { p.pools[0].idle.spin = 11ms; },
                    "pools.kv.idle.spin: 11ms is too large; expected a duration from 0s to 10ms, as 20us or 1.5ms "
                    "(the default is 20us)"},
        wrong_value{"strategy_that_is_none", [](plan& p) { p.pools[0].idle.strategy = static_cast<idle_strategy>(9); },
                    "pools.kv.idle.strategy: is none of its values; expected busy_spin, spin_then_park, park, caller_drives (the "
                    "default is spin_then_park)"},
        wrong_value{"empty_pool_name", [](plan& p) { p.pools[0].name.clear(); },
                    "pools.\"\": is not a name; expected a letter or _, then letters, digits, _ or -, 32 characters "
                    "at most (choose another name)"},
        wrong_value{"odd_pool_name", [](plan& p) { p.pools[0].name = "a\n{x=\"1\"}"; },
                    "pools.\"a?{x=\"1\"}\": is not a name; expected a letter or _, then letters, digits, _ or -, 32 "
                    "characters at most (choose another name)"},
        wrong_value{"same_pool_twice", [](plan& p) { p.pools.push_back(p.pools[0]); },
                    "pools.kv: is given twice; expected each key once (give each a name of its own)"},
        wrong_value{"no_pool", [](plan& p) { p.pools.clear(); },
                    "pools: names nothing; expected a section of 1 to 256 names with their settings (add one)"},
        wrong_value{"node_twice", [](plan& p) { p.pools[0].nodes = {{node_id{0}, node_id{0}}}; },
                    "pools.kv.nodes: 0 is named twice; expected each number once (leave it out)"},
        wrong_value{"control_cpu_twice", [](plan& p) { p.control.cpus = {{cpu_id{1}, cpu_id{1}}}; },
                    "control.cpus: 1 is named twice; expected each number once (leave it out)"},
        wrong_value{"same_listener_twice",
                    [](plan& p) { p.listeners = {{"a", "127.0.0.1", 1}, {"a", "127.0.0.1", 2}}; },
                    "listeners.a: is given twice; expected each key once (give each a name of its own)"},
        wrong_value{"listener_without_name", [](plan& p) { p.listeners = {{"", "127.0.0.1", 1}}; },
                    "listeners.\"\": is not a name; expected a letter or _, then letters, digits, _ or -, 32 "
                    "characters at most (choose another name)"},
        wrong_value{"listener_on_a_host_name", [](plan& p) { p.listeners = {{"a", "localhost", 1}}; },
                    "listeners.a: \"localhost\" is no numeric address; expected an IPv4 or IPv6 address, as 127.0.0.1 "
                    "or ::1 (did you mean 127.0.0.1?)"},
        wrong_value{"pretend_nodes_beyond_range_and_machine", [](plan& p) { p.simulate_nodes = 2'000; },
                    "simulate_nodes: 2000 pretend nodes, and this process may use 4 CPUs; expected a whole number from "
                    "0 to 1024, at most one for each CPU that this process may use (take 4 or fewer)"}));

TEST(layout, pretend_nodes_beyond_the_range_are_refused_on_a_machine_with_more_cpus_too) {
    auto asked = plan_of({pool("kv")});
    asked.simulate_nodes = 1'025;
    const auto problems = problems_of(asked, machine(1, 1'100));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(to_text(problems[0]),
              "simulate_nodes: 1025 is too large; expected a whole number from 0 to 1024, at most one for each CPU "
              "that this process may use (0 takes the machine's own nodes)");
}

TEST(layout, everything_that_is_wrong_is_told_at_once) {
    auto asked = plan_of({pool("kv", 9), pool("a b"), pool("kv", 0)});
    asked.drain = -1s;
    asked.simulate_nodes = 9;
    asked.pools[0].nodes = {{node_id{5}, node_id{0}}};
    asked.pools[0].lane = {0, 2'000, when_full::reject};
    std::string keys;
    for (const auto& problem : problems_of(asked, machine(1, 2))) { keys += problem.key + "\n"; }
    EXPECT_EQ(keys, "drain\npools.kv.lane.capacity\npools.kv.lane.producers\npools.\"a b\"\npools.kv\n"
                    "pools.kv.workers_per_node\nsimulate_nodes\npools.kv.nodes\n");
}

TEST(layout, problems_stand_where_the_key_stood_unless_its_value_was_changed) {
    auto p = plan_of({pool("kv", 9)});
    p.pools[0].nodes = {{node_id{5}}};
    p.simulate_nodes = 9;
    p.pools[0].lane.capacity = 0;
    p.marks["pools"] = {"risk.yaml", 3, 1};
    p.marks["pools.kv"] = {"risk.yaml", 4, 3};
    p.marks["pools.kv.nodes"] = {"risk.yaml", 6, 5, "5"};
    p.marks["pools.kv.lane.capacity"] = {"risk.yaml", 7, 5, "1024"};
    const auto problems = problems_of(p, machine(1, 2));
    ASSERT_EQ(problems.size(), 3U);
    EXPECT_EQ(to_text(problems[0]),
              "pools.kv.lane.capacity: 0 is too small (set in code or on the command line); expected a whole number "
              "from 1 to 1048576 (the default is 1024)");
    EXPECT_EQ(to_text(problems[1]),
              "simulate_nodes: 9 pretend nodes, and this process may use 2 CPUs (set in code or on the command line); "
              "expected a whole number from 0 to 1024, at most one for each CPU that this process may use (take 2 or "
              "fewer)");
    EXPECT_EQ(to_text(problems[2]), "risk.yaml:6:5: pools.kv.nodes: node 5 does not exist; expected nodes among 0");
}

}  // namespace
}  // namespace numasio::test
