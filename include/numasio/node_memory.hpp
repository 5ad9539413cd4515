// A memory resource over a fixed piece of node memory: allocate, free, and a hard limit.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <memory_resource>
#include <span>

namespace numasio {

/// Best-fit allocation with coalescing inside `memory`; never grows and never takes from the heap.
/// Threads: one at a time (a worker owns it); used() and limit() from any thread.
/// Blocks: never. Fails: the constructor throws std::invalid_argument where `memory` cannot hold the bookkeeping
/// (some hundred bytes); allocate() throws std::bad_alloc when no block is large enough; the resource stays usable.
/// Cost: O(log free blocks), 16 to 32 bytes of overhead per block. Lifetime: `memory` outlives it.
class node_memory final : public std::pmr::memory_resource {
public:
    explicit node_memory(std::span<std::byte> memory);
    ~node_memory() override;
    node_memory(const node_memory&) = delete;
    node_memory& operator=(const node_memory&) = delete;

    bytes limit() const noexcept;
    /// Bytes handed out, bookkeeping included. Threads: any; a snapshot.
    bytes used() const noexcept;

private:
    void* do_allocate(std::size_t size, std::size_t alignment) override;
    void do_deallocate(void* block, std::size_t size, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

    struct heap;
    heap* heap_;  // lives inside the memory itself
};

}  // namespace numasio
