// Blocks of tasks on their way between threads: in bundles, through a depot for each node.
#include <numasio/detail/task_blocks.hpp>

#include <numasio/detail/atomics.hpp>

#include "src/platform/thread_end.hpp"

#include <array>
#include <utility>

namespace numasio::detail {

constinit thread_local block_store blocks_of_this_thread;

namespace {

constexpr std::uint32_t depots = 65;  // nodes beyond share the first, with the threads that are no worker's

/// Bundles that nobody keeps. Who takes, takes all at once, which leaves no ABA problem (slot_list.hpp).
class depot {
public:
    void push(free_block* first, free_block* last) noexcept {
        auto* head = head_.load(std::memory_order_relaxed);
        do {
            last->next_bundle = head;
        } while (!head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
    }
    free_block* take_all() noexcept {
        if (head_.load(std::memory_order_relaxed) == nullptr) { return nullptr; }
        return head_.exchange(nullptr, std::memory_order_acquire);
    }

private:
    std_atomics::atomic<free_block*> head_{nullptr};
};

struct alignas(64) depot_row {
    std::array<depot, block_sizes> of_size;
};
/// Static, and never destroyed: threads end after the last destructors.
constinit std::array<depot_row, depots> all_depots{};

void send_foreign(block_shelf& from, std::size_t shelf) noexcept {
    if (from.foreign == nullptr) { return; }
    all_depots[from.foreign_depot].of_size[shelf].push(from.foreign, from.foreign);
    from.foreign = nullptr;
    from.foreign_count = 0;
}

void empty_store(void* store) noexcept {
    auto& s = *static_cast<block_store*>(store);
    for (std::size_t shelf = 0; shelf < block_sizes; ++shelf) {
        auto& of = s.shelves[shelf];
        send_foreign(of, shelf);
        auto& home = all_depots[s.depot].of_size[shelf];
        if (of.ready != nullptr) { home.push(of.ready, of.ready); }
        if (of.bundles != nullptr) {
            auto* last = of.bundles;
            while (last->next_bundle != nullptr) { last = last->next_bundle; }
            home.push(of.bundles, last);
        }
        of = {};
    }
}

void blocks_go_back(void* store) {
    static_cast<block_store*>(store)->ended = true;
    static_cast<block_store*>(store)->keeps = false;
    empty_store(store);
}

platform::thread_end& end_of_threads() {
    static platform::thread_end end(blocks_go_back);
    return end;
}

bool may_keep(block_store& store) noexcept {
    if (!store.keeps && !store.ended) { store.keeps = end_of_threads().call_with(&store); }
    return store.keeps;
}

}  // namespace

void* take_block_slowly(block_store& store, std::size_t shelf) {
    auto& mine = store.shelves[shelf];
    if (mine.bundles == nullptr && may_keep(store)) { mine.bundles = all_depots[store.depot].of_size[shelf].take_all(); }
    if (mine.bundles == nullptr) { return ::operator new(std::size_t{64} << shelf, std::align_val_t(64)); }
    auto* const first = mine.bundles;
    mine.bundles = first->next_bundle;
    std::uint32_t n = 0;
    for (auto* b = first->next; b != nullptr; b = b->next) { ++n; }
    mine.ready = first->next;
    mine.count = n;
    return first;
}

void give_block_slowly(block_store& store, std::size_t shelf, void* block, block_origin origin) noexcept {
    auto& mine = store.shelves[shelf];
    // Where it cannot be asked for that blocks go back at the thread's end, none is kept.
    if (!may_keep(store)) { return ::operator delete(block, std::align_val_t(64)); }
    if (origin.depot != store.depot) {
        if (mine.foreign_depot != origin.depot || mine.foreign_count >= block_shelf::bundle) { send_foreign(mine, shelf); }
        mine.foreign_depot = origin.depot;
        mine.foreign = new (block) free_block{mine.foreign, nullptr};
        ++mine.foreign_count;
        return;
    }
    if (mine.count < block_shelf::most) {
        mine.ready = new (block) free_block{mine.ready, nullptr};
        ++mine.count;
        return;
    }
    // Half of what is ready makes way: a bundle for whoever needs one.
    auto* const first = mine.ready;
    auto* last = first;
    for (std::uint32_t i = 1; i < block_shelf::bundle; ++i) { last = last->next; }
    mine.ready = std::exchange(last->next, nullptr);
    mine.count -= block_shelf::bundle;
    all_depots[store.depot].of_size[shelf].push(first, first);
    mine.ready = new (block) free_block{mine.ready, nullptr};
    ++mine.count;
}

void keep_blocks_of(std::uint32_t node_place) noexcept {
    auto& store = blocks_of_this_thread;
    empty_store(&store);
    store.depot = node_place < depots ? node_place : 0;
}

void give_back_blocks() noexcept { empty_store(&blocks_of_this_thread); }

}  // namespace numasio::detail
