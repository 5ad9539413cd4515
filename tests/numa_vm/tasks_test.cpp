// Tasks of a node run on its CPUs and nowhere else, and what they allocate is on it, on whatever machine this is.
#include <numasio/affinity.hpp>
#include <numasio/devices.hpp>
#include <numasio/node_pool.hpp>
#include <numasio/node_region.hpp>
#include <numasio/task_observer.hpp>

#include "src/platform/linux_memory.hpp"

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <thread>
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

TEST(Tasks, near_a_device_are_on_the_pools_node_that_is_nearest_to_it) {
    const auto machine = discover_topology();
    const auto nodes = machine.executor_nodes();
    auto sites = sites_of(machine);
    std::erase_if(sites, [&](const worker_site& site) { return site.node != nodes.front() && site.node != nodes.back(); });
    for (std::uint32_t w = 0; w < sites.size(); ++w) { sites[w].index = w; }
    node_pool pool(asked(enforcement::best_effort), machine, sites);
    for (const auto& node : machine.nodes) {
        device_info device;
        device.locality = device_locality::one_node;
        device.nodes = {node.id};
        const auto distance = [&](node_id to) { return to == node.id ? 0u : machine.distance(node.id, to).value_or(~0u); };
        const auto near = distance(nodes.back()) < distance(nodes.front()) ? nodes.back() : nodes.front();
        EXPECT_TRUE(pool.nearest(device) == pool.on(near)) << "node " << node.id.value;
        device.locality = device_locality::several_nodes;
        device.nodes = {node.id, nodes.back()};
        EXPECT_TRUE(pool.nearest(device) == pool.on(node.id == nodes.front() ? nodes.front() : nodes.back())) << "node " << node.id.value;
    }
}

TEST(Tasks, workers_are_where_the_plan_has_them_by_the_kernels_word) {
    const auto machine = discover_topology();
    ASSERT_TRUE(machine.nodes_are_real()) << machine.source;
    node_pool pool(asked(enforcement::best_effort), machine, sites_of(machine));
    for (const auto& p : pool.placements()) {
        if (p.subject == placement_subject::cpu) { EXPECT_EQ(p.outcome, placement_outcome::honoured) << to_text(p); }
    }
}

TEST(Tasks, queues_of_their_workers_are_on_the_workers_nodes_page_by_page) {
    const auto machine = discover_topology();
    node_pool pool(asked(enforcement::strict), machine, sites_of(machine));
    std::size_t found = 0;
    for (const auto& p : pool.placements()) {
        if (p.subject != placement_subject::queue_memory) { continue; }
        const auto& site = pool.sites()[found++];
        EXPECT_EQ(p.owner, site.pool + "/" + std::to_string(site.index));
        EXPECT_EQ(p.outcome, placement_outcome::honoured) << to_text(p);
        ASSERT_TRUE(p.pages) << to_text(p);
        EXPECT_GT(p.pages->asked, 4u);  // two queues of 1024 places at least
        EXPECT_EQ(p.pages->on(site.memory_node), p.pages->asked) << to_text(p);
    }
    EXPECT_EQ(found, pool.sites().size());
}

struct made_by_a_worker {
    static constexpr const char* task_name = "made_by_a_worker";
    std::array<std::uint64_t, 12> words{};
    void operator()() const {}
};

/// The pages that such tasks are on, of each worker that runs them.
class pages_of_tasks final : public task_observer {
public:
    explicit pages_of_tasks(std::size_t workers) : pages(workers) {}
    void started(const task_event& event, const worker_site& on) noexcept override {
        if (event.name != made_by_a_worker::task_name) { return; }
        pages[on.index].insert(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(event.id) / platform::page_size() * platform::page_size()));
    }
    std::vector<std::set<void*>> pages;
};

TEST(Tasks, that_workers_make_are_in_memory_of_their_nodes_whatever_malloc_would_give_out_again) {
    const auto machine = discover_topology();
    const auto sites = sites_of(machine);
    // What malloc keeps was touched by threads of all nodes.
    std::vector<std::thread> dirty;
    for (const auto& site : sites) {
        dirty.emplace_back([&site] {
            ASSERT_FALSE(pin_this_thread(std::span(&site.cpu, 1)));
            std::vector<std::unique_ptr<std::array<std::byte, 200>>> all;
            for (int i = 0; i < 20'000; ++i) { all.push_back(std::make_unique<std::array<std::byte, 200>>()); }
        });
    }
    for (auto& thread : dirty) { thread.join(); }
    pages_of_tasks seen(sites.size());
    pool_hooks hooks;
    hooks.observer = &seen;
    node_pool pool(asked(enforcement::best_effort), machine, sites, hooks);
    for (std::uint32_t worker = 0; worker < sites.size(); ++worker) {
        asio::post(pool.on(worker), [own = pool.on(worker)] {
            for (int i = 0; i < 1'000; ++i) { asio::post(own, made_by_a_worker()); }
        });
    }
    pool.join();
    for (std::uint32_t worker = 0; worker < sites.size(); ++worker) {
        std::vector<void*> pages(seen.pages[worker].begin(), seen.pages[worker].end());
        EXPECT_GT(pages.size(), 10u);
        std::vector<int> nodes(pages.size(), -1);
        ASSERT_FALSE(platform::locate_pages(pages, nodes));
        for (const int node : nodes) { EXPECT_EQ(node, static_cast<int>(sites[worker].memory_node.value)) << "worker " << worker; }
    }
}

}  // namespace
}  // namespace numasio::test
