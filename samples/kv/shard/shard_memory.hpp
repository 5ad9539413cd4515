// The shard's allocator: everything comes from the worker's memory, and running out is a value.
#pragma once

#include "shard/blob.hpp"

#include <cstddef>
#include <memory_resource>
#include <new>

namespace kv {

/// Threads: the worker's only, but for blobs coming home. Never uses the global heap.
class shard_memory {
public:
    explicit shard_memory(std::pmr::memory_resource& from)
        : from_(&from), returns_(::new (from.allocate(sizeof(blob_returns))) blob_returns) {}

    /// Null where the memory is used up.
    void* allocate(std::size_t size) noexcept {
        try {
            void* const block = from_->allocate(size, alignof(std::max_align_t));
            used_ += size;
            return block;
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }
    void free(void* block, std::size_t size) noexcept {
        from_->deallocate(block, size, alignof(std::max_align_t));
        used_ -= size;
    }

    blob* make_blob(std::size_t size, std::size_t capacity) noexcept {
        capacity = (capacity + 15) & ~std::size_t{15};
        void* const block = allocate(sizeof(blob) + capacity);
        if (block == nullptr) { return nullptr; }
        auto* made = ::new (block) blob;
        made->holders.store(1, std::memory_order_relaxed);
        made->size = static_cast<std::uint32_t>(size);
        made->capacity = static_cast<std::uint32_t>(capacity);
        made->home = returns_;
        made->next = nullptr;
        return made;
    }

    /// The table lets go of a value; if a reply still holds it, the reply sends it home later.
    void drop(blob* value) noexcept {
        if (value->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) { destroy(value); }
    }

    /// Frees what came home. Cost: one load where nothing did.
    void take_returns() noexcept {
        if (returns_->head.load(std::memory_order_relaxed) == nullptr) { return; }
        for (blob* b = returns_->head.exchange(nullptr, std::memory_order_acquire); b != nullptr;) {
            blob* const next = b->next;
            destroy(b);
            b = next;
        }
    }

    std::size_t used() const noexcept { return used_; }

private:
    void destroy(blob* value) noexcept { free(value, sizeof(blob) + value->capacity); }

    std::pmr::memory_resource* from_;
    blob_returns* returns_;  // never freed: handles may outlive the shard; it goes with the arena
    std::size_t used_ = 0;
};

}  // namespace kv
