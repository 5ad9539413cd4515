// Bytes of a node's memory that change their owner instead of being copied, and the memory that they come from.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/node_memory.hpp>
#include <numasio/node_region.hpp>
#include <numasio/placement.hpp>
#include <numasio/region_options.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <cstddef>
#include <utility>

namespace numasio {

namespace detail {
/// Lives as long as the node_buffers and the last of its buffers.
struct buffer_memory : boost::intrusive_ref_counter<buffer_memory> {
    buffer_memory(bytes size, const region_options& options);
    ~buffer_memory();
    node_region region;
    shared_node_memory heap;
};
}  // namespace detail

/// Owns bytes of a node_buffers' memory. Move-only; empty by default and once moved from. A contiguous range, so that an lvalue is a std::span
/// where one is wanted. Const as a pointer is: the bytes are not. As request, response or item it changes its owner, and its bytes stay where they are.
/// Thread safety: distinct objects safe, shared objects unsafe.
/// Lifetime: destroying it, on any thread, gives the bytes back. It may outlive the node_buffers; the last of the two to go unmaps the memory.
/// Cost: a move copies 24 bytes. The end of one that is not empty is as take(), on the thread that destroys it.
class node_buffer {
public:
    node_buffer() noexcept = default;
    node_buffer(node_buffer&& other) noexcept
        : memory_(std::move(other.memory_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    node_buffer& operator=(node_buffer&& other) noexcept {
        if (this != &other) {
            if (memory_) { give_back(); }
            memory_ = std::move(other.memory_);
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    ~node_buffer() {
        if (memory_) { give_back(); }
    }

    /// Not empty. One of 0 bytes is not empty either.
    explicit operator bool() const noexcept { return data_ != nullptr; }
    std::byte* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    std::byte* begin() const noexcept { return data_; }
    std::byte* end() const noexcept { return data_ + size_; }

private:
    friend class node_buffers;
    using memory_pointer = boost::intrusive_ptr<detail::buffer_memory>;
    node_buffer(memory_pointer from, void* block, std::size_t size) noexcept
        : memory_(std::move(from)), data_(static_cast<std::byte*>(block)), size_(size) {}
    void give_back() noexcept;

    memory_pointer memory_;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Memory for buffers: a region that is bound, touched and audited before the first one is taken. Never grows.
/// Thread safety: distinct objects safe, shared objects safe.
class node_buffers {
public:
    static constexpr std::size_t alignment = 64;  ///< of every buffer

    /// Threads: any. Blocks: until all pages are there. Cost: as node_region's.
    /// Fails: as node_region's of the same arguments; throws std::invalid_argument where `size` cannot hold the bookkeeping, about 12 KiB.
    node_buffers(bytes size, const region_options& options);
    /// On `node`, strictly bound to it. A simulated node is not there to bind to: it needs options with enforcement::best_effort.
    node_buffers(bytes size, node_id node);
    node_buffers(const node_buffers&) = delete;
    node_buffers& operator=(const node_buffers&) = delete;

    /// A buffer of `size` bytes, which may be 0. They are not cleared: what their last owner wrote is still there.
    /// Threads: any, workers too. Blocks: for another thread's few steps under the lock of this memory, which every take and every end needs.
    /// Fails: throws std::bad_alloc where no piece is large enough. Cost: the lock, O(log free blocks), a count that all buffers of this memory
    ///        share; nothing from the heap; 16 bytes, rounded up to whole cache lines. One node_buffers for each node or worker shares less.
    [[nodiscard]] node_buffer take(std::size_t size);
    /// As take(), but empty where it throws.
    [[nodiscard]] node_buffer try_take(std::size_t size) noexcept;

    /// As shared_node_memory's. Threads: any.
    bytes limit() const noexcept { return memory_->heap.limit(); }
    bytes used() const noexcept { return memory_->heap.used(); }
    /// What was asked, and what the kernel said when the pages had been touched. Threads: any.
    const region_placement& placed() const noexcept { return memory_->region.placed(); }
    /// Asks the kernel where every page is now. As node_region::audit().
    page_audit audit() const { return memory_->region.audit(); }

private:
    boost::intrusive_ptr<detail::buffer_memory> memory_;
};

}  // namespace numasio
