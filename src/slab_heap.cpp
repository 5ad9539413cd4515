// The slow side of slab_heap: slabs made, filled, emptied and given back, and large blocks.
#include "src/slab_heap.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace numasio {
namespace {

// What the tree keeps before each of its blocks. Slabs are smaller by it, so that they lie side by side without a gap.
constexpr std::size_t tree_header = 16;
constexpr std::size_t cache_line = 64;
constexpr std::uint32_t made_ready_at_once = 4096;  // bytes: a bound on the time that one allocation takes

/// As large as a thousandth of the memory: with a slab for each size, little of it is held by slabs that are half empty.
std::size_t slab_size_for(std::size_t limit) noexcept {
    std::size_t size = 4096;
    while (size < 65536 && size * 2 <= limit / 1024) { size *= 2; }
    return size;
}

constexpr std::size_t least_for_slabs = 1 << 20;

}  // namespace

constinit slab_heap::slab slab_heap::none{};

slab_heap::site slab_heap::site_in(std::span<std::byte> memory, std::size_t header, const char* who) {
    void* start = memory.data();
    std::size_t room = memory.size();
    header = (header + cache_line - 1) / cache_line * cache_line;
    const std::size_t needed = header + best_fit::get_min_size(0);
    if (start == nullptr || std::align(cache_line, needed, start, room) == nullptr) {
        throw std::invalid_argument(std::string(who) + ": " + std::to_string(memory.size()) + " bytes are less than the " +
                                    std::to_string(needed + cache_line) + " that its bookkeeping needs");
    }
    return {start, static_cast<std::byte*>(start) + header, room - header, memory.size()};
}

slab_heap::slab_heap(const site& in) : limit_(in.limit) {
    auto* const rest = static_cast<std::byte*>(in.rest);
    std::size_t table = 0;
    if (limit_ >= least_for_slabs) {
        slab_size_ = slab_size_for(limit_);
        small_ = std::min(steps * step, slab_size_ / 16);
        const auto first = reinterpret_cast<std::uintptr_t>(rest);
        first_slab_ = first & ~(slab_size_ - 1);
        to_table_ = static_cast<std::uint32_t>(std::countr_zero(slab_size_ / sizeof(slab)));
        table_ = reinterpret_cast<slab*>(rest);
        table = ((first + in.room - first_slab_) / slab_size_ + 1) * sizeof(slab);
    }
    tree_ = new (rest + table) best_fit(in.room - table, 0);
    used_.store(limit_ - tree_->get_free_memory(), std::memory_order_relaxed);
    current_.fill(&none);
}

// --- small blocks -----------------------------------------------------------------------------
void* slab_heap::refill(std::size_t at_step) noexcept {
    const std::size_t of_bin = bins_of_steps[at_step];
    while (slab* const first = bins_[of_bin].first) {
        if (first->free == nullptr) { make_ready(*first); }
        if (first->free != nullptr) {
            allocate_from_first(of_bin);
            return take(*first, first->free);
        }
        remove(*first);
        first->full = true;
        first->frees_to_look = 1;
    }
    allocate_from_first(of_bin);
    slab* const made = make_slab(of_bin);
    return made == nullptr ? nullptr : take(*made, made->free);
}

void slab_heap::look_at(slab& home) noexcept {
    if (home.full) {
        home.full = false;
        home.frees_to_look = home.capacity - 1;
        return append(home);
    }
    // Empty. The last slab of a size stays, or one block taken and given back would make and drop it each time.
    const bin& of = bins_[home.bin];
    if (of.first == of.last) { return; }
    drop_slab(home);
}

slab_heap::slab* slab_heap::make_slab(std::size_t of_bin) noexcept {
    std::byte* const room = slab_room();
    if (room == nullptr) { return nullptr; }
    const std::uint32_t block = block_sizes[of_bin];
    auto* const made = new (&slab_at(room)) slab;
    made->block = block;
    made->start = room;
    made->capacity = made->fresh = static_cast<std::uint32_t>((slab_size_ - tree_header) / block);
    made->bin = static_cast<std::uint32_t>(of_bin);
    make_ready(*made);
    append(*made);
    allocate_from_first(of_bin);
    return made;
}

std::byte* slab_heap::slab_room() noexcept {
    const std::size_t size = slab_size_ - tree_header;
    do {
        if (void* const room = allocate_in_tree(size, slab_size_)) { return static_cast<std::byte*>(room); }
    } while (drop_empty_slabs());
    return nullptr;
}

void slab_heap::drop_slab(slab& empty) noexcept {
    remove(empty);
    allocate_from_first(empty.bin);
    tree_->deallocate(empty.start);
}

bool slab_heap::drop_empty_slabs() noexcept {
    bool dropped = false;
    for (const bin& of : bins_) {
        for (slab* s = of.first; s != nullptr;) {
            slab* const next = s->next;
            if (s->frees_to_look == 0) {
                drop_slab(*s);
                dropped = true;
            }
            s = next;
        }
    }
    return dropped;
}

void slab_heap::make_ready(slab& s) noexcept {
    const std::uint32_t count = std::min(s.fresh, std::max(made_ready_at_once / s.block, 1U));
    std::byte* at = s.start + std::size_t{s.capacity - s.fresh + count} * s.block;
    for (std::uint32_t i = 0; i < count; ++i) {  // from the last, so that they are handed out in ascending order
        at -= s.block;
        s.free = new (at) link{s.free};
    }
    s.fresh -= count;
}

void slab_heap::append(slab& s) noexcept {
    bin& of = bins_[s.bin];
    s.next = nullptr;
    s.previous = of.last;
    (of.last == nullptr ? of.first : of.last->next) = &s;
    of.last = &s;
}

void slab_heap::remove(slab& s) noexcept {
    bin& of = bins_[s.bin];
    (s.previous == nullptr ? of.first : s.previous->next) = s.next;
    (s.next == nullptr ? of.last : s.next->previous) = s.previous;
}

void slab_heap::allocate_from_first(std::size_t of_bin) noexcept {
    slab* const first = bins_[of_bin].first == nullptr ? &none : bins_[of_bin].first;
    std::size_t at = block_sizes[of_bin] / step;
    while (at > 0 && bins_of_steps[at - 1] == of_bin) { current_[--at] = first; }
}

// --- large blocks -----------------------------------------------------------------------------
void* slab_heap::allocate_in_tree(std::size_t size, std::size_t alignment) noexcept {
    // Up to where the next one is aligned: no gap between them, and each finds room where another like it was.
    if (alignment > step) { size = (size + tree_header + cache_line - 1) / cache_line * cache_line - tree_header; }
    // The tree asks for room to align in even where a hole has it by itself, as those that aligned blocks left do: so
    // first whatever fits best.
    void* const fitting = tree_->allocate(size);
    if (fitting == nullptr || reinterpret_cast<std::uintptr_t>(fitting) % alignment == 0) { return fitting; }
    tree_->deallocate(fitting);
    return tree_->allocate_aligned(size, alignment);
}

void* slab_heap::allocate_large(std::size_t size, std::size_t alignment) noexcept {
    // Sizes near the end of the address space would wrap inside the tree's rounding.
    if (size > limit_ || alignment > limit_) { return nullptr; }
    do {
        const std::size_t free = tree_->get_free_memory();
        if (void* const block = allocate_in_tree(size == 0 ? 1 : size, alignment)) {
            add_used(free - tree_->get_free_memory());
            return block;
        }
    } while (drop_empty_slabs());
    return nullptr;
}

void slab_heap::deallocate_large(void* pointer) noexcept {
    const std::size_t free = tree_->get_free_memory();
    tree_->deallocate(pointer);
    add_used(free - tree_->get_free_memory());
}

}  // namespace numasio
