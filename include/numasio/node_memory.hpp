// Memory resources over a fixed piece of node memory: for one thread, and for many.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

namespace numasio {

/// Allocates inside `memory` for one thread, its owner: the one that constructed it or called own() last. Never grows,
/// never takes from the heap, takes no lock. Small blocks, up to 4 KiB in 64 MiB of memory or more, half for each halving of it and 256 bytes at least, come
/// from slabs of one size each, larger ones from a best-fit tree that joins neighbours; a slab that is empty goes back to the tree.
/// Memory of less than 1 MiB has no slabs.
/// Threads: one at a time; used(), limit(), foreign_frees() and deallocate() from any. A block that another thread frees
/// is counted and set aside; it is room again, and no longer `used`, when the owner next makes a slab or takes a large
/// block. Blocks: never. Fails: the constructor throws std::invalid_argument where `memory` cannot hold the bookkeeping
/// (about 3 KiB); allocate() throws std::bad_alloc when no block is large enough; the resource stays usable.
/// Cost: a small block some ten instructions, its size rounded up by at most a quarter, a large one O(log free blocks) and 8 to 24 bytes.
/// Lifetime: `memory` outlives it. For containers: std::pmr ones, or node_allocator.
class node_memory final : public std::pmr::memory_resource {
public:
    explicit node_memory(std::span<std::byte> memory);
    ~node_memory() override;
    node_memory(const node_memory&) = delete;
    node_memory& operator=(const node_memory&) = delete;

    /// Makes the calling thread the owner. Threads: the hand-over from the last owner happens before, who frees nothing from
    /// then on until this has returned.
    void own() noexcept;

    bytes limit() const noexcept;
    /// Bytes handed out, and bookkeeping (that of the memory as a whole, too, so that it is never 0, and that of large blocks; not of slabs). Threads: any; a snapshot.
    bytes used() const noexcept;
    /// Blocks that other threads than the owner freed. Threads: any.
    std::uint64_t foreign_frees() const noexcept;

private:
    void* do_allocate(std::size_t size, std::size_t alignment) override;
    void do_deallocate(void* block, std::size_t size, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

    struct heap;
    heap* heap_;  // lives inside the memory itself
};

/// The same for any number of threads: threads keep small blocks at hand in 16 places, each with a lock that mostly one
/// thread meets, in front of one heap with a lock.
/// Threads: any. Blocks: for another thread's few steps under one of these locks. Fails: as node_memory (its
/// bookkeeping is about 12 KiB); std::bad_alloc only after what lies at hand was given back.
/// Cost: a small block two uncontended lock operations, a large one the heap's lock too. Lifetime: `memory` outlives it.
class shared_node_memory final : public std::pmr::memory_resource {
public:
    explicit shared_node_memory(std::span<std::byte> memory);
    ~shared_node_memory() override;
    shared_node_memory(const shared_node_memory&) = delete;
    shared_node_memory& operator=(const shared_node_memory&) = delete;

    /// As allocate(), but null where it throws.
    void* try_allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept;

    bytes limit() const noexcept;
    /// As node_memory::used(); blocks at hand are not used. Threads: any; a snapshot, exact when nobody allocates.
    bytes used() const noexcept;

private:
    void* do_allocate(std::size_t size, std::size_t alignment) override;
    void do_deallocate(void* block, std::size_t size, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

    struct heap;
    heap* heap_;  // lives inside the memory itself
};

/// For containers of the standard and of others: node_allocator<T>(&memory).
template <class T = std::byte>
using node_allocator = std::pmr::polymorphic_allocator<T>;

}  // namespace numasio
