// Regions of every policy and page size on whatever nodes this machine has, told by the kernel's own list of pages.
#include "numa_vm/kernel_version.hpp"

#include <numasio/node_buffer.hpp>
#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include "src/node_budget.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/region_setup.hpp"
#include "src/share_out.hpp"

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

namespace numasio::test {
namespace {

using namespace numasio::literals;

/// Nodes that this process may have memory of.
std::vector<node_info> memory_nodes() {
    std::vector<node_info> found;
    for (const auto& node : discover_topology().nodes) {
        if (node.memory.value != 0 && node.memory_allowed) { found.push_back(node); }
    }
    return found;
}

std::vector<node_id> ids(const std::vector<node_info>& nodes) {
    std::vector<node_id> found;
    for (const auto& n : nodes) { found.push_back(n.id); }
    return found;
}

struct made {
    std::optional<node_region> region;
    error_code error;
};

made make(bytes size, const region_options& options) {
    try {
        return {node_region(size, options), {}};
    } catch (const boost::system::system_error& e) {
        return {std::nullopt, e.code()};
    }
}

region_options on(std::vector<node_id> nodes, memory_policy policy, or_auto<page_kind> pages = {},
                  enforcement enforce = enforcement::strict) {
    region_options options;
    options.policy = policy;
    options.nodes = std::move(nodes);
    options.pages = pages;
    options.enforce = enforce;
    return options;
}

TEST(bound_memory, gets_no_page_of_a_neighbour_that_is_touched_before_it_is_bound) {
    for (const auto& node : memory_nodes()) {
        for (int turn = 0; turn < 8; ++turn) {
            node_region region(1060_KiB);
            constexpr std::size_t size = 4U << 20;
            void* const neighbour = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            ASSERT_NE(neighbour, MAP_FAILED);
            std::memset(neighbour, 1, size);
            EXPECT_EQ(region.audit().unknown, region.pages()) << "touched, and nobody did";
            ASSERT_FALSE(region.bind(node.id, memory_policy::bind));
            ASSERT_FALSE(region.prefault());
            EXPECT_EQ(region.audit().on(node.id), region.pages());
            ::munmap(neighbour, size);
        }
    }
}

constexpr memory_policy policies[] = {memory_policy::bind,           memory_policy::preferred,  memory_policy::local,
                                      memory_policy::preferred_many, memory_policy::interleave, memory_policy::weighted_interleave};
constexpr or_auto<page_kind> kinds[] = {std::nullopt, page_kind::base, page_kind::transparent, page_kind::huge_2mib,
                                        page_kind::huge_1gib};

bytes size_of(or_auto<page_kind> kind) {
    if (kind == page_kind::huge_2mib) { return 2_MiB; }
    return kind == page_kind::huge_1gib ? 1_GiB : 0_KiB;
}

/// All of the region is on `nodes`, by the kernel; or the reason why not is the one that this machine has.
void expect_on(const std::vector<node_id>& nodes, bytes size, const region_options& options) {
    const std::string what = std::string(to_string(options.policy)) + " " + to_list(nodes) + " " +
                             (options.pages ? std::string(to_string(*options.pages)) : "auto");
    std::uint64_t pool = 0;
    for (const node_id n : nodes) { pool += free_huge_pages(n, size_of(options.pages)); }
    const auto got = make(size, options);
    if (options.policy == memory_policy::weighted_interleave && !kernel_is_at_least(6, 9) &&
        got.error != errc::no_huge_pages) {
        EXPECT_EQ(got.error, errc::policy_unknown) << what;
        return;
    }
    if (size_of(options.pages).value != 0) {
        if (pool == 0) {
            EXPECT_EQ(got.error, errc::no_huge_pages) << what;
            return;
        }
    }
    ASSERT_TRUE(got.region) << what << ": " << got.error.message();
    EXPECT_EQ(got.region->placed().outcome, placement_outcome::honoured) << what;
    const auto audit = got.region->audit();
    std::uint64_t there = 0;
    for (const node_id n : nodes) { there += audit.on(n); }
    EXPECT_EQ(there, got.region->pages()) << what << ": " << to_text(got.region->placed());
    EXPECT_EQ(audit.unknown, 0U) << what;
}

// As after a node came back into the cpuset: all pages are on nodes of the policy's, and too many of them on one.
TEST(shared_out_memory, is_on_every_node_again_as_it_was_for_every_page_size) {
    const auto nodes = ids(memory_nodes());
    if (nodes.size() < 2) { return; }  // on one node there is nothing to share out
    for (const auto kind : {or_auto<page_kind>(), or_auto<page_kind>(page_kind::base), or_auto<page_kind>(page_kind::transparent),
                            or_auto<page_kind>(page_kind::huge_2mib)}) {
        const std::uint64_t size = nodes.size() * (8ULL << 20);
        if (kind == page_kind::huge_2mib && free_huge_pages(nodes[0], 2_MiB) < size >> 21) { continue; }  // no room to crowd in
        auto got = make(bytes{size}, on(nodes, memory_policy::interleave, kind));
        if (got.error == errc::no_huge_pages) { continue; }  // some other node's pool is empty
        ASSERT_TRUE(got.region) << got.error.message();
        auto& region = *got.region;
        const auto wanted = region.audit();
        ASSERT_FALSE(platform::bind_pages(region.data(), std::span(nodes).first(1), memory_policy::bind, true));
        ASSERT_FALSE(platform::bind_pages(region.data(), nodes, memory_policy::interleave, true));
        const auto crowded = region.audit();
        ASSERT_EQ(crowded.on(nodes[0]), region.pages()) << "the kernel shares out what is on one of the policy's nodes by itself";

        const std::atomic<std::uint32_t> stopped{1};
        share_out(region, crowded, wanted, stopped);
        EXPECT_EQ(region.audit().on_node, crowded.on_node);

        const std::atomic<std::uint32_t> goes_on{0};
        share_out(region, crowded, wanted, goes_on);
        const auto after = region.audit();
        const std::uint64_t tolerance = !kind || kind == page_kind::transparent ? 512 : 0;  // small pages; a huge one goes whole
        for (const auto node : nodes) {
            EXPECT_NEAR(static_cast<double>(after.on(node)), static_cast<double>(wanted.on(node)), static_cast<double>(tolerance))
                << "node " << node.value << ", pages " << (kind ? to_string(*kind) : "auto");
        }
    }
}

TEST(machine_memory, is_on_its_node_to_the_last_page_for_every_policy_and_page_size) {
    const auto machine = discover_topology();
    for (const auto& node : memory_nodes()) {
        for (const auto policy : policies) {
            for (const auto kind : kinds) {
                auto options = on({node.id}, policy, kind);
                if (policy == memory_policy::local) {
                    options.touch.cpus = machine.allowed_cpus(node.id);
                    if (options.touch.cpus.empty()) { continue; }  // nobody is local to it
                }
                expect_on({node.id}, kind == page_kind::huge_1gib ? 1_GiB : 8_MiB, options);
            }
        }
    }
}

/// Of the pages that the bytes of `b` are in.
page_audit pages_of(const node_buffer& b) {
    const std::uintptr_t page = platform::page_size();
    const auto start = reinterpret_cast<std::uintptr_t>(b.data()) / page * page;
    std::vector<void*> pages;
    for (auto at = start; at < reinterpret_cast<std::uintptr_t>(b.end()); at += page) { pages.push_back(reinterpret_cast<void*>(at)); }
    std::vector<int> status(pages.size());
    EXPECT_FALSE(platform::locate_pages(pages, status));
    page_audit found;
    for (const int s : status) { s < 0 ? ++found.unknown : ++found.on_node[node_id{static_cast<std::uint32_t>(s)}]; }
    found.asked = pages.size();
    return found;
}

TEST(machine_memory, of_buffers_is_on_the_node_that_they_were_asked_for_and_stays_there) {
    for (const auto& node : memory_nodes()) {
        node_buffers from(4_MiB, node.id);
        EXPECT_EQ(from.placed().outcome, placement_outcome::honoured);
        std::vector<node_buffer> taken;
        while (auto b = from.try_take(100'000)) { taken.push_back(std::move(b)); }
        EXPECT_GE(taken.size(), 40U);
        for (const auto& b : taken) {
            const auto before = pages_of(b);
            EXPECT_EQ(before.on(node.id), before.asked) << node.id.value;
            std::fill(b.begin(), b.end(), std::byte{1});  // on whatever node this thread runs
            EXPECT_EQ(pages_of(b).on(node.id), before.asked) << node.id.value;
        }
        const auto all = from.audit();
        EXPECT_EQ(all.on(node.id), all.asked) << to_text(from.placed());
    }
}

TEST(machine_memory, of_a_set_of_nodes_is_on_these_and_interleaved_memory_evenly) {
    const auto nodes = ids(memory_nodes());
    for (const auto policy : {memory_policy::bind, memory_policy::preferred_many, memory_policy::interleave,
                              memory_policy::weighted_interleave}) {
        expect_on(nodes, 8_MiB, on(nodes, policy, page_kind::base));
    }
    const auto got = make(8_MiB, on(nodes, memory_policy::interleave, page_kind::base));
    ASSERT_TRUE(got.region);
    for (const node_id n : nodes) {
        EXPECT_NEAR(static_cast<double>(got.region->audit().on(n)),
                    static_cast<double>(got.region->pages()) / static_cast<double>(nodes.size()), 1);
    }
}

TEST(machine_memory, that_no_node_has_is_refused_and_nobody_is_killed) {
    const auto nodes = memory_nodes();
    for (const auto& node : nodes) {
        for (const auto enforce : {enforcement::strict, enforcement::best_effort}) {
            EXPECT_EQ(make(node.memory, on({node.id}, memory_policy::bind, {}, enforce)).error, errc::out_of_node_memory);
        }
    }
    bytes all;
    for (const auto& node : nodes) { all = all + node.memory; }
    for (const auto policy : {memory_policy::bind, memory_policy::preferred_many, memory_policy::interleave}) {
        EXPECT_EQ(make(all, on(ids(nodes), policy)).error, errc::out_of_node_memory) << to_string(policy);
    }
}

TEST(machine_memory, preferred_and_larger_than_its_node_reports_its_spill) {
    auto nodes = memory_nodes();
    const auto least = *std::min_element(nodes.begin(), nodes.end(),
                                         [](const auto& a, const auto& b) { return a.memory < b.memory; });
    const bytes size = least.memory + 28_MiB;  // 540 MiB for a node of 512
    const auto loose = on({least.id}, memory_policy::preferred, page_kind::base, enforcement::best_effort);
    if (node_budget::room_in_all() < size + 64_MiB) {
        const auto refused = make(size, loose).error;  // nowhere to spill to: here, or already by mmap
        EXPECT_TRUE(refused == errc::out_of_node_memory || refused == boost::system::errc::not_enough_memory) << refused;
        return;
    }
    {
        const auto got = make(size, loose);
        ASSERT_TRUE(got.region) << got.error.message();
        const auto& placed = got.region->placed();
        const auto audit = got.region->audit();
        EXPECT_EQ(placed.outcome, placement_outcome::degraded) << to_text(placed);
        ASSERT_FALSE(placed.lost.empty());
        EXPECT_EQ(placed.lost.back().error, errc::pages_elsewhere);
        EXPECT_GE(audit.asked - audit.on(least.id), (28_MiB).value / 4096);
        EXPECT_EQ(audit.unknown, 0U);
        EXPECT_NEAR(placed.audit.ratio(least.id).value(), audit.ratio(least.id).value(), 0.01);
    }
    EXPECT_EQ(make(size, on({least.id}, memory_policy::preferred, page_kind::base)).error, errc::pages_elsewhere);
}

TEST(machine_memory, of_huge_pages_beyond_the_nodes_pool_is_an_error_or_usual_pages_and_never_a_signal) {
    for (const auto& node : memory_nodes()) {
        const bytes size{(free_huge_pages(node.id, 2_MiB) + 1) << 21};
        auto options = on({node.id}, memory_policy::bind, page_kind::huge_2mib);
        EXPECT_EQ(make(size, options).error, errc::no_huge_pages);
        options.enforce = enforcement::best_effort;
        const auto got = make(size, options);
        ASSERT_TRUE(got.region) << got.error.message();
        std::fill(got.region->data().begin(), got.region->data().end(), std::byte{1});
        EXPECT_EQ(got.region->placed().pages, std::nullopt);
        EXPECT_EQ(got.region->placed().lost.front().error, errc::no_huge_pages);
        EXPECT_EQ(got.region->audit().on(node.id), got.region->pages());
        // With some of the pool taken, what is left is what counts.
        const auto first = make(2_MiB, on({node.id}, memory_policy::bind, page_kind::huge_2mib));
        if (first.region) {
            EXPECT_EQ(make(bytes{size.value - (2_MiB).value}, on({node.id}, memory_policy::bind, page_kind::huge_2mib)).error,
                      errc::no_huge_pages);
        }
    }
}

TEST(machine_memory, migrates_to_every_other_node_with_its_bytes_and_the_audit_confirms_it) {
    const auto nodes = memory_nodes();
    for (const auto& from : nodes) {
        for (const auto& to : nodes) {
            auto got = make(6_MiB, on({from.id}, memory_policy::bind));
            ASSERT_TRUE(got.region) << got.error.message();
            got.region->data()[12345] = std::byte{42};
            EXPECT_FALSE(got.region->migrate(to.id)) << from.id.value << " to " << to.id.value;
            EXPECT_EQ(got.region->audit().on(to.id), got.region->pages());
            EXPECT_EQ(got.region->placed().nodes, std::vector{to.id});
            EXPECT_EQ(got.region->placed().outcome, placement_outcome::honoured);
            EXPECT_EQ(got.region->data()[12345], std::byte{42});
            // A node that cannot take it leaves it where it is.
            auto large = make(6_MiB, on({from.id}, memory_policy::bind, page_kind::huge_2mib));
            if (!large.region) { continue; }
            const error_code moved = large.region->migrate(to.id);
            EXPECT_TRUE(!moved || moved == errc::no_huge_pages) << moved.message();
            EXPECT_EQ(large.region->audit().on(moved ? from.id : to.id), large.region->pages());
        }
    }
}

/// Runs `body` in a process of its own as an ordinary user, with at most 64 KiB of locked memory; its result is the status.
int as_ordinary_user(const std::function<bool()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{64 << 10, 64 << 10};
        const bool ready = ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && (::getuid() != 0 || ::setuid(1000) == 0);
        ::_exit(ready && body() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

TEST(machine_memory, beyond_the_limit_of_locked_memory_degrades_or_is_an_error_for_an_ordinary_user) {
    const auto node = memory_nodes().front().id;
    EXPECT_EQ(as_ordinary_user([&] {
        auto options = on({node}, memory_policy::bind);
        options.lock = true;
        const auto refused = make(1_MiB, options);
        options.enforce = enforcement::best_effort;
        const auto got = make(1_MiB, options);
        return !refused.region && refused.error == boost::system::errc::not_enough_memory && got.region &&
               !got.region->placed().locked && got.region->placed().bound &&
               got.region->placed().lost.front().step == "mlock" && got.region->audit().on(node) == got.region->pages();
    }), 0);
}

TEST(machine_memory, is_bound_touched_and_found_by_an_ordinary_user_as_by_root) {
    for (const auto& node : memory_nodes()) {
        EXPECT_EQ(as_ordinary_user([&] {
            auto got = make(1_MiB, on({node.id}, memory_policy::bind));
            return got.region && got.region->placed().outcome == placement_outcome::honoured && !got.region->migrate(node.id);
        }), 0) << node.id.value;
    }
}

}  // namespace
}  // namespace numasio::test
