// node_memory: a slab_heap with one owner; what other threads free is set aside for it.
#include <numasio/node_memory.hpp>

#include "src/slab_heap.hpp"

#include <atomic>
#include <bit>
#include <new>

namespace numasio {
namespace {

// Its address is the thread. Initial-exec: an address known without a call, also in a shared library.
[[gnu::tls_model("initial-exec")]] thread_local constinit char this_thread = 0;

/// What a block that a foreign thread freed holds from then on. 16 bytes: no block is smaller.
struct set_aside {
    set_aside* next;
    std::uint64_t what;  // its size, and in the last byte the alignment's logarithm

    static std::uint64_t pack(std::size_t size, std::size_t alignment) noexcept {
        return std::uint64_t{size} << 8 | static_cast<std::uint64_t>(std::countr_zero(alignment));
    }
    std::size_t size() const noexcept { return what >> 8; }
    std::size_t alignment() const noexcept { return std::size_t{1} << (what & 0xff); }
};
static_assert(sizeof(set_aside) <= slab_heap::step);

}  // namespace

// Inside the memory. The first line is what every call needs.
struct alignas(64) node_memory::heap {
    explicit heap(const slab_heap::site& in) : blocks(in) {}

    std::atomic<const char*> owner{&this_thread};
    slab_heap blocks;
    alignas(64) std::atomic<set_aside*> foreign{nullptr};  // a line of its own: other threads write it
    std::atomic<std::uint64_t> foreign_frees{0};

    // [foreign-1] Pairs with [foreign-2]: the owner sees what the freeing thread last wrote into the block.
    [[gnu::noinline]] void set_block_aside(void* block, std::size_t size, std::size_t alignment) noexcept {
        foreign_frees.fetch_add(1, std::memory_order_relaxed);
        auto* const aside = new (block) set_aside{foreign.load(std::memory_order_relaxed), set_aside::pack(size, alignment)};
        while (!foreign.compare_exchange_weak(aside->next, aside, std::memory_order_release, std::memory_order_relaxed)) {}
    }

    void take_back() noexcept {
        if (foreign.load(std::memory_order_relaxed) == nullptr) { return; }
        // [foreign-2]
        for (set_aside* at = foreign.exchange(nullptr, std::memory_order_acquire); at != nullptr;) {
            set_aside* const next = at->next;
            blocks.deallocate(at, at->size(), at->alignment());
            at = next;
        }
    }

    [[gnu::noinline]] void* allocate_slowly(std::size_t size, std::size_t alignment) {
        take_back();
        if (void* const block = blocks.allocate(size, alignment)) { return block; }
        throw std::bad_alloc();
    }
};

node_memory::node_memory(std::span<std::byte> memory) {
    const auto site = slab_heap::site_in(memory, sizeof(heap), "node_memory");
    heap_ = new (site.start) heap(site);
}

node_memory::~node_memory() { heap_->~heap(); }

void node_memory::own() noexcept { heap_->owner.store(&this_thread, std::memory_order_relaxed); }

bytes node_memory::limit() const noexcept { return heap_->blocks.limit(); }
bytes node_memory::used() const noexcept { return heap_->blocks.used(); }

std::uint64_t node_memory::foreign_frees() const noexcept {
    return heap_->foreign_frees.load(std::memory_order_relaxed);
}

void* node_memory::do_allocate(std::size_t size, std::size_t alignment) {
    if (void* const block = heap_->blocks.take_ready(size, alignment)) [[likely]] { return block; }
    return heap_->allocate_slowly(size, alignment);
}

void node_memory::do_deallocate(void* block, std::size_t size, std::size_t alignment) {
    if (heap_->owner.load(std::memory_order_relaxed) != &this_thread) [[unlikely]] { return heap_->set_block_aside(block, size, alignment); }
    heap_->blocks.deallocate(block, size, alignment);
}

bool node_memory::do_is_equal(const std::pmr::memory_resource& other) const noexcept { return this == &other; }

}  // namespace numasio
