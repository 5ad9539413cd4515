// Regions on the real machine: bound, prefaulted, found where they were asked to be, refused where too large.
#include <numasio/node_region.hpp>

#include <numasio/topology.hpp>

#include "src/node_budget.hpp"
#include "support/this_machine.hpp"

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

namespace {

using namespace numasio;
using namespace numasio::literals;
using numasio::test::memory_node;

TEST(node_region, a_bound_and_prefaulted_region_is_on_its_node_to_the_last_page) {
    for (const memory_policy policy : {memory_policy::bind, memory_policy::preferred, memory_policy::local}) {
        node_region region(16_MiB);
        ASSERT_FALSE(region.bind(memory_node(), policy)) << to_string(policy);
        ASSERT_FALSE(region.prefault());
        const page_audit audit = region.audit();
        EXPECT_EQ(audit.asked, region.pages());
        EXPECT_EQ(audit.unknown, 0U);
        if (policy == memory_policy::bind) { EXPECT_EQ(audit.ratio(memory_node()), 1.0); }
    }
}

TEST(node_region, pages_that_were_never_touched_are_unknown_and_have_no_ratio) {
    node_region region(1_MiB);
    ASSERT_FALSE(region.bind(memory_node(), memory_policy::bind));
    const page_audit audit = region.audit();
    EXPECT_EQ(audit.asked, region.pages());
    EXPECT_EQ(audit.unknown, region.pages());
    EXPECT_EQ(audit.ratio(memory_node()), std::nullopt);
}

TEST(node_region, an_audit_looks_at_the_pages_it_is_told_to_and_at_no_others) {
    const std::size_t page = node_region(bytes{1}).data().size();
    node_region region(bytes{3000 * page});
    ASSERT_EQ(::madvise(region.data().data(), region.data().size(), MADV_NOHUGEPAGE), 0);  // or one fault brings many
    region.data()[1500 * page] = std::byte{1};  // the only page that is present
    EXPECT_EQ(region.audit(100, 0).unknown, 100U);
    EXPECT_EQ(region.audit(1, 1500).unknown, 0U);
    EXPECT_EQ(region.audit(1, 1501).unknown, 1U);
    EXPECT_EQ(region.audit().unknown, 2999U);
    EXPECT_EQ(region.audit(100, 2950).asked, 50U);
    EXPECT_EQ(region.audit(100, 3000).asked, 0U);
    EXPECT_EQ(region.audit(100, 1U << 30).asked, 0U);
}

TEST(node_region, a_region_larger_than_what_is_free_is_refused_before_it_is_touched) {
    const topology machine = discover_topology();
    const node_info* const node = machine.find(memory_node());
    ASSERT_NE(node, nullptr);
    node_region region(node->memory);  // all of the node's memory: never free while this test runs
    EXPECT_EQ(region.bind(node->id, memory_policy::bind), errc::out_of_node_memory);
    EXPECT_EQ(region.audit(4096).unknown, 4096U);
    // What may lie elsewhere is not held to this node's capacity.
    EXPECT_FALSE(region.bind(node->id, memory_policy::preferred));
}

TEST(node_region, memory_larger_than_the_machines_is_not_touched_whatever_its_policy) {
    bytes all;
    for (const node_info& node : discover_topology().nodes) { all = all + node.memory; }
    node_region unbound(all);
    EXPECT_EQ(unbound.prefault(), errc::out_of_node_memory);
    EXPECT_EQ(unbound.audit(4096).unknown, 4096U);
    ASSERT_FALSE(unbound.bind(memory_node(), memory_policy::preferred));
    EXPECT_EQ(unbound.prefault(), errc::out_of_node_memory);
    EXPECT_EQ(unbound.audit(4096).unknown, 4096U);
}

TEST(node_region, the_same_free_memory_is_not_promised_twice) {
    const topology machine = discover_topology();
    const node_info* const node = machine.find(memory_node());
    node_region first(node->memory);
    std::uint64_t most = node->memory.value;
    while (first.bind(node->id, memory_policy::bind)) {  // down to about what is free
        most -= node->memory.value / 64;
        first = node_region(bytes{most});
    }
    node_region second(bytes{most});
    node_region half(bytes{most / 2});  // half, because others take and give memory while this test runs
    EXPECT_EQ(second.bind(node->id, memory_policy::bind), errc::out_of_node_memory);
    node_region moved(std::move(first));
    EXPECT_EQ(second.bind(node->id, memory_policy::bind), errc::out_of_node_memory);
    moved = node_region();
    ASSERT_FALSE(half.bind(node->id, memory_policy::bind));
    ASSERT_FALSE(half.bind(node->id, memory_policy::bind));  // again: its own promise is not against it
    EXPECT_EQ(node_budget::promised(node->id).value, half.data().size());
    ASSERT_FALSE(half.bind(node->id, memory_policy::preferred));  // gives the promise back
    EXPECT_EQ(node_budget::promised(node->id).value, 0U);
}

TEST(node_region, regions_of_any_policy_are_promised_before_they_are_touched_and_not_afterwards) {
    const auto promised = [] { return node_budget::promised(node_budget::anywhere).value; };
    ASSERT_TRUE(node_budget::promise_anywhere((64_MiB).value));
    EXPECT_EQ(promised(), (64_MiB).value);
    std::uint64_t all = 0;
    for (const node_info& node : discover_topology().nodes) { all += node.memory.value; }
    EXPECT_FALSE(node_budget::promise_anywhere(all));
    node_budget::settle(node_budget::anywhere, (64_MiB).value);
    node_region region(10_MiB);
    ASSERT_FALSE(region.bind(memory_node(), memory_policy::preferred));
    ASSERT_FALSE(region.prefault());
    EXPECT_EQ(promised(), 0U);
}

TEST(node_region, a_promise_ends_when_the_pages_are_there) {
    const bytes before = node_budget::promised(memory_node());
    node_region region(10_MiB + bytes{4096});  // more than one step of the prefault, and not a multiple of it
    ASSERT_FALSE(region.bind(memory_node(), memory_policy::bind));
    EXPECT_EQ(node_budget::promised(memory_node()).value - before.value, region.data().size());
    ASSERT_FALSE(region.prefault());
    EXPECT_EQ(node_budget::promised(memory_node()), before);
    ASSERT_FALSE(region.prefault());
    EXPECT_EQ(node_budget::promised(memory_node()), before);
}

TEST(node_region, a_node_that_does_not_exist_is_the_kernels_errno) {
    node_region region(64_KiB);
    for (const std::uint32_t number : {63U, 64U, 1023U, 32767U, 32768U, 0xffffffffU}) {
        EXPECT_EQ(region.bind({number}, memory_policy::bind), boost::system::errc::invalid_argument) << number;
        EXPECT_EQ(region.bind({number}, memory_policy::preferred), boost::system::errc::invalid_argument) << number;
    }
}

TEST(node_region, sizes_are_rounded_up_to_whole_pages) {
    EXPECT_EQ(node_region(bytes{1}).pages(), 1U);
    const std::size_t page = node_region(bytes{1}).data().size();
    EXPECT_EQ(node_region(bytes{page}).pages(), 1U);
    EXPECT_EQ(node_region(bytes{page + 1}).pages(), 2U);
}

using range = std::pair<std::uintptr_t, std::uintptr_t>;

/// Start and end of every mapping of this process.
std::vector<range> mappings() {
    std::vector<range> ranges;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        char* end = nullptr;
        const auto start = std::strtoull(line.c_str(), &end, 16);
        ranges.emplace_back(start, std::strtoull(end + 1, nullptr, 16));
    }
    return ranges;
}

range of(const node_region& region) {
    const auto start = reinterpret_cast<std::uintptr_t>(region.data().data());
    return {start, start + region.data().size()};
}

// Mappings that touch each other become one: then a neighbour's huge page, from its own node, may reach into ours.
TEST(node_region, shares_its_mapping_with_no_neighbour_and_leaves_nothing_behind) {
    std::vector<range> ours;
    {
        std::vector<node_region> regions;
        for (const auto size : {64_KiB, 1_MiB, 2_MiB, 5_MiB, 4_KiB}) { regions.emplace_back(size); }
        const auto now = mappings();
        for (const auto& region : regions) {
            ours.push_back(of(region));
            EXPECT_EQ(std::count(now.begin(), now.end(), ours.back()), 1);
        }
        EXPECT_EQ(ours[3].first % (2U << 20), 0U);  // where the kernel's huge pages can start
    }
    for (const auto& [start, end] : mappings()) {
        for (const auto& [first, last] : ours) {
            EXPECT_TRUE(end < first || last < start) << "a region or its guard is still mapped";
        }
    }
}

TEST(node_region, a_size_that_cannot_be_mapped_throws_the_kernels_errno) {
    const auto error_of = [](std::uint64_t size) {
        try {
            const node_region region(bytes{size});
        } catch (const boost::system::system_error& e) {
            return e.code().value();
        }
        return 0;
    };
    EXPECT_EQ(error_of(0), EINVAL);
    EXPECT_EQ(error_of(1ULL << 60), ENOMEM);
    EXPECT_EQ(error_of(~0ULL), ENOMEM);
}

TEST(node_region, prefault_leaves_zeroes_and_keeps_what_was_written_before) {
    node_region region(1_MiB);
    region.data()[12345] = std::byte{7};
    ASSERT_FALSE(region.prefault());
    EXPECT_EQ(region.data()[12345], std::byte{7});
    EXPECT_EQ(std::count(region.data().begin(), region.data().end(), std::byte{0}),
              static_cast<std::ptrdiff_t>(region.data().size()) - 1);
}

TEST(node_region, moves_carry_the_mapping_and_leave_nothing_behind) {
    node_region a(64_KiB);
    const auto* const start = a.data().data();
    node_region b(std::move(a));
    EXPECT_EQ(b.data().data(), start);
    EXPECT_TRUE(a.data().empty());  // NOLINT(bugprone-use-after-move): what is left is part of the contract
    a = std::move(b);
    EXPECT_EQ(a.data().data(), start);
    EXPECT_EQ(b.pages(), 0U);  // NOLINT(bugprone-use-after-move)
    a = node_region();
    EXPECT_EQ(a.audit().asked, 0U);
    EXPECT_FALSE(a.prefault());
    EXPECT_EQ(a.bind(memory_node(), memory_policy::bind), boost::system::errc::invalid_argument);
}

}  // namespace
