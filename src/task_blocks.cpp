// Blocks of tasks on their way between threads: in bundles, through a depot for each node.
#include <numasio/detail/task_blocks.hpp>

#include <numasio/detail/atomics.hpp>

#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/platform/thread_end.hpp"

#include <boost/system/system_error.hpp>

#include <array>
#include <new>
#include <span>
#include <utility>

namespace numasio::detail {

constinit thread_local block_store blocks_of_this_thread;

namespace {

constexpr std::uint32_t depots = 65;             // nodes beyond share the first, with the threads that are no worker's
constexpr std::size_t pages_at_a_time = 64 << 10;

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
    depot uncut;  // what ended threads had not cut: up to where `next` points
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
    if (s.uncut != s.uncut_end) {
        auto* const rest = new (s.uncut) free_block{reinterpret_cast<free_block*>(s.uncut_end), nullptr};
        all_depots[s.depot].uncut.push(rest, rest);
    }
    s.uncut = s.uncut_end = nullptr;
}

/// Pages for blocks: what an ended thread has left, or new ones, which are never given back. Fails: std::bad_alloc.
void take_pages(block_store& s) {
    if (auto* const left = all_depots[s.depot].uncut.take_all()) {
        if (auto* const others = left->next_bundle) {
            auto* last = others;
            while (last->next_bundle != nullptr) { last = last->next_bundle; }
            all_depots[s.depot].uncut.push(others, last);
        }
        s.uncut_end = reinterpret_cast<std::byte*>(left->next);
        s.uncut = reinterpret_cast<std::byte*>(left);
        return;
    }
    try {
        const auto pages = platform::map_pages(pages_at_a_time);
        // Where it is refused they come from the node all the same, as long as it has some: the thread, which touches them first, prefers it.
        if (s.memory_node) { static_cast<void>(platform::bind_pages(pages, std::span(&*s.memory_node, 1), memory_policy::preferred)); }
        s.uncut = pages.data();
        s.uncut_end = s.uncut + pages.size();
    } catch (const boost::system::system_error&) {
        throw std::bad_alloc();
    }
}

/// A block that nobody has had. Fails: std::bad_alloc.
void* cut_block(block_store& s, std::size_t size) {
    while (static_cast<std::size_t>(s.uncut_end - s.uncut) < size) {
        // What is too short for this size is blocks of the smallest.
        for (; s.uncut != s.uncut_end; s.uncut += 64) {
            s.shelves[0].bundles = new (s.uncut) free_block{nullptr, s.shelves[0].bundles};
        }
        take_pages(s);
    }
    return std::exchange(s.uncut, s.uncut + size);
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
    if (mine.bundles == nullptr) {
        const auto size = std::size_t{64} << shelf;
        return store.depot == 0 ? ::operator new(size, std::align_val_t(64)) : cut_block(store, size);
    }
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
    if (!may_keep(store)) {
        if (origin.depot == 0) { return ::operator delete(block, std::align_val_t(64)); }
        auto* const one = new (block) free_block{nullptr, nullptr};
        return all_depots[origin.depot].of_size[shelf].push(one, one);
    }
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

void keep_blocks_of(std::uint32_t node_place, std::optional<node_id> memory_node) noexcept {
    auto& store = blocks_of_this_thread;
    empty_store(&store);
    store.depot = node_place < depots ? node_place : 0;
    store.memory_node = memory_node;
}

void give_back_blocks() noexcept { empty_store(&blocks_of_this_thread); }

}  // namespace numasio::detail
