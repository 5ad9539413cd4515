// What users of numaperf got where work runs, and what users get here.
// Held on whatever machine runs it: this one by ctest, those with many nodes by ./dev check numa-vm. Two of its users' troubles
// are times, and so benchmarks here: counting (bench/hot_path/bench_counter.cpp) and waking an idle worker (bench/bridge/bench_idle.cpp).
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/threads.hpp"
#include "support/time_given.hpp"

#include <numasio/affinity.hpp>

#include <gmock/gmock.h>
#include <numaif.h>

#include <memory>
#include <string>
#include <vector>

namespace numasio::test {
namespace {

/// A worker on each node, strict, with room for `calls` at once.
plan on_every_node(std::uint32_t calls = 1024) {
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = 4_MiB;
    pool.lane.capacity = calls;
    pool.enforce = enforcement::strict;
    return asked;
}

struct where {
    explicit where(node_context&) {}
    std::uint32_t operator()(int) const { return current_cpu().value_or(cpu_id{~0U}).value; }
};

/// 20,000 tasks submitted to node 0: 10,059 of them ran on node 1 (and with sparse node ids some were lost).
TEST(unlike_numaperf, every_task_runs_on_the_node_it_was_sent_to_and_none_is_lost) {
    asio::io_context io;
    bridge b{io, on_every_node()};
    auto& p = b.open<int, std::uint32_t, where>("p");
    b.start();
    constexpr std::size_t tasks = 20'000;
    for (const auto& site : b.sites().workers) {
        std::size_t at_home = 0;
        std::size_t answered = 0;
        for (std::size_t sent = 0; sent < tasks;) {
            p.async_call(p.at(site.index), 1, [&](error_code ec, std::uint32_t cpu) {
                ASSERT_FALSE(ec);
                const auto* ran = b.machine().find(cpu_id{cpu});
                at_home += ran != nullptr && ran->node == site.node;
                ++answered;
            });
            if (++sent % 1000 == 0) {
                io.restart();
                io.run();
            }
        }
        EXPECT_EQ(answered, tasks);
        EXPECT_EQ(at_home, tasks) << "node " << site.node.value;
    }
    EXPECT_EQ(sum(b.status(), &lane_status::offered), tasks * b.sites().workers.size());
    EXPECT_EQ(sum(b.status(), &lane_status::delivered), tasks * b.sites().workers.size());
}

/// An unknown node silently meant node 0.
TEST(unlike_numaperf, an_unknown_node_is_an_error_that_names_it) {
    const auto machine = discover_topology();
    auto asked = on_every_node();
    asked.pools.front().nodes = {node_id{machine.nodes.back().id.value + 1}};
    asio::io_context io;
    try {
        bridge b{io, asked};
        FAIL() << "an unknown node was accepted";
    } catch (const plan_error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr("node " + std::to_string(machine.nodes.back().id.value + 1)));
    }
}

/// Holds a block of its worker's memory for the test to ask about.
struct shard {
    static constexpr std::size_t size = 1U << 20;
    explicit shard(node_context& node) : memory(node.memory()), block(memory.allocate(size, 4096)) {}
    ~shard() { memory.deallocate(block, size, 4096); }
    shard(const shard&) = delete;
    shard& operator=(const shard&) = delete;
    void* operator()(int) const noexcept { return block; }
    std::pmr::memory_resource& memory;
    void* block;
};

/// Asks the kernel itself, without the library. Source: move_pages(2).
std::vector<int> nodes_of(void* block, std::size_t size) {
    std::vector<void*> pages;
    for (std::size_t at = 0; at < size; at += 4096) { pages.push_back(static_cast<char*>(block) + at); }
    std::vector<int> nodes(pages.size(), -1);
    EXPECT_EQ(::move_pages(0, pages.size(), pages.data(), nullptr, nodes.data(), 0), 0);
    return nodes;
}

/// "Per-node" shards were all in one ordinary vector, and the ratio was whatever the caller reported.
TEST(unlike_numaperf, each_shard_is_in_its_own_nodes_memory_and_the_ratio_is_the_kernels) {
    asio::io_context io;
    bridge b{io, on_every_node()};
    auto& p = b.open<int, void*, shard>("p");
    b.start();
    const auto status = b.status();
    for (const auto& site : b.sites().workers) {
        void* block = nullptr;
        p.async_call(p.at(site.index), 1, [&](error_code ec, void* got) {
            EXPECT_FALSE(ec);
            block = got;
        });
        io.restart();
        io.run();
        ASSERT_NE(block, nullptr);
        const auto nodes = nodes_of(block, shard::size);
        const auto there = std::count(nodes.begin(), nodes.end(), static_cast<int>(site.memory_node.value));
        const auto truth = static_cast<double>(there) / static_cast<double>(nodes.size());
        EXPECT_EQ(truth, 1.0) << "node " << site.memory_node.value;
        ASSERT_TRUE(status.workers.at(site.index).page_locality);
        EXPECT_NEAR(*status.workers.at(site.index).page_locality, truth, 0.01);
    }
}

/// "1.0" when nothing had happened.
TEST(unlike_numaperf, a_ratio_of_nothing_is_absent) {
    asio::io_context io;
    bridge b{io, on_every_node()};
    b.open<int, std::uint32_t, where>("p");
    b.start();
    for (const auto& worker : b.status().workers) { EXPECT_EQ(worker.execution_locality, std::nullopt); }
}

/// shutdown_timeout(50 ms) returned true after 793 ms.
TEST(unlike_numaperf, a_stop_keeps_its_deadline_and_tells_what_it_could_not_finish) {
    const auto before = running_threads();
    gated::reset();
    gated::closed = true;
    {
        asio::io_context io;
        bridge b{io, one_worker()};
        auto& p = b.open<int, int, gated>("p");
        b.start();
        int stopped = 0;
        for (int i = 0; i < 5; ++i) { p.async_call(p.at(0), i, [&](error_code ec, int) { stopped += ec == errc::stopped; }); }
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
        const time_given given;
        const auto began = std::chrono::steady_clock::now();
        const auto report = b.stop(50ms);
        const auto took = std::chrono::steady_clock::now() - began;
        EXPECT_FALSE(report.drained());
        EXPECT_GE(took, 50ms);
        EXPECT_LT(given.so_far(), 500ms);
        EXPECT_EQ(report.stuck, 1U);
        EXPECT_EQ(report.stopped, 4U);
        gated::closed = false;
        io.run();
        EXPECT_EQ(stopped, 4);
    }
    while (running_threads() > before) { std::this_thread::yield(); }  // the worker that was left behind ends by itself
    gated::reset();
}

/// Dropping an executor leaked its threads.
TEST(unlike_numaperf, a_bridge_that_is_dropped_leaves_no_thread) {
    const auto before = running_threads();
    for (int i = 0; i < 20; ++i) {
        asio::io_context io;
        bridge b{io, on_every_node()};
        b.open<int, std::uint32_t, where>("p");
        b.start();
        EXPECT_GT(running_threads(), before);
    }
    EXPECT_EQ(running_threads(), before);
}

}  // namespace
}  // namespace numasio::test
