// What is measured is what is said to be: one cycle through all lines, every byte read, and only where nodes are real.
#include "src/memory_speed.hpp"

#include "src/memory_chase.hpp"
#include "src/platform/page_tables.hpp"

#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace numasio;
using namespace numasio::literals;
using namespace std::chrono_literals;

TEST(memory_chase, is_one_cycle_through_every_line) {
    constexpr std::size_t lines = 1000;
    alignas(64) static std::byte memory[lines * 64];
    link_lines(memory);
    std::set<const std::byte*> seen;
    const std::byte* at = memory;
    std::size_t near = 0;
    for (std::size_t i = 0; i < lines; ++i) {
        EXPECT_TRUE(seen.insert(at).second);
        const std::byte* next = nullptr;
        std::memcpy(&next, at, sizeof next);
        ASSERT_GE(next, memory);
        ASSERT_LT(next, memory + sizeof memory);
        near += next - at == 64 ? 1 : 0;
        at = next;
    }
    EXPECT_EQ(at, memory);  // back where it began, with all lines seen
    EXPECT_LT(near, lines / 50) << "a prefetcher would know the next line";
}

TEST(memory_chase, takes_about_as_long_as_it_is_given) {
    std::vector<std::byte> memory(1 << 20);
    link_lines(memory);
    const auto begin = std::chrono::steady_clock::now();
    const double ns = chase(memory, 20ms);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
    EXPECT_GT(ns, 0.1);
}

TEST(memory_chase, reads_until_it_is_told_to_stop) {
    const std::vector<std::byte> memory(1 << 20);
    std::atomic<bool> stop{false};
    std::uint64_t read = 0;
    std::thread reader([&] { read = read_until(memory, stop); });
    std::this_thread::sleep_for(20ms);
    stop = true;
    reader.join();
    EXPECT_GT(read, 0U);
    EXPECT_EQ(read_until(memory, stop), 0U);
}

TEST(memory_speed, is_refused_where_nodes_are_not_real) {
    for (const auto& machine : {simulate_nodes(discover_topology(), 1), discover_topology("synthetic:numa:2 pu:2")}) {
        try {
            measure_memory_speed(machine, {});
            ADD_FAILURE() << "measured";
        } catch (const boost::system::system_error& e) { EXPECT_EQ(e.code(), errc::not_this_machine); }
    }
}

TEST(memory_speed, has_a_cell_for_each_pair_and_tells_its_progress) {
    const auto machine = discover_topology();
    speed_options quick;
    quick.size = 2_MiB;
    quick.time = 1ms;
    std::vector<std::pair<std::size_t, std::size_t>> heard;
    const auto got = measure_memory_speed(machine, quick, [&](std::size_t done, std::size_t all) { heard.emplace_back(done, all); });
    const std::size_t pairs = machine.executor_nodes().size() * machine.nodes.size();
    ASSERT_EQ(got.cells.size(), pairs);
    ASSERT_EQ(heard.size(), pairs);
    EXPECT_EQ(heard.back(), std::pair(pairs, pairs));
    for (const auto& cell : got.cells) { EXPECT_EQ(cell.latency_ns.has_value(), cell.why.empty()) << cell.why; }
}

TEST(memory_speed, of_more_than_a_node_has_is_not_measured) {
    const auto machine = discover_topology();
    speed_options large;
    large.size = bytes{std::uint64_t{1} << 45};
    for (const auto& cell : measure_memory_speed(machine, large).cells) {
        EXPECT_FALSE(cell.latency_ns);
        EXPECT_FALSE(cell.why.empty());
    }
}

TEST(largest_cache, is_the_largest_of_a_cpus_caches) {
    const auto root = std::filesystem::temp_directory_path() / ("numasio_cache_" + std::to_string(::getpid()));
    EXPECT_FALSE(platform::largest_cache(root));
    for (const auto& [index, size] : {std::pair{0, "48K"}, std::pair{2, "2048K"}, std::pair{3, "107520K"}}) {
        const auto folder = root / "cpu0/cache" / ("index" + std::to_string(index));
        std::filesystem::create_directories(folder);
        std::ofstream(folder / "size") << size << '\n';
    }
    EXPECT_EQ(platform::largest_cache(root), bytes{std::uint64_t{107'520} << 10});
    std::filesystem::remove_all(root);
}

}  // namespace
