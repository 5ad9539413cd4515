// Memory for tasks: blocks that a thread keeps for its next ones, from the node on which they are taken.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>

namespace numasio::detail {

/// Where a block goes back to: a depot for each node, and one for the threads that are no worker's.
struct block_origin {
    std::uint32_t depot = 0;
};

struct free_block {
    free_block* next;
    free_block* next_bundle;  // of a bundle's first block
};

/// The free blocks of one thread: those of its own depot, ready, and bundles of such; and those of others', on their way back.
struct block_shelf {
    static constexpr std::uint32_t bundle = 32;
    static constexpr std::uint32_t most = 2 * bundle;

    free_block* ready = nullptr;
    std::uint32_t count = 0;
    std::uint32_t foreign_count = 0;
    free_block* bundles = nullptr;
    free_block* foreign = nullptr;
    std::uint32_t foreign_depot = 0;
};

/// Sizes of blocks: 64, 128, 256, 512. What is larger, or aligned more strictly, comes from operator new.
inline constexpr std::size_t block_sizes = 4;
constexpr std::size_t block_class(std::size_t size) noexcept {
    std::size_t c = 0;
    while (c < block_sizes && size > (std::size_t{64} << c)) { ++c; }
    return c;
}

struct block_store {
    std::uint32_t depot = 0;  // of the thread; 0: of those that are no worker's, whose blocks come from operator new
    std::optional<node_id> memory_node;  // of a worker's: pages bound to it are cut into blocks, and stay blocks
    std::byte* uncut = nullptr;
    std::byte* uncut_end = nullptr;
    bool keeps = false;       // it was asked for that blocks go back at the thread's end
    bool ended = false;       // the thread is about to: it keeps nothing any more
    block_shelf shelves[block_sizes];
};
/// Not inline: two libraries with this one inside have stores of their own.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local block_store blocks_of_this_thread;

/// Fails: std::bad_alloc.
void* take_block_slowly(block_store& store, std::size_t shelf);
void give_block_slowly(block_store& store, std::size_t shelf, void* block, block_origin origin) noexcept;
/// The calling thread is a worker of the node at this place (place_of_node()), from its first block on. `memory_node`: the node itself, or the nearest that has memory; none where nodes are not real.
void keep_blocks_of(std::uint32_t node_place, std::optional<node_id> memory_node) noexcept;
/// All that the calling thread keeps goes back to the depots.
void give_back_blocks() noexcept;

template <std::size_t Size, std::size_t Alignment>
void* take_block(block_origin& origin) {
    constexpr auto shelf = block_class(Size);
    if constexpr (shelf == block_sizes || Alignment > 64) {
        return ::operator new(Size, std::align_val_t(Alignment));
    } else {
        auto& store = blocks_of_this_thread;
        auto& mine = store.shelves[shelf];
        origin.depot = store.depot;
        if (mine.ready == nullptr) { return take_block_slowly(store, shelf); }
        auto* const block = mine.ready;
        mine.ready = block->next;
        --mine.count;
        return block;
    }
}

template <std::size_t Size, std::size_t Alignment>
void give_block(void* block, block_origin origin) noexcept {
    constexpr auto shelf = block_class(Size);
    if constexpr (shelf == block_sizes || Alignment > 64) {
        ::operator delete(block, std::align_val_t(Alignment));
    } else {
        auto& store = blocks_of_this_thread;
        auto& mine = store.shelves[shelf];
        if (origin.depot != store.depot || mine.count >= block_shelf::most || !store.keeps) {
            return give_block_slowly(store, shelf, block, origin);
        }
        mine.ready = new (block) free_block{mine.ready, nullptr};
        ++mine.count;
    }
}

}  // namespace numasio::detail
