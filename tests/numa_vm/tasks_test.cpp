// Tasks of a node run on its CPUs and nowhere else, and what they allocate is on it, on whatever machine this is.
#include <numasio/affinity.hpp>
#include <numasio/node_pool.hpp>
#include <numasio/node_region.hpp>

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace numasio::test {
namespace {

namespace asio = boost::asio;

/// A worker on each of up to two CPUs of each node.
std::vector<worker_site> sites_of(const topology& machine) {
    std::vector<worker_site> sites;
    for (const auto node : machine.executor_nodes()) {
        const auto cpus = machine.allowed_cpus(node);
        for (std::size_t w = 0; w < std::min<std::size_t>(cpus.size(), 2); ++w) {
            sites.push_back({"tasks", static_cast<std::uint32_t>(sites.size()), cpus[w], node, machine.nearest_memory(node).value_or(node)});
        }
    }
    return sites;
}

pool_plan asked(enforcement enforce) {
    pool_plan plan;
    plan.name = "tasks";
    plan.tasks.capacity = 32'768;
    plan.enforce = enforce;
    return plan;
}

TEST(Tasks, of_a_node_run_on_it_20000_of_20000_and_none_elsewhere) {
    const auto machine = discover_topology();
    node_pool pool(asked(enforcement::best_effort), machine, sites_of(machine));
    const auto nodes = machine.executor_nodes();
    std::vector<std::atomic<std::uint64_t>> there(nodes.size()), elsewhere(nodes.size());
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        const auto cpus = machine.allowed_cpus(nodes[n]);
        for (int i = 0; i < 10'000; ++i) {
            const auto task = [&, n, cpus] {
                const auto cpu = current_cpu();
                const bool home = cpu && std::binary_search(cpus.begin(), cpus.end(), *cpu);
                (home ? there : elsewhere)[n].fetch_add(1, std::memory_order_relaxed);
            };
            asio::post(pool.on(nodes[n]), [&pool, task, node = nodes[n]] {
                asio::post(pool.on(node), task);  // and what a worker of the node posts to it
                task();
            });
        }
    }
    pool.join();
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        EXPECT_EQ(there[n], 20'000u) << "node " << nodes[n].value;
        EXPECT_EQ(elsewhere[n], 0u) << "node " << nodes[n].value;
    }
    for (const auto& worker : pool.status().workers) { EXPECT_EQ(worker.stolen_abroad, 0u); }
}

TEST(Tasks, that_are_a_nodes_but_called_for_by_another_cross_the_border_only_to_it) {
    const auto machine = discover_topology();
    const auto nodes = machine.executor_nodes();
    node_pool pool(asked(enforcement::best_effort), machine, sites_of(machine));
    std::atomic<std::uint64_t> at_home{0};
    for (int i = 0; i < 2'000; ++i) {
        asio::post(pool.on(nodes.front()), [&] {
            asio::post(pool.on(nodes.back()), [&] {
                const auto cpus = machine.allowed_cpus(nodes.back());
                const auto cpu = current_cpu();
                at_home += cpu && std::binary_search(cpus.begin(), cpus.end(), *cpu);
            });
        });
    }
    pool.join();
    EXPECT_EQ(at_home, 2'000u);
}

TEST(Tasks, workers_are_where_the_plan_has_them_by_the_kernels_word) {
    const auto machine = discover_topology();
    ASSERT_TRUE(machine.nodes_are_real()) << machine.source;
    node_pool pool(asked(enforcement::best_effort), machine, sites_of(machine));
    for (const auto& p : pool.placements()) {
        if (p.subject == placement_subject::cpu) { EXPECT_EQ(p.outcome, placement_outcome::honoured) << to_text(p); }
    }
}

}  // namespace
}  // namespace numasio::test
