// Keeps a worker where it was put: its thread on its CPU, its memory on its nodes; stores and tells what changes.
#pragma once

#include "hot_path/worker.hpp"
#include "src/region_keeper.hpp"
#include "src/thread_keeper.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace numasio::hot_path {

/// For the calling thread, a worker's, once it is pinned. `refuges`: see thread_keeper.
thread_keeper keeper_of_this_thread(const worker_site& site, const std::vector<std::vector<cpu_id>>& refuges, const detail::placement_book& placements);

/// Threads: made by the worker's own, then look() by one at a time. Lifetime: the worker's core outlives it.
class worker_keepers {
public:
    /// Of the calling thread, which is the worker's and pinned, and of the worker's memory.
    static worker_keepers of_thread_and_memory(const worker_orders& orders);
    /// Of the worker's memory only: the thread is the caller's.
    static worker_keepers of_memory(const worker_orders& orders);

    /// As worker::look_after().
    void look(detail::worker_core& core, const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell);

private:
    std::optional<thread_keeper> thread_;
    std::vector<region_keeper> memory_;
    std::uint32_t looks_ = 0;
    std::vector<placement> untold_;  // found, and not stored and told yet
};

}  // namespace numasio::hot_path
