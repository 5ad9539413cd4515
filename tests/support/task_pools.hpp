// Task pools for tests: on this machine's CPUs, more workers than CPUs where so many are asked for.
#ifndef NUMASIO_TESTS_SUPPORT_TASK_POOLS_HPP
#define NUMASIO_TESTS_SUPPORT_TASK_POOLS_HPP

#include <numasio/node_pool.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <cstdint>
#include <future>
#include <latch>
#include <utility>
#include <vector>

namespace numasio::test {

/// `nodes` pretend nodes (1: the machine's first) with `workers` each.
inline std::vector<worker_site> task_sites(const topology& machine, std::uint32_t nodes, std::uint32_t workers) {
    std::vector<worker_site> sites;
    const auto ids = machine.executor_nodes();
    for (std::uint32_t n = 0; n < nodes; ++n) {
        const auto cpus = machine.allowed_cpus(ids.at(n));
        for (std::uint32_t w = 0; w < workers; ++w) {
            sites.push_back({"tasks", n * workers + w, cpus[w % cpus.size()], ids[n], machine.nearest_memory(ids[n]).value()});
        }
    }
    return sites;
}

inline pool_plan task_pool_plan() {
    pool_plan asked;
    asked.name = "tasks";
    return asked;
}

/// A pool on one node, or on two pretend ones.
struct task_pool_here {
    explicit task_pool_here(std::uint32_t workers, pool_plan asked = task_pool_plan(), std::uint32_t nodes = 1)
        : machine(nodes == 1 ? discover_topology() : simulate_nodes(discover_topology(), nodes)),
          pool(std::move(asked), machine, task_sites(machine, nodes, workers)) {}

    topology machine;
    node_pool pool;
};

/// What `f` returns there.
template <class F>
auto on_worker(const node_pool::executor_type& at, F f) {
    return boost::asio::post(at, boost::asio::use_future(std::move(f))).get();
}

/// A worker that does nothing else until it is released.
class held_worker {
public:
    explicit held_worker(const node_pool::executor_type& at) {
        std::promise<void> holds;
        auto held = holds.get_future();
        boost::asio::post(at, [this, holds = std::move(holds)]() mutable {
            holds.set_value();
            released_.wait();
        });
        held.get();
    }
    ~held_worker() { release(); }
    void release() {
        if (!is_released_) { released_.count_down(); }
        is_released_ = true;
    }

private:
    std::latch released_{1};
    bool is_released_ = false;
};

}  // namespace numasio::test

#endif
