// The start-up text: what a person must learn from it, and that it stays short.
#include <control_plane/metrics/banner.hpp>

#include "example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace numasio::detail {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

auto lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

/// The banner without the machine's own lines, which are to_text()'s business.
std::string without_machine(const test::example& e) {
    auto text = banner(e.view());
    const auto machine = to_text(e.machine);
    const auto at = text.find(machine);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, machine.size(), "MACHINE\n");
}

TEST(banner, is_the_golden_text_for_the_example) {
    test::expect_golden("two_nodes.banner", without_machine(test::two_nodes()));
}

TEST(banner, says_that_one_node_gets_no_locality) {
    const auto text = banner(test::one_node().view());
    EXPECT_THAT(text, HasSubstr("one node: numasio adds bounded hand-off and pinning here, not locality"));
    EXPECT_THAT(text, Not(HasSubstr("SIMULATED")));
    EXPECT_LE(lines_of(text), 25);
    EXPECT_THAT(banner(test::two_nodes().view()), Not(HasSubstr("one node")));
}

TEST(banner, warns_of_the_kernels_balancing_where_there_is_more_than_one_node) {
    auto e = test::two_nodes();
    EXPECT_THAT(banner(e.view()), Not(HasSubstr("NUMA balancing")));
    e.now.numa_balancing = numa_balancing_mode::on;
    EXPECT_THAT(banner(e.view()), HasSubstr("the kernel's NUMA balancing is on"));
    auto alone = test::one_node();
    alone.now.numa_balancing = numa_balancing_mode::on;
    EXPECT_THAT(banner(alone.view()), Not(HasSubstr("NUMA balancing")));
}

TEST(banner, says_simulated) {
    const auto text = banner(test::simulated().view());
    EXPECT_THAT(text, HasSubstr("SIMULATED"));
    EXPECT_LE(lines_of(text), 25);
}

TEST(banner, counts_simulated_placements_as_simulated) {
    auto e = test::simulated();
    EXPECT_THAT(banner(e.view()), HasSubstr("placements: 5, 0 not as asked, 5 simulated (nothing real to keep)\n"));
    e.now.placements[1].outcome = placement_outcome::honoured;
    e.now.placements[3].outcome = placement_outcome::degraded;
    EXPECT_THAT(banner(e.view()), HasSubstr("placements: 5, 1 not as asked, 3 simulated (nothing real to keep)\n"));
    EXPECT_THAT(banner(test::two_nodes().view()), Not(HasSubstr("simulated")));
}

TEST(banner, says_why_the_topology_is_a_fallback) {
    auto e = test::one_node();
    e.machine.origin = topology_origin::fallback;
    e.machine.source = "no sysfs here";
    EXPECT_THAT(banner(e.view()), HasSubstr("could not be discovered: no sysfs here"));
}

TEST(banner, groups_workers_and_counts_placements_on_a_large_machine) {
    auto e = test::large(8, 256);
    e.machine.distances.clear();
    const auto text = banner(e.view());
    EXPECT_LE(lines_of(text), 40);
    EXPECT_THAT(text, HasSubstr("node 3: 32 workers on CPUs 96-127"));
    EXPECT_THAT(text, HasSubstr("  256 honoured, too many to list"));
    EXPECT_THAT(text, HasSubstr("16 GiB in all"));
}

TEST(banner, spells_out_every_loss_even_where_there_is_much) {
    auto e = test::large(8, 256);
    e.now.placements[200].outcome = placement_outcome::degraded;
    e.now.placements[200].why = "the kernel moved it";
    const auto text = banner(e.view());
    EXPECT_THAT(text, HasSubstr("256, 1 not as asked"));
    EXPECT_THAT(text, HasSubstr("the kernel moved it"));
    EXPECT_THAT(text, HasSubstr("  255 honoured, too many to list"));
}

TEST(banner, tells_a_reason_once_where_a_placement_already_tells_it) {
    auto e = test::two_nodes();
    e.now.degraded = {to_text(e.now.placements[4])};
    const auto text = banner(e.view());
    EXPECT_THAT(text, HasSubstr("DEGRADED: 1 reason, see above\n"));
    EXPECT_EQ(text.find("mbind was refused"), text.rfind("mbind was refused"));
}

TEST(banner, says_that_nothing_is_placed_before_the_start) {
    auto e = test::one_node();
    e.now = {};
    EXPECT_THAT(banner(e.view()), HasSubstr("placements: none yet (not started)"));
}

}  // namespace
}  // namespace numasio::detail
