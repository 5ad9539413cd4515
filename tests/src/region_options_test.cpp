// Regions made with options, on whatever machine this is: honoured only where the kernel says so, and typed where not.
#include <numasio/node_region.hpp>

#include <numasio/topology.hpp>

#include "src/node_budget.hpp"
#include "src/platform/huge_pages.hpp"
#include "src/region_setup.hpp"
#include "support/process_memory.hpp"
#include "support/sanitized.hpp"
#include "support/this_machine.hpp"

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

namespace {

using namespace numasio;
using namespace numasio::literals;
using numasio::test::memory_node;
using numasio::test::status_kib;
using numasio::test::sanitized;
using numasio::test::writable_kib;
using ::testing::HasSubstr;

region_options on(std::vector<node_id> nodes, memory_policy policy = memory_policy::bind,
                  enforcement enforce = enforcement::strict) {
    region_options options;
    options.policy = policy;
    options.nodes = std::move(nodes);
    options.enforce = enforce;
    return options;
}

/// The code that making it fails with; none where it is made.
error_code code_of(bytes size, const region_options& options, std::string* what = nullptr) {
    try {
        const node_region region(size, options);
    } catch (const boost::system::system_error& e) {
        if (what != nullptr) { *what = e.what(); }
        return e.code();
    }
    return {};
}

void write_everywhere(const node_region& region) {
    std::fill(region.data().begin(), region.data().end(), std::byte{7});
    EXPECT_EQ(std::count(region.data().begin(), region.data().end(), std::byte{7}),
              static_cast<std::ptrdiff_t>(region.data().size()));
}

constexpr node_id nowhere{4000};  // allowed in a mask, on no machine

TEST(region_options, a_region_is_touched_read_back_and_honoured_when_it_is_made) {
    for (const memory_policy policy : {memory_policy::bind, memory_policy::preferred, memory_policy::preferred_many,
                                       memory_policy::interleave}) {
        const node_region region(16_MiB, on({memory_node()}, policy));
        const region_placement& got = region.placed();
        EXPECT_EQ(got.outcome, placement_outcome::honoured) << to_text(got);
        EXPECT_TRUE(got.bound);
        EXPECT_EQ(got.policy, policy);
        EXPECT_EQ(got.audit.on(memory_node()), region.pages());
        EXPECT_TRUE(got.lost.empty());
    }
    EXPECT_EQ(node_region(1_MiB).placed().outcome, placement_outcome::not_enforced);
    node_region later(1_MiB);
    ASSERT_FALSE(later.bind(memory_node(), memory_policy::bind));
    EXPECT_EQ(to_text(later.placed()), "bind node " + std::to_string(memory_node().value) + " (not_enforced)");
}

TEST(region_options, weighted_interleave_is_had_or_is_told_to_be_interleave) {
    const node_region region(4_MiB, on({memory_node()}, memory_policy::weighted_interleave, enforcement::best_effort));
    const region_placement& got = region.placed();
    if (got.outcome == placement_outcome::honoured) {
        EXPECT_EQ(got.policy, memory_policy::weighted_interleave);
        EXPECT_FALSE(code_of(4_MiB, on({memory_node()}, memory_policy::weighted_interleave)));
    } else {
        EXPECT_EQ(got.policy, memory_policy::interleave);
        ASSERT_EQ(got.lost.size(), 1U);
        EXPECT_EQ(got.lost.front().error, errc::policy_unknown);
        EXPECT_EQ(code_of(4_MiB, on({memory_node()}, memory_policy::weighted_interleave)), errc::policy_unknown);
    }
    write_everywhere(region);
}

TEST(region_options, local_memory_is_where_the_pinned_threads_are) {
    const topology machine = discover_topology();
    region_options options = on({}, memory_policy::local);
    options.touch.cpus = machine.allowed_cpus(machine.executor_nodes().front());
    const node_region region(130_MiB, options);  // enough for two threads
    EXPECT_EQ(region.placed().outcome, placement_outcome::honoured) << to_text(region.placed());
    EXPECT_EQ(region.audit().on(memory_node()), region.pages());
}

TEST(region_options, a_node_that_is_not_there_is_an_error_also_beside_one_that_is) {
    std::string what;
    EXPECT_EQ(code_of(1_MiB, on({nowhere}), &what), boost::system::errc::invalid_argument);
    EXPECT_THAT(what, HasSubstr("bind node 4000"));
    EXPECT_THAT(what, HasSubstr("cpuset.mems"));
    for (const memory_policy policy : {memory_policy::bind, memory_policy::preferred_many, memory_policy::interleave}) {
        EXPECT_EQ(code_of(1_MiB, on({memory_node(), nowhere}, policy)), boost::system::errc::invalid_argument);
    }
    EXPECT_EQ(code_of(1_MiB, on({node_id{0xffff'ffff}})), boost::system::errc::invalid_argument);
    EXPECT_EQ(code_of(1_MiB, on({})), boost::system::errc::invalid_argument);
    EXPECT_EQ(code_of(bytes{0}, on({memory_node()})), boost::system::errc::invalid_argument);
}

TEST(region_options, best_effort_without_a_node_is_memory_all_the_same_and_says_that_it_is_not_bound) {
    const node_region region(1_MiB, on({nowhere}, memory_policy::bind, enforcement::best_effort));
    EXPECT_FALSE(region.placed().bound);
    EXPECT_EQ(region.placed().outcome, placement_outcome::degraded);
    EXPECT_THAT(to_text(region.placed()), HasSubstr("unbound"));
    write_everywhere(region);
}

TEST(region_options, huge_pages_that_are_missing_are_an_error_or_the_usual_pages_and_never_a_signal) {
    for (const auto& [kind, page] : {std::pair(page_kind::huge_2mib, 2_MiB), std::pair(page_kind::huge_1gib, 1_GiB)}) {
        const std::uint64_t there = free_huge_pages(memory_node(), page);
        const bytes size{page == 1_GiB && there == 0 ? (8_MiB).value : (there + 1) * page.value};
        region_options options = on({memory_node()});
        options.pages = kind;
        EXPECT_EQ(code_of(size, options), errc::no_huge_pages);
        if (size > 256_MiB) { continue; }  // more than small machines have
        options.enforce = enforcement::best_effort;
        const node_region region(size, options);
        EXPECT_EQ(region.placed().outcome, placement_outcome::degraded);
        EXPECT_EQ(region.placed().pages, std::nullopt);
        EXPECT_TRUE(region.placed().bound);
        EXPECT_EQ(region.audit().on(memory_node()), region.pages());
        EXPECT_THAT(to_text(region.placed()), HasSubstr("nr_hugepages"));
        write_everywhere(region);
    }
}

TEST(region_options, transparent_pages_are_advised_unless_the_machine_makes_none) {
    region_options options = on({memory_node()});
    options.pages = page_kind::transparent;
    if (platform::transparent_pages_are_off()) {
        EXPECT_EQ(code_of(8_MiB, options), errc::no_huge_pages);
    } else {
        const node_region region(8_MiB, options);
        EXPECT_EQ(region.placed().pages, page_kind::transparent);
        EXPECT_GT(region.placed().huge_share.value_or(0), 0.0);
        EXPECT_THAT(to_text(region.placed()), HasSubstr("transparent pages ("));
    }
    options.pages = page_kind::base;
    const node_region small(8_MiB, options);
    EXPECT_EQ(small.placed().pages, page_kind::base);
    EXPECT_EQ(small.placed().huge_share, std::nullopt);
    EXPECT_EQ(small.audit().asked, small.pages());
}

TEST(region_options, locked_memory_is_locked_by_the_kernels_count_and_freed_with_the_region) {
    const auto before = status_kib("VmLck");
    {
        region_options options = on({memory_node()});
        options.lock = true;
        const node_region region(2_MiB, options);
        EXPECT_TRUE(region.placed().locked);
        EXPECT_EQ(status_kib("VmLck"), before + 2048);
    }
    EXPECT_EQ(status_kib("VmLck"), before);
}

TEST(region_options, capacity_is_refused_before_the_kernel_would_kill_also_over_a_set_of_nodes) {
    std::vector<node_id> nodes;
    bytes all;
    for (const node_info& node : discover_topology().nodes) {
        if (node.memory.value == 0 || !node.memory_allowed) { continue; }
        nodes.push_back(node.id);
        all = all + node.memory;
    }
    for (const memory_policy policy : {memory_policy::bind, memory_policy::interleave}) {
        EXPECT_EQ(code_of(all, on(nodes, policy)), errc::out_of_node_memory) << to_string(policy);
    }
    EXPECT_EQ(code_of(all, on(nodes, memory_policy::bind, enforcement::best_effort)), errc::out_of_node_memory);
    EXPECT_EQ(code_of(all, on(nodes, memory_policy::preferred_many, enforcement::best_effort)), errc::out_of_node_memory);
}

TEST(region_options, a_prefault_tells_its_progress_and_ends_when_it_is_cancelled_with_nothing_left) {
    const auto before = writable_kib();
    prefault_watch watch;
    region_options options = on({memory_node()});
    options.touch.cpus = discover_topology().allowed_cpus();
    options.touch.watch = &watch;
    const bytes size{std::min((512_MiB).value, node_budget::room(memory_node()).value().value / 2)};
    std::atomic<bool> over{false};
    std::thread impatient([&] {
        while (watch.touched() < 8_MiB && !over) { std::this_thread::yield(); }
        watch.cancel();
    });
    EXPECT_EQ(code_of(size, options), boost::system::errc::operation_canceled);
    over = true;
    impatient.join();
    EXPECT_GE(watch.touched(), 8_MiB);
    EXPECT_LT(watch.touched(), size);
    // Threads' stacks stay cached, and under a sanitizer its shadow of them: at most half of the region.
    EXPECT_LT(writable_kib(), before + (sanitized ? size.value >> 11 : 32 << 10));

    prefault_watch whole;
    node_region region(20_MiB);
    ASSERT_FALSE(region.prefault({discover_topology().allowed_cpus(), &whole}));
    EXPECT_EQ(whole.touched(), 20_MiB);
    EXPECT_EQ(region.audit().unknown, 0U);
    prefault_watch never;
    never.cancel();
    EXPECT_EQ(region.prefault({{}, &never}), boost::system::errc::operation_canceled);
}

TEST(region_options, a_prefault_that_cannot_be_pinned_touches_everything_and_says_so) {
    node_region region(2_MiB);
    EXPECT_TRUE(region.prefault({{cpu_id{60'000}}, nullptr}));
    EXPECT_EQ(region.audit().unknown, 0U);
    region_options options = on({memory_node()});
    options.touch.cpus = {cpu_id{60'000}};
    EXPECT_TRUE(code_of(2_MiB, options));
    options.enforce = enforcement::best_effort;
    EXPECT_EQ(node_region(2_MiB, options).placed().outcome, placement_outcome::degraded);
}

TEST(region_options, a_migration_to_where_it_is_keeps_everything_and_one_to_nowhere_is_refused) {
    node_region region(4_MiB, on({memory_node()}, memory_policy::preferred));
    region.data()[5000] = std::byte{9};
    EXPECT_FALSE(region.migrate(memory_node()));
    EXPECT_EQ(region.placed().policy, memory_policy::preferred);
    EXPECT_EQ(region.placed().outcome, placement_outcome::honoured);
    EXPECT_EQ(region.migrate(nowhere), boost::system::errc::invalid_argument);
    EXPECT_EQ(region.placed().nodes, std::vector{memory_node()});
    EXPECT_EQ(region.data()[5000], std::byte{9});
    EXPECT_EQ(node_region().migrate(memory_node()), boost::system::errc::invalid_argument);
}

TEST(region_options, moves_carry_what_was_got) {
    node_region a(1_MiB, on({memory_node()}));
    node_region b(std::move(a));
    EXPECT_EQ(b.placed().outcome, placement_outcome::honoured);
    EXPECT_EQ(a.placed().outcome, placement_outcome::not_enforced);  // NOLINT(bugprone-use-after-move)
}

region_placement found(memory_policy policy, std::vector<node_id> nodes, std::map<node_id, std::uint64_t> pages,
                       std::uint64_t unknown = 0) {
    region_placement p;
    p.bound = true;
    p.policy = policy;
    p.nodes = std::move(nodes);
    p.pages = page_kind::base;
    p.audit.on_node = std::move(pages);
    p.audit.asked = p.audit.unknown = unknown;
    for (const auto& [node, count] : p.audit.on_node) { p.audit.asked += count; }
    return p;
}

/// Made before the library's own statics may be.
struct made_early {
    made_early() {
        region_options options;
        options.policy = memory_policy::local;
        region = node_region(bytes{1 << 20}, options);
    }
    node_region region;
};
const made_early early;

TEST(region_options, a_region_may_be_a_static_of_the_application) { EXPECT_EQ(early.region.data().size(), 1U << 20); }

TEST(region_options, an_audit_is_held_against_what_was_asked) {
    const node_id a{1};
    const node_id b{5};
    EXPECT_FALSE(judge(found(memory_policy::bind, {a}, {{a, 10}}), 4096));
    EXPECT_FALSE(judge(found(memory_policy::bind, {a, b}, {{b, 10}}), 4096));
    EXPECT_EQ(judge(found(memory_policy::preferred, {a}, {{a, 1779}, {b, 381}}), 4096), errc::pages_elsewhere);
    EXPECT_EQ(judge(found(memory_policy::bind, {a}, {{a, 9}}, 1), 4096), errc::pages_unknown);
    EXPECT_EQ(judge(found(memory_policy::bind, {a}, {}, 10), 4096), errc::pages_unknown);
    EXPECT_EQ(judge(found(memory_policy::local, {}, {{a, 9}, {b, 1}}), 4096), errc::pages_elsewhere);
    EXPECT_FALSE(judge(found(memory_policy::local, {}, {{b, 10}}), 4096));
    EXPECT_EQ(judge(found(memory_policy::local, {a}, {{b, 10}}), 4096), errc::pages_elsewhere);
    EXPECT_FALSE(judge(found(memory_policy::interleave, {a, b}, {{a, 6}, {b, 5}}), 4096));
    EXPECT_EQ(judge(found(memory_policy::interleave, {a, b}, {{a, 9}, {b, 2}}), 4096), errc::pages_elsewhere);
    EXPECT_EQ(judge(found(memory_policy::interleave, {a, b}, {{a, 2}}), 4096), errc::pages_elsewhere);
    EXPECT_FALSE(judge(found(memory_policy::weighted_interleave, {a, b}, {{a, 9}, {b, 2}}), 4096));
    EXPECT_EQ(judge(found(memory_policy::weighted_interleave, {a, b}, {{a, 4096}}), 4096), errc::pages_elsewhere);
    auto joined = found(memory_policy::interleave, {a, b}, {{a, 2048}});
    joined.pages = page_kind::transparent;  // 8 MiB on one of two nodes
    EXPECT_EQ(judge(joined, 4096), errc::pages_elsewhere);
    joined.audit.on_node = {{a, 1536}, {b, 512}};
    EXPECT_FALSE(judge(joined, 4096));
}

}  // namespace
