// A hot-path worker: one pinned thread that serves its lanes with a service built in its node's memory.
#pragma once

#include <numasio/detail/service_factory.hpp>
#include <numasio/detail/worker_core.hpp>
#include <numasio/node_memory.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace numasio::hot_path {

/// All that a worker needs to know before its thread exists.
struct worker_orders {
    std::shared_ptr<detail::worker_core> core;
    std::shared_ptr<const detail::service_factory> factory;
    std::uint32_t workers = 0;  // in the pool
    memory_plan memory;
    lane_plan lane;
    idle_plan idle;
    std::uint32_t realtime = 0;  // SCHED_FIFO priority; 0: none
    enforcement enforce = enforcement::best_effort;
    topology_origin origin = topology_origin::fallback;
    std::vector<cpu_id> home_cpus;  // ascending: a batch on one of these ran at home
    std::vector<std::vector<cpu_id>> refuges;  // CPUs to fall back to where its own is taken away, the best first
};

/// Threads: the members below by the thread that made the worker; run() is the worker's own.
class worker {
public:
    /// Creates the thread. Fails: throws boost::system::system_error with the system's errno.
    explicit worker(worker_orders orders);
    ~worker();

    void wait_until_serving();
    bool join_until(std::chrono::steady_clock::time_point deadline) noexcept;
    void leave() noexcept;

    /// Are thread and memory still where they were put? What is not is put right where the kernel lets it, and what
    /// changed is stored and told. After wait_until_serving(). Threads: one at a time. Blocks: some system calls, until soon after
    /// `ends` is no longer 0. Fails: as `tell` does, std::bad_alloc: then the next look stores and tells what is left. What the
    /// kernel does not say is no change.
    void look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell);

private:
    struct shared;  // outlives this object where the thread has been left to itself
    static void run(const std::shared_ptr<shared>& self) noexcept;

    std::shared_ptr<shared> shared_;
    std::thread thread_;
};

}  // namespace numasio::hot_path
