// What a worker's plain malloc does, where its shards are, and what the kernel's NUMA balancing does to bound memory.
#include <numasio/affinity.hpp>
#include <numasio/node_pool.hpp>
#include <numasio/node_region.hpp>
#include <numasio/numa_balancing.hpp>
#include <numasio/sharded.hpp>
#include <numasio/topology.hpp>

#include "src/platform/linux_memory.hpp"

#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <latch>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

using namespace numasio::literals;

/// Which nodes the pages of a piece of memory are on, by the kernel; -1 for those it does not know.
std::map<int, std::size_t> nodes_of(std::byte* start, std::size_t size) {
    std::vector<void*> pages;
    for (std::size_t at = 0; at < size; at += platform::page_size()) { pages.push_back(start + at); }
    std::vector<int> status(pages.size(), -1);
    EXPECT_FALSE(platform::locate_pages(pages, status));
    std::map<int, std::size_t> found;
    for (const int node : status) { ++found[node < 0 ? -1 : node]; }
    return found;
}

/// Takes blocks by malloc, touches them, and asks the kernel about the later half: what malloc has anew. What it reuses was
/// touched before, by whichever thread, and stays where that was.
void expect_malloc_on(node_id home, std::size_t size, int count, std::vector<void*>& kept) {
    for (int i = 0; i < count; ++i) {
        auto* const block = static_cast<std::byte*>(std::malloc(size));
        ASSERT_NE(block, nullptr);
        kept.push_back(block);
        for (std::size_t at = 0; at < size; at += 1024) { block[at] = std::byte{1}; }
        if (i < count / 2) { continue; }
        const auto found = nodes_of(block, size);
        EXPECT_EQ(found.size(), 1U) << size;
        EXPECT_EQ(found.begin()->first, static_cast<int>(home.value)) << size;
    }
}

TEST(machine_threads, take_plain_malloc_from_the_node_that_their_policy_prefers) {
    const auto machine = discover_topology();
    std::latch all_done(static_cast<std::ptrdiff_t>(machine.executor_nodes().size()));
    std::vector<std::thread> workers;
    for (const node_id node : machine.executor_nodes()) {
        workers.emplace_back([&, node] {
            const node_id home = machine.nearest_memory(node).value();
            EXPECT_FALSE(pin_this_thread(machine.allowed_cpus(node)));
            EXPECT_FALSE(set_this_thread_memory(home, memory_policy::preferred));
            std::vector<void*> kept;
            expect_malloc_on(home, 3000, 2000, kept);
            expect_malloc_on(home, 100'000, 60, kept);
            expect_malloc_on(home, 8 << 20, 2, kept);
            all_done.arrive_and_wait();  // as workers do, they live side by side
            for (void* b : kept) { std::free(b); }
        });
    }
    for (auto& w : workers) { w.join(); }
}

/// The part that no other piece shares a huge page with: whose pages the kernel puts where the first one is touched.
std::span<std::byte> huge_pages_of_its_own(std::span<std::byte> piece) {
    constexpr std::size_t huge = 2 << 20;
    const auto at = reinterpret_cast<std::uintptr_t>(piece.data());
    const auto first = (at + huge - 1) / huge * huge - at;
    const auto end = (at + piece.size()) / huge * huge - at;
    return piece.subspan(first, end - first);
}

void expect_shards_on_their_nodes() {
    struct book {
        std::array<std::byte, 8 << 20> pages{std::byte{1}};
        std::vector<std::byte> heap = std::vector<std::byte>(8 << 20, std::byte{1});
    };
    const auto machine = discover_topology();
    std::vector<worker_site> sites;
    for (const node_id node : machine.executor_nodes()) {
        sites.push_back({"tasks", static_cast<std::uint32_t>(sites.size()), machine.allowed_cpus(node)[0], node, machine.nearest_memory(node).value()});
    }
    pool_plan asked;
    asked.name = "tasks";
    node_pool pool(asked, machine, sites);
    sharded<book> books(pool, shard_per::node);
    books.start();
    ASSERT_EQ(books.size(), sites.size());
    for (std::uint32_t shard = 0; shard < books.size(); ++shard) {
        const auto found = books.invoke_on(shard, [](book& b) {
            const auto nodes = [](auto& piece) {
                const auto own = huge_pages_of_its_own(piece);
                return nodes_of(own.data(), own.size());
            };
            return std::pair(nodes(b.pages), nodes(b.heap));
        }, boost::asio::use_future).get();
        const auto home = static_cast<int>(books.site_of(shard).memory_node.value);
        EXPECT_EQ(found.first.size(), 1U);
        EXPECT_EQ(found.first.begin()->first, home);
        EXPECT_EQ(found.second.size(), 1U);
        EXPECT_EQ(found.second.begin()->first, home);
    }
    books.stop();
}

TEST(machine_threads, have_the_shards_that_they_build_on_their_node) {
    // In a process of its own: here malloc gives out again what threads of other tests have touched and freed, wherever that is.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto look = [] {
        expect_shards_on_their_nodes();
        std::exit(testing::Test::HasFailure() ? 1 : 0);
    };
    EXPECT_EXIT(look(), testing::ExitedWithCode(0), "");
}

TEST(machine_threads, see_the_setting_of_numa_balancing_that_the_kernel_has) {
    std::ifstream in("/proc/sys/kernel/numa_balancing");
    std::string setting;
    in >> setting;
    const std::string expected = setting == "0" ? "off" : setting == "2" ? "tiering" : setting.empty() ? "unknown" : "on";
    EXPECT_EQ(to_string(kernel_balancing()), expected);
}

// Where the kernel balances, memory that is not bound wanders after this loop; without, nothing may move either.
TEST(machine_threads, of_another_node_that_use_bound_memory_do_not_draw_it_away) {
    using namespace std::chrono_literals;
    const auto machine = discover_topology();
    const auto nodes = machine.executor_nodes();
    region_options options;
    options.nodes = {machine.nearest_memory(nodes.front()).value()};
    options.pages = page_kind::base;
    const node_region region(4_MiB, options);
    std::thread([&] {
        const auto cpus = machine.allowed_cpus(nodes.back());
        ASSERT_FALSE(pin_this_thread(cpus));
        const auto until = std::chrono::steady_clock::now() + 4s;
        while (std::chrono::steady_clock::now() < until) {
            for (std::size_t at = 0; at < region.data().size(); at += 512) { region.data()[at] = std::byte{2}; }
        }
    }).join();
    EXPECT_EQ(region.audit().on(options.nodes.front()), region.pages());
}

}  // namespace
}  // namespace numasio::test
