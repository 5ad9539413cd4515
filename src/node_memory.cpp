// node_memory by Boost.Interprocess's best-fit tree, laid directly over the node's memory.
#include <numasio/node_memory.hpp>

#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace numasio {
namespace {

// No mutex: one thread owns the memory. Raw pointers: it is never mapped at another address.
using best_fit = boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family, void*>;

constexpr std::size_t line = 64;

}  // namespace

struct alignas(line) node_memory::heap {
    std::uint64_t limit = 0;
    std::atomic<std::uint64_t> used{0};  // written by the owner only, so a load and a store are enough
    best_fit* blocks = nullptr;          // starts right behind this header

    void publish() noexcept { used.store(limit - blocks->get_free_memory(), std::memory_order_relaxed); }
};

node_memory::node_memory(std::span<std::byte> memory) : heap_(nullptr) {
    void* start = memory.data();
    std::size_t room = memory.size();
    const std::size_t needed = sizeof(heap) + best_fit::get_min_size(0);
    if (start == nullptr || std::align(alignof(heap), needed, start, room) == nullptr) {
        throw std::invalid_argument("node_memory: " + std::to_string(memory.size()) + " bytes are less than the " +
                                    std::to_string(needed + line) + " that its bookkeeping needs");
    }
    heap_ = new (start) heap;
    heap_->limit = memory.size();
    heap_->blocks = new (static_cast<std::byte*>(start) + sizeof(heap)) best_fit(room - sizeof(heap), 0);
    heap_->publish();
}

node_memory::~node_memory() {
    heap_->blocks->~best_fit();
    heap_->~heap();
}

bytes node_memory::limit() const noexcept { return {heap_->limit}; }

bytes node_memory::used() const noexcept { return {heap_->used.load(std::memory_order_relaxed)}; }

void* node_memory::do_allocate(std::size_t size, std::size_t alignment) {
    // Sizes near the end of the address space would wrap inside the tree's rounding.
    if (size > heap_->limit || alignment > heap_->limit) { throw std::bad_alloc(); }
    void* const block = heap_->blocks->allocate_aligned(size == 0 ? 1 : size, alignment);
    if (block == nullptr) { throw std::bad_alloc(); }
    heap_->publish();
    return block;
}

void node_memory::do_deallocate(void* block, std::size_t, std::size_t) {
    heap_->blocks->deallocate(block);
    heap_->publish();
}

bool node_memory::do_is_equal(const std::pmr::memory_resource& other) const noexcept { return this == &other; }

}  // namespace numasio
