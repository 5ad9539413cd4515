// What numaperf's regions do to their users, each as a promise that ours keep and that its would break.
#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

using namespace numasio;
using namespace numasio::literals;

constexpr node_id nowhere{4000};

/// The nodes with memory that are allowed, least memory first.
std::vector<node_info> memory_nodes() {
    std::vector<node_info> nodes;
    for (const auto& node : discover_topology().nodes) {
        if (node.memory.value != 0 && node.memory_allowed) { nodes.push_back(node); }
    }
    std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.memory < b.memory; });
    return nodes;
}

region_options asking(memory_policy policy, std::vector<node_id> nodes, enforcement enforce) {
    region_options options;
    options.policy = policy;
    options.nodes = std::move(nodes);
    options.enforce = enforce;
    return options;
}

std::uint64_t elsewhere(const page_audit& audit, node_id home) { return audit.asked - audit.on(home); }

void expect_usable(const node_region& region) {
    ASSERT_FALSE(region.data().empty());
    std::fill(region.data().begin(), region.data().end(), std::byte{5});
    EXPECT_EQ(std::count(region.data().begin(), region.data().end(), std::byte{5}),
              static_cast<std::ptrdiff_t>(region.data().size()));
}

// numaperf: a soft failure of mbind unmaps, and still returns the region; the first write is SIGSEGV.
TEST(numaperf_memory, a_region_whose_binding_was_refused_is_still_memory) {
    node_region region(1_MiB);
    EXPECT_TRUE(region.bind(nowhere, memory_policy::bind));
    expect_usable(region);
    const node_region soft(1_MiB, asking(memory_policy::bind, {nowhere}, enforcement::best_effort));
    EXPECT_FALSE(soft.placed().bound);
    EXPECT_NE(soft.placed().outcome, placement_outcome::honoured);
    expect_usable(soft);
}

// numaperf: a "Strict" Preferred region with 381 of 2,160 pages elsewhere.
TEST(numaperf_memory, a_preferred_region_is_audited_and_honoured_only_if_every_page_is_there) {
    const auto least = memory_nodes().front();
    for (const bytes size : {8_MiB, least.memory + 28_MiB}) {  // the second spills, where there is a node to spill to
        bool made = false;
        try {
            const node_region region(size, asking(memory_policy::preferred, {least.id}, enforcement::strict));
            made = true;
            EXPECT_EQ(elsewhere(region.audit(), least.id), 0U);
        } catch (const boost::system::system_error& e) {
            EXPECT_TRUE(e.code() == errc::pages_elsewhere || e.code() == errc::out_of_node_memory ||
                        e.code() == boost::system::errc::not_enough_memory) << e.what();
        }
        EXPECT_EQ(made, size == 8_MiB);
    }
    try {
        const node_region soft(least.memory + 28_MiB, asking(memory_policy::preferred, {least.id}, enforcement::best_effort));
        EXPECT_GT(elsewhere(soft.audit(), least.id), 0U);
        EXPECT_EQ(soft.placed().outcome, placement_outcome::degraded);
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(memory_nodes().size(), 1U) << e.what();
    }
}

// numaperf: a Local region prefaulted from threads on two nodes, and called strict.
TEST(numaperf_memory, a_local_region_is_on_one_node_or_is_not_honoured) {
    const auto machine = discover_topology();
    const auto nodes = machine.executor_nodes();
    auto options = asking(memory_policy::local, {}, enforcement::strict);
    options.touch.cpus = machine.allowed_cpus(nodes.front());
    const node_region one(160_MiB, options);
    EXPECT_EQ(one.audit().on_node.size(), 1U);
    EXPECT_EQ(one.audit().on(machine.nearest_memory(nodes.front()).value()), one.pages());

    options.touch.cpus = {machine.allowed_cpus(nodes.front()).front(), machine.allowed_cpus(nodes.back()).front()};
    options.enforce = enforcement::best_effort;
    const node_region two(160_MiB, options);
    const bool split = two.audit().on_node.size() > 1;
    EXPECT_EQ(split, machine.nearest_memory(nodes.front()) != machine.nearest_memory(nodes.back()));
    EXPECT_EQ(two.placed().outcome, split ? placement_outcome::degraded : placement_outcome::honoured);
}

// numaperf: an unknown node silently means node 0.
TEST(numaperf_memory, an_unknown_node_is_an_error_and_not_node_0) {
    node_region region(1_MiB);
    EXPECT_EQ(region.bind(nowhere, memory_policy::preferred), boost::system::errc::invalid_argument);
    EXPECT_EQ(region.migrate(nowhere), boost::system::errc::invalid_argument);
    for (const memory_policy policy : {memory_policy::bind, memory_policy::preferred, memory_policy::preferred_many,
                                       memory_policy::interleave, memory_policy::weighted_interleave}) {
        try {
            const node_region made(1_MiB, asking(policy, {nowhere}, enforcement::strict));
            ADD_FAILURE() << to_string(policy) << " of a node that is not there";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), boost::system::errc::invalid_argument) << e.what();
        }
    }
}

// numaperf: its ratio is whatever the caller reports.
TEST(numaperf_memory, a_ratio_is_the_kernels_and_absent_where_the_kernel_was_not_asked) {
    node_region region(1_MiB);
    EXPECT_EQ(region.placed().outcome, placement_outcome::not_enforced);
    EXPECT_EQ(region.placed().audit.ratio(memory_nodes().front().id), std::nullopt);
    EXPECT_EQ(region.audit().ratio(memory_nodes().front().id), std::nullopt);  // nothing was touched
}

}  // namespace
