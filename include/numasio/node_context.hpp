// What a service is given when it is built on its worker.
#pragma once

#include <numasio/ids.hpp>

#include <cstdint>
#include <memory_resource>

namespace numasio {

/// The worker that a service lives on, and its node's memory.
/// Threads: use it on that worker only. Lifetime: as long as the service.
class node_context {
public:
    node_context(node_id node, cpu_id cpu, std::uint32_t worker, std::uint32_t workers,
                 std::pmr::memory_resource& memory, bytes memory_limit) noexcept
        : node_(node), cpu_(cpu), worker_(worker), workers_(workers), memory_(&memory), limit_(memory_limit) {}

    node_id node() const noexcept { return node_; }
    cpu_id cpu() const noexcept { return cpu_; }
    /// This worker's index in its pool, 0 … workers()-1.
    std::uint32_t worker() const noexcept { return worker_; }
    std::uint32_t workers() const noexcept { return workers_; }
    /// Memory on the node, `memory_limit()` in all; throws std::bad_alloc when used up.
    std::pmr::memory_resource& memory() const noexcept { return *memory_; }
    bytes memory_limit() const noexcept { return limit_; }

private:
    node_id node_;
    cpu_id cpu_;
    std::uint32_t worker_;
    std::uint32_t workers_;
    std::pmr::memory_resource* memory_;
    bytes limit_;
};

}  // namespace numasio
