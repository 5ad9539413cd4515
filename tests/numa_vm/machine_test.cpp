// What holds on every machine, told by the kernel itself: nodes as sysfs shows them, bound pages where they belong,
// workers on their nodes.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "numa_vm/kernel_version.hpp"

#include "src/platform/linux_memory.hpp"
#include "src/region_setup.hpp"

#include <numasio/affinity.hpp>
#include <numasio/node_region.hpp>
#include <numasio/plan_error.hpp>
#include <numasio/sharded_counter.hpp>
#include <numasio/topology.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

namespace numasio::test {
namespace {

const std::filesystem::path sysfs = "/sys/devices/system/node";

/// The first line of a file of sysfs.
std::string line_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

std::vector<node_id> ids_of(const std::vector<node_info>& nodes, bool (*wanted)(const node_info&)) {
    std::vector<node_id> ids;
    for (const auto& n : nodes) {
        if (wanted(n)) { ids.push_back(n.id); }
    }
    return ids;
}

TEST(machine, has_the_nodes_cpus_and_memory_that_the_kernel_shows) {
    const auto machine = discover_topology();
    ASSERT_EQ(machine.origin, topology_origin::live);
    EXPECT_EQ(to_list(ids_of(machine.nodes, [](const node_info&) { return true; })), line_of(sysfs / "online"));
    EXPECT_EQ(to_list(ids_of(machine.nodes, [](const node_info& n) { return !n.cpus.empty(); })), line_of(sysfs / "has_cpu"));
    EXPECT_EQ(to_list(ids_of(machine.nodes, [](const node_info& n) { return n.memory.value != 0; })),
              line_of(sysfs / "has_memory"));
    for (const auto& n : machine.nodes) {
        EXPECT_EQ(to_list(n.cpus), line_of(sysfs / ("node" + std::to_string(n.id.value)) / "cpulist"));
    }
}

TEST(machine, has_the_distances_that_the_kernel_shows_in_both_directions) {
    const auto machine = discover_topology();
    for (const auto& from : machine.nodes) {
        std::istringstream row(line_of(sysfs / ("node" + std::to_string(from.id.value)) / "distance"));
        for (const auto& to : machine.nodes) {
            std::uint32_t value = 0;
            ASSERT_TRUE(row >> value);
            if (machine.nodes.size() == 1) { continue; }  // hwloc gives no matrix of one
            EXPECT_EQ(machine.distance(from.id, to.id), value) << from.id.value << " to " << to.id.value;
        }
    }
}

TEST(machine, finds_every_bound_page_on_the_node_that_was_asked_for) {
    for (const auto& node : discover_topology().nodes) {
        if (!node.memory_allowed) { continue; }  // outside the cpuset
        node_region region(8_MiB);
        if (node.memory.value == 0) {
            EXPECT_EQ(region.bind(node.id, memory_policy::bind), boost::system::errc::invalid_argument);
            continue;
        }
        ASSERT_FALSE(region.bind(node.id, memory_policy::bind)) << node.id.value;
        ASSERT_FALSE(region.prefault());
        const auto audit = region.audit();
        EXPECT_EQ(audit.on(node.id), region.pages()) << node.id.value;
    }
}

TEST(machine, refuses_a_region_larger_than_any_one_node_before_it_is_touched) {
    for (const auto& node : discover_topology().nodes) {
        if (node.memory.value == 0 || !node.memory_allowed) { continue; }
        node_region region(node.memory);
        EXPECT_EQ(region.bind(node.id, memory_policy::bind), errc::out_of_node_memory) << node.id.value;
    }
}

/// Says on which CPU it runs and on which node its own memory is.
struct locator {
    explicit locator(node_context& node) : memory(&node.memory()) {}
    std::uint32_t operator()(int) const { return current_cpu().value_or(cpu_id{~0U}).value; }
    std::pmr::memory_resource* memory;
};

TEST(machine, starts_strict_workers_on_every_node_each_with_memory_of_the_nearest) {
    const auto machine = discover_topology();
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = 4_MiB;
    pool.lane.capacity = 64;
    pool.enforce = enforcement::strict;
    asio::io_context io;
    bridge b{io, asked};
    auto& p = b.open<int, std::uint32_t, locator>("p");
    b.start();

    EXPECT_EQ(p.workers(), machine.executor_nodes().size());
    for (const auto& site : b.sites().workers) {
        EXPECT_EQ(site.memory_node, machine.nearest_memory(site.node));
        std::uint32_t ran_on = ~0U;
        p.async_call(p.at(site.index), 1, [&](error_code ec, std::uint32_t cpu) {
            EXPECT_FALSE(ec);
            ran_on = cpu;
        });
        io.run();
        io.restart();
        EXPECT_EQ(ran_on, site.cpu.value);
        EXPECT_EQ(machine.find(site.cpu)->node, site.node);
    }
    for (const auto& placed : b.placements()) {
        EXPECT_EQ(placed.outcome, placement_outcome::honoured) << to_text(placed);
        if (placed.pages) { EXPECT_EQ(placed.pages->on_node.size(), 1U) << to_text(placed); }
    }
    for (const auto& worker : b.status().workers) {
        EXPECT_EQ(worker.page_locality, 1.0);
        EXPECT_EQ(worker.execution_locality, 1.0);
        if (worker.site.memory_node != worker.site.node) {
            const auto placements = b.placements();
            EXPECT_THAT(placements, ::testing::Contains(::testing::Field(
                                        &placement::why, ::testing::HasSubstr("has no memory; node "))));
        }
    }
}

/// Counts, and says on which node the kernel has the pages that it counts in; negative where it does not say.
struct teller {
    explicit teller(node_context& /*node*/) { prepared = detail::row_of_this_thread != nullptr; }
    int operator()(sharded_counter* const& events) const {
        events->add();
        const std::size_t page = platform::page_size();
        std::vector<void*> pages;
        for (std::size_t at = 0; at < detail::thread_row::size; at += page) {
            pages.push_back(reinterpret_cast<std::byte*>(detail::row_of_this_thread) + at);
        }
        std::vector<int> status(pages.size(), -1);
        if (!prepared || platform::locate_pages(pages, status)) { return -1; }
        return std::ranges::count(status, status.front()) == std::ssize(status) ? status.front() : -1;
    }
    bool prepared;
};

TEST(machine, has_each_worker_count_in_pages_of_its_node_that_were_there_before_the_first_event) {
    const auto machine = discover_topology();
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = 1_MiB;
    pool.lane.capacity = 16;
    asio::io_context io;
    bridge b{io, asked};
    auto& p = b.open<sharded_counter*, int, teller>("p");
    b.start();
    sharded_counter events;
    for (const auto& site : b.sites().workers) {
        int found_on = -2;
        p.async_call(p.at(site.index), &events, [&](error_code ec, int node) {
            EXPECT_FALSE(ec);
            found_on = node;
        });
        io.run();
        io.restart();
        EXPECT_EQ(found_on, static_cast<int>(site.memory_node.value));
    }
    EXPECT_EQ(events.value(), static_cast<std::int64_t>(b.sites().workers.size()));
}

/// The placement of the first worker's service memory, and that worker's status, under a plan for its memory.
std::pair<placement, worker_status> start_with(memory_plan memory, enforcement enforce) {
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory = memory;
    pool.lane.capacity = 64;
    pool.enforce = enforce;
    asio::io_context io;
    bridge b{io, asked};
    static_cast<void>(b.open<int, std::uint32_t, locator>("p"));
    b.start();
    for (const auto& placed : b.placements()) {
        if (placed.subject == placement_subject::service_memory) { return {placed, b.status().workers.front()}; }
    }
    ADD_FAILURE() << "no placement of service memory";
    return {};
}

TEST(machine, starts_strict_workers_whose_memory_is_interleaved_over_all_nodes) {
    const std::size_t nodes = discover_topology().memory_nodes().size();
    const auto [placed, worker] = start_with({memory_policy::interleave, 4_MiB, page_kind::base}, enforcement::strict);
    EXPECT_EQ(placed.outcome, placement_outcome::honoured) << to_text(placed);
    ASSERT_TRUE(placed.pages.has_value());
    EXPECT_EQ(placed.pages->on_node.size(), nodes);
    EXPECT_DOUBLE_EQ(worker.page_locality.value_or(0), 1.0);
}

TEST(machine, gives_workers_huge_pages_or_says_that_the_nodes_have_none) {
    const auto [placed, worker] = start_with({memory_policy::bind, 2_MiB, page_kind::huge_2mib}, enforcement::best_effort);
    if (placed.outcome == placement_outcome::honoured) {
        EXPECT_THAT(placed.got, ::testing::HasSubstr("2MiB pages"));
        EXPECT_EQ(placed.pages->asked, 1U);
    } else {
        EXPECT_EQ(placed.error, errc::no_huge_pages) << to_text(placed);
        EXPECT_THROW(start_with({memory_policy::bind, 2_MiB, page_kind::huge_2mib}, enforcement::strict), plan_error);
    }
    EXPECT_EQ(worker.page_locality, 1.0);
}

/// What a check says of one strict worker on the first node; empty where nothing stands in its way.
std::string check_of(memory_plan memory) {
    asio::io_context io;
    auto asked = one_worker();
    asked.pools.front().memory = memory;
    asked.pools.front().enforce = enforcement::strict;
    bridge b{io, asked};
    b.open<int, int, incrementer>("p");
    try {
        b.check();
        return "";
    } catch (const plan_error& e) {
        return e.what();
    }
}

TEST(machine, checks_huge_pages_against_the_pool_of_the_workers_node_without_taking_any) {
    const auto machine = discover_topology();
    const auto home = machine.nearest_memory(machine.executor_nodes().front()).value();
    const auto free = free_huge_pages(home, 2_MiB);
    if (free != 0) {
        EXPECT_EQ(check_of({memory_policy::bind, bytes{free * (2ULL << 20)}, page_kind::huge_2mib}), "");
        EXPECT_EQ(free_huge_pages(home, 2_MiB), free);
    }
    EXPECT_THAT(check_of({memory_policy::bind, bytes{(free + 1) * (2ULL << 20)}, page_kind::huge_2mib}),
                ::testing::HasSubstr("1 worker finds too few pages of 2MiB: " + std::to_string(free + 1) + " needed, free: " + std::to_string(free) +
                                     " on node " + std::to_string(home.value)));
}

TEST(machine, checks_whether_its_kernel_knows_weights) {
    const auto refused = check_of({memory_policy::weighted_interleave, 4_MiB});
    if (kernel_is_at_least(6, 9)) {
        EXPECT_EQ(refused, "");
    } else {
        EXPECT_THAT(refused, ::testing::HasSubstr("weighted_interleave is not known to this kernel"));
    }
}

}  // namespace
}  // namespace numasio::test
