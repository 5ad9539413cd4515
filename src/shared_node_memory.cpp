// shared_node_memory: a slab_heap under a lock, with small blocks at hand in places that threads spread over.
#include <numasio/node_memory.hpp>

#include "src/slab_heap.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <new>

namespace numasio {
namespace {

constexpr std::size_t places = 16;

std::atomic<std::size_t> threads_seen{0};
[[gnu::tls_model("initial-exec")]] thread_local std::size_t place_of_this_thread = places;

std::size_t this_place() noexcept {
    if (place_of_this_thread == places) [[unlikely]] {
        place_of_this_thread = threads_seen.fetch_add(1, std::memory_order_relaxed) % places;
    }
    return place_of_this_thread;
}

/// Blocks fetched from the heap, and given back to it, at a time: two KiB of them, two at least.
std::uint32_t batch_of(std::size_t bin) noexcept { return std::clamp(2048 / slab_heap::block_size(bin), 2U, 32U); }

struct link {
    link* next;
};

/// Blocks at hand, by size. Guarded by its mutex; `idle` is read by others.
struct alignas(64) place {
    struct pile {
        link* first = nullptr;
        std::uint32_t count = 0;
    };
    std::mutex mutex;
    std::atomic<std::uint64_t> idle{0};  // bytes that lie here: taken from the heap, not handed out
    std::array<pile, slab_heap::bin_count> piles;

    void push(std::size_t bin, void* block) noexcept {
        pile& onto = piles[bin];
        onto.first = new (block) link{onto.first};
        ++onto.count;
        add_idle(slab_heap::block_size(bin));
    }

    void* pop(std::size_t bin) noexcept {
        pile& from = piles[bin];
        link* const block = from.first;
        if (block == nullptr) { return nullptr; }
        from.first = block->next;
        --from.count;
        add_idle(-std::uint64_t{slab_heap::block_size(bin)});
        return block;
    }

private:
    void add_idle(std::uint64_t more) noexcept {
        idle.store(idle.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
};

}  // namespace

// Inside the memory. Order of the locks: a place's before the heap's; never two places'.
struct alignas(64) shared_node_memory::heap {
    explicit heap(const slab_heap::site& in) : blocks(in) {}

    slab_heap blocks;  // guarded by mutex
    std::mutex mutex;
    std::array<place, places> at_hand;

    void* allocate(std::size_t size, std::size_t alignment) noexcept {
        const std::lock_guard lock(mutex);
        if (void* const ready = blocks.take_ready(size, alignment)) { return ready; }
        return blocks.allocate(size, alignment);
    }

    void* allocate_small(std::size_t size, std::size_t alignment) noexcept {
        const std::size_t bin = slab_heap::bin_of(size);
        place& here = at_hand[this_place()];
        const std::lock_guard lock(here.mutex);
        if (void* const block = here.pop(bin)) [[likely]] { return block; }
        void* const block = allocate(size, alignment);
        if (block != nullptr) { fetch(here, bin); }
        return block;
    }

    void deallocate_small(void* block, std::size_t size) noexcept {
        const std::size_t bin = slab_heap::bin_of(size);
        place& here = at_hand[this_place()];
        const std::lock_guard lock(here.mutex);
        here.push(bin, block);
        if (here.piles[bin].count > 2 * batch_of(bin)) [[unlikely]] { give_back(here, bin, batch_of(bin)); }
    }

    /// More of the same, as far as they are ready.
    void fetch(place& here, std::size_t bin) noexcept {
        const std::size_t size = slab_heap::block_size(bin);
        const std::lock_guard lock(mutex);
        for (std::uint32_t i = 1; i < batch_of(bin); ++i) {
            void* const block = blocks.take_ready(size, slab_heap::step);
            if (block == nullptr) { return; }
            here.push(bin, block);
        }
    }

    void give_back(place& here, std::size_t bin, std::uint32_t count) noexcept {
        const std::lock_guard lock(mutex);
        for (; count > 0; --count) { blocks.deallocate(here.pop(bin), slab_heap::block_size(bin), slab_heap::step); }
    }

    void give_all_back() noexcept {
        for (place& there : at_hand) {
            const std::lock_guard lock(there.mutex);
            if (there.idle.load(std::memory_order_relaxed) == 0) { continue; }  // spares the heap's lock, once for each size
            for (std::size_t bin = 0; bin < slab_heap::bin_count; ++bin) { give_back(there, bin, there.piles[bin].count); }
        }
    }
};

shared_node_memory::shared_node_memory(std::span<std::byte> memory) {
    const auto site = slab_heap::site_in(memory, sizeof(heap), "shared_node_memory");
    heap_ = new (site.start) heap(site);
}

shared_node_memory::~shared_node_memory() { heap_->~heap(); }

bytes shared_node_memory::limit() const noexcept { return heap_->blocks.limit(); }

bytes shared_node_memory::used() const noexcept {
    std::uint64_t idle = 0;
    for (const place& there : heap_->at_hand) { idle += there.idle.load(std::memory_order_relaxed); }
    const std::uint64_t taken = heap_->blocks.used().value;
    return {taken - std::min(taken, idle)};  // both are moving
}

void* shared_node_memory::try_allocate(std::size_t size, std::size_t alignment) noexcept {
    const bool small = heap_->blocks.is_small(size, alignment);
    if (void* const block = small ? heap_->allocate_small(size, alignment) : heap_->allocate(size, alignment)) { return block; }
    heap_->give_all_back();
    return heap_->allocate(size, alignment);
}

void* shared_node_memory::do_allocate(std::size_t size, std::size_t alignment) {
    if (void* const block = try_allocate(size, alignment)) { return block; }
    throw std::bad_alloc();
}

void shared_node_memory::do_deallocate(void* block, std::size_t size, std::size_t alignment) {
    if (heap_->blocks.is_small(size, alignment)) { return heap_->deallocate_small(block, size); }
    const std::lock_guard lock(heap_->mutex);
    heap_->blocks.deallocate(block, size, alignment);
}

bool shared_node_memory::do_is_equal(const std::pmr::memory_resource& other) const noexcept { return this == &other; }

}  // namespace numasio
