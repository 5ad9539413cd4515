// A heap inside a fixed piece of memory: small blocks from slabs of one size, large ones and the slabs from a best-fit
// tree. Private to src/.
#pragma once

#include <numasio/ids.hpp>

#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace numasio {

/// Lives inside the memory that it hands out; never grows. Threads: one at a time; used() and limit() from any.
/// Blocks: never. Fails: allocate() is null where no block is large enough, and the heap stays usable.
/// Cost: a small block some ten instructions; a large one, or a slab, O(log free blocks).
///
/// A slab's address is a multiple of its size, so that a block's address tells its slab. What is known of a slab is not in
/// it but in a table: addresses that are multiples of so much would share few lines of a cache. The bins' lists hold the
/// slabs that have room; a full slab is in none, and the first block that it gets back brings it into its list.
class slab_heap {
public:
    static constexpr std::size_t step = 16;  // of sizes: blocks are a multiple of it, and aligned to it
    static constexpr std::size_t steps = 256;
    static constexpr std::size_t bin_count = 28;

    /// Where in the memory the bookkeeping is and where the blocks begin.
    struct site {
        void* start;  // for `header` bytes, on a cache line
        void* rest;
        std::size_t room;
        std::size_t limit;
    };
    /// Throws std::invalid_argument, in the name of `who`, where the bookkeeping does not fit.
    static site site_in(std::span<std::byte> memory, std::size_t header, const char* who);

    explicit slab_heap(const site& in);
    slab_heap(const slab_heap&) = delete;
    slab_heap& operator=(const slab_heap&) = delete;

    bytes limit() const noexcept { return {limit_}; }
    /// Bytes handed out, each block as large as it was made, and the heap's own. Threads: any; a snapshot.
    bytes used() const noexcept { return {used_.load(std::memory_order_relaxed)}; }

    /// True for what comes from a slab. A heap too small for slabs has none, and a size of 0 is never small.
    bool is_small(std::size_t size, std::size_t alignment) const noexcept {
        return size - 1 < small_ && alignment <= step;
    }
    static std::size_t bin_of(std::size_t small_size) noexcept { return bins_of_steps[(small_size - 1) / step]; }
    static std::uint32_t block_size(std::size_t bin) noexcept { return block_sizes[bin]; }

    /// A small block that is ready; null where there is none, or for a large one: then allocate().
    void* take_ready(std::size_t size, std::size_t alignment) noexcept {
        if (!is_small(size, alignment)) [[unlikely]] { return nullptr; }
        slab* const from = current_[(size - 1) / step];
        link* const block = from->free;
        if (block == nullptr) [[unlikely]] { return nullptr; }
        return take(*from, block);
    }

    void* allocate(std::size_t size, std::size_t alignment) noexcept {
        return is_small(size, alignment) ? refill((size - 1) / step) : allocate_large(size, alignment);
    }

    void deallocate(void* pointer, std::size_t size, std::size_t alignment) noexcept {
        if (!is_small(size, alignment)) [[unlikely]] { return deallocate_large(pointer); }
        slab& home = slab_at(pointer);
        home.free = new (pointer) link{home.free};
        add_used(-std::uint64_t{home.block});
        if (--home.frees_to_look == 0) [[unlikely]] { look_at(home); }
    }

private:
    struct link {
        link* next;
    };

    struct alignas(64) slab {
        link* free = nullptr;             // blocks that were handed out and came back, or were made ready
        std::uint32_t frees_to_look = 0;  // blocks that are out; 1 while the slab is full, to hear of the first free
        std::uint32_t block = 0;          // size of each
        std::byte* start = nullptr;
        std::uint32_t fresh = 0;  // blocks never made ready, at the end
        std::uint32_t capacity = 0;
        slab* next = nullptr;
        slab* previous = nullptr;
        std::uint32_t bin = 0;
        bool full = false;
    };
    static_assert(sizeof(slab) == 64);

    struct bin {
        slab* first = nullptr;  // the one that is allocated from
        slab* last = nullptr;
    };

    // No mutex: one thread at a time. Raw pointers: the memory is never mapped at another address.
    using best_fit = boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family, void*>;

    static constexpr std::array<std::uint32_t, bin_count> block_sizes = {
        16,  32,  48,  64,  80,  96,  112,  128,  160,  192,  224,  256,  320,  384,
        448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096};
    static constexpr std::array<std::uint8_t, steps> bins_of_steps = [] {
        std::array<std::uint8_t, steps> found{};
        std::uint8_t bin = 0;
        for (std::size_t i = 0; i < steps; ++i) {
            if ((i + 1) * step > block_sizes[bin]) { ++bin; }
            found[i] = bin;
        }
        return found;
    }();
    static slab none;  // has no block: what current_ names where a bin has no slab

    slab& slab_at(void* block) noexcept {
        const std::uintptr_t line = (reinterpret_cast<std::uintptr_t>(block) - first_slab_) >> to_table_;
        return *reinterpret_cast<slab*>(reinterpret_cast<std::byte*>(table_) + (line & ~(sizeof(slab) - 1)));
    }
    void add_used(std::uint64_t more) noexcept {
        used_.store(used_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    void* take(slab& from, link* block) noexcept {
        from.free = block->next;
        ++from.frees_to_look;
        add_used(from.block);
        return block;
    }

    void* refill(std::size_t at_step) noexcept;
    void* allocate_large(std::size_t size, std::size_t alignment) noexcept;
    void* allocate_in_tree(std::size_t size, std::size_t alignment) noexcept;
    void deallocate_large(void* pointer) noexcept;
    void look_at(slab& home) noexcept;

    slab* make_slab(std::size_t of_bin) noexcept;
    std::byte* slab_room() noexcept;
    void drop_slab(slab& empty) noexcept;
    bool drop_empty_slabs() noexcept;
    static void make_ready(slab& s) noexcept;
    void append(slab& s) noexcept;
    void remove(slab& s) noexcept;
    void allocate_from_first(std::size_t of_bin) noexcept;

    // What each small block needs, on one line.
    std::size_t small_ = 0;  // largest size of a small block; 0: no slabs
    std::uintptr_t first_slab_ = 0;  // where the first slab would be
    slab* table_ = nullptr;
    std::uint32_t to_table_ = 0;     // a distance shifted by so much is one in the table
    std::atomic<std::uint64_t> used_{0};  // written by the owner only, so a load and a store are enough
    std::array<slab*, steps> current_;    // the bins' first ones, by size
    std::size_t slab_size_ = 0;
    std::uint64_t limit_;
    best_fit* tree_;
    std::array<bin, bin_count> bins_{};
};

}  // namespace numasio
