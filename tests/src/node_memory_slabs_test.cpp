// Memory large enough for slabs, in both forms: nothing overlaps, the limit holds, what is freed is room again.
#include "support/memory_arena.hpp"

#include <numasio/node_memory.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using numasio::node_memory;
using numasio::shared_node_memory;
using numasio::test::arena;
using numasio::test::block;

template <class Memory>
void give_back(Memory& memory, const block& b) {
    memory.deallocate(b.start, b.size, b.alignment);
}

/// As many blocks of `size` as there are.
template <class Memory>
std::vector<void*> fill(Memory& memory, std::size_t size) {
    std::vector<void*> blocks;
    try {
        for (;;) { blocks.push_back(memory.allocate(size)); }
    } catch (const std::bad_alloc&) {
    }
    return blocks;
}

template <class Memory>
class memory_with_slabs : public ::testing::Test {};
using both_forms = ::testing::Types<node_memory, shared_node_memory>;
TYPED_TEST_SUITE(memory_with_slabs, both_forms);

TYPED_TEST(memory_with_slabs, random_use_never_overlaps_misaligns_passes_the_limit_or_leaks) {
    rc::check("random allocate and free", [] {
        const std::size_t size = std::size_t{1} << *rc::gen::inRange(20, 24);
        arena<TypeParam> a(size);
        const auto before = a.memory.used();
        std::mt19937 dice(*rc::gen::arbitrary<std::uint32_t>());
        std::vector<block> live;
        for (int step = 0; step < 2500; ++step) {
            if (live.empty() || dice() % 8 < 5) {
                const std::size_t most = dice() % 50 == 0 ? 100'000 : dice() % 4 == 0 ? 3000 : 300;
                const std::size_t alignment = std::size_t{1} << (dice() % 6 == 0 ? dice() % 9 : dice() % 5);
                block b{nullptr, dice() % most, alignment, static_cast<std::byte>(dice())};
                try {
                    b.start = static_cast<std::byte*>(a.memory.allocate(b.size, b.alignment));
                } catch (const std::bad_alloc&) {
                    continue;
                }
                RC_ASSERT(reinterpret_cast<std::uintptr_t>(b.start) % b.alignment == 0U);
                RC_ASSERT(b.start >= a.storage.get() && b.start + b.size <= a.storage.get() + size);
                std::fill_n(b.start, b.size, b.pattern);
                live.push_back(b);
            } else {
                std::swap(live[dice() % live.size()], live.back());
                RC_ASSERT(live.back().intact());
                give_back(a.memory, live.back());
                live.pop_back();
            }
            RC_ASSERT(a.memory.used() <= a.memory.limit());
        }
        std::size_t handed_out = 0;
        for (const block& b : live) { handed_out += b.size; }
        RC_ASSERT(a.memory.used().value >= before.value + handed_out);
        for (const block& b : live) {
            RC_ASSERT(b.intact());
            give_back(a.memory, b);
        }
        RC_ASSERT(a.memory.used() == before);
    });
}

struct taken_for {
    std::size_t size, taken;
};
constexpr taken_for small_sizes[] = {{1, 16}, {16, 16}, {17, 32}, {100, 112}, {129, 160}, {500, 512}, {700, 768}, {1000, 1024}, {1024, 1024}, {1025, 1040}};
constexpr taken_for kibs[] = {{1025, 1280}, {2048, 2048}, {2049, 2560}, {4000, 4096}, {4096, 4096}, {4097, 4112}};

TYPED_TEST(memory_with_slabs, all_room_is_back_for_one_large_block_after_every_small_size_was_used) {
    for (const std::size_t memory : {std::size_t{8} << 20, std::size_t{64} << 20}) {
        arena<TypeParam> a(memory);
        const std::size_t whole = a.memory.limit().value - a.memory.used().value - 64;
        const std::span<const taken_for> sizes = memory < std::size_t{64} << 20 ? std::span<const taken_for>(small_sizes) : kibs;
        for (const auto& [size, taken] : sizes) {
            auto blocks = fill(a.memory, size);
            EXPECT_GT(blocks.size() * taken, a.memory.limit().value * 92 / 100) << size;
            std::shuffle(blocks.begin(), blocks.end(), std::mt19937(7));
            for (void* b : blocks) { a.memory.deallocate(b, size); }
        }
        a.memory.deallocate(a.memory.allocate(whole), whole);
    }
}

TYPED_TEST(memory_with_slabs, exhaustion_in_one_size_throws_and_one_free_is_one_allocation) {
    arena<TypeParam> a(1 << 20);
    auto blocks = fill(a.memory, 200);
    EXPECT_THROW(static_cast<void>(a.memory.allocate(200)), std::bad_alloc);
    EXPECT_LE(a.memory.used(), a.memory.limit());
    for (std::size_t i = 0; i < blocks.size(); i += 97) {
        a.memory.deallocate(blocks[i], 200);
        blocks[i] = a.memory.allocate(200);
    }
    for (void* b : blocks) { a.memory.deallocate(b, 200); }
}

// What a store of values does to memory: it fills up with many small ones, most are deleted, large ones follow.
TYPED_TEST(memory_with_slabs, an_aligned_block_finds_room_where_another_of_its_size_was_however_full_the_memory_is) {
    arena<TypeParam> a(1 << 20);
    for (const std::size_t alignment : {std::size_t{32}, std::size_t{64}}) {
        for (const std::size_t size : {std::size_t{64}, std::size_t{100}, std::size_t{5000}}) {
            std::vector<void*> blocks;
            try {
                for (;;) { blocks.push_back(a.memory.allocate(size, alignment)); }
            } catch (const std::bad_alloc&) {
            }
            for (std::size_t i = 1; i < blocks.size(); ++i) {
                a.memory.deallocate(blocks[i], size, alignment);
                EXPECT_EQ(a.memory.allocate(size, alignment), blocks[i]) << size;
            }
            for (void* b : blocks) { a.memory.deallocate(b, size, alignment); }
        }
    }
}

TYPED_TEST(memory_with_slabs, large_blocks_find_room_after_many_small_ones_most_of_which_are_gone) {
    arena<TypeParam> a(16 << 20);
    std::mt19937 dice(11);
    std::vector<block> live;
    try {
        for (;;) {
            const std::size_t size = 16 + dice() % 240;
            live.push_back({static_cast<std::byte*>(a.memory.allocate(size)), size, alignof(std::max_align_t), {}});
        }
    } catch (const std::bad_alloc&) {
    }
    // Deleted as they expire: the oldest three quarters.
    for (std::size_t i = 0; i < live.size() * 3 / 4; ++i) { give_back(a.memory, live[i]); }
    const auto large = fill(a.memory, 256 << 10);
    EXPECT_GE(large.size(), 40U);  // of 48 that three quarters of the room hold
    for (void* b : large) { a.memory.deallocate(b, 256 << 10); }
    for (std::size_t i = live.size() * 3 / 4; i < live.size(); ++i) { give_back(a.memory, live[i]); }
}

TYPED_TEST(memory_with_slabs, standard_containers_live_in_it_by_node_allocator) {
    arena<TypeParam> a(4 << 20);
    const auto before = a.memory.used();
    {
        std::vector<std::pmr::string, numasio::node_allocator<std::pmr::string>> words{
            numasio::node_allocator<std::pmr::string>(&a.memory)};
        for (int i = 0; i < 1000; ++i) { words.emplace_back(std::string(static_cast<std::size_t>(i % 100), 'x')); }
        EXPECT_EQ(words[99].get_allocator().resource(), &a.memory);
        EXPECT_EQ(words[99], std::pmr::string(99, 'x'));
    }
    EXPECT_EQ(a.memory.used(), before);
}

TEST(node_memory, a_small_size_pays_for_its_size_and_not_for_a_header) {
    arena<node_memory> a(4 << 20);
    a.memory.deallocate(a.memory.allocate(64), 64);  // makes the slab
    const auto before = a.memory.used().value;
    std::vector<void*> blocks;
    for (int i = 0; i < 30; ++i) { blocks.push_back(a.memory.allocate(64)); }
    EXPECT_EQ(a.memory.used().value - before, 30U * 64U);
    for (void* b : blocks) { a.memory.deallocate(b, 64); }
}

TEST(node_memory, a_foreign_free_is_counted_and_its_room_comes_back_to_the_owner) {
    arena<node_memory> a(1 << 20);
    const auto before = a.memory.used();
    auto small = fill(a.memory, 100);
    ASSERT_GT(small.size(), 5000U);
    std::thread([&] {
        for (void* b : small) { a.memory.deallocate(b, 100); }
    }).join();
    EXPECT_EQ(a.memory.foreign_frees(), small.size());
    EXPECT_GT(a.memory.used(), before);  // not yet: only the owner touches its lists
    void* const large = a.memory.allocate(500'000);
    std::thread([&] { a.memory.deallocate(large, 500'000); }).join();
    EXPECT_EQ(a.memory.foreign_frees(), small.size() + 1);
    small = fill(a.memory, 1000);
    EXPECT_GT(small.size(), 900U);
    for (void* b : small) { a.memory.deallocate(b, 1000); }
    EXPECT_EQ(a.memory.used(), before);
}

TEST(node_memory, the_thread_that_owns_it_now_frees_at_once) {
    arena<node_memory> a(1 << 20);
    const auto before = a.memory.used();
    void* const b = a.memory.allocate(100);
    std::thread([&] {
        a.memory.own();
        a.memory.deallocate(b, 100);
        EXPECT_EQ(a.memory.used(), before);
    }).join();
    EXPECT_EQ(a.memory.foreign_frees(), 0U);
    a.memory.deallocate(a.memory.allocate(100), 100);
    EXPECT_EQ(a.memory.foreign_frees(), 1U);
}

TEST(node_memory, foreign_frees_from_many_threads_while_the_owner_works_lose_no_block) {
    arena<node_memory> a(4 << 20);
    const auto before = a.memory.used();
    constexpr std::size_t rounds = 40;
    constexpr std::size_t each = 200;
    std::uint64_t foreign = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        std::vector<std::vector<block>> given(3);
        for (auto& blocks : given) {
            for (std::size_t i = 0; i < each; ++i) {
                const std::size_t size = i % 10 == 0 ? 3000 : 16 + i;
                blocks.push_back({static_cast<std::byte*>(a.memory.allocate(size)), size, alignof(std::max_align_t),
                                  static_cast<std::byte>(i)});
                std::fill_n(blocks.back().start, size, blocks.back().pattern);
            }
        }
        std::vector<std::thread> threads;
        for (const auto& blocks : given) {
            threads.emplace_back([&] {
                for (const block& b : blocks) {
                    EXPECT_TRUE(b.intact());
                    give_back(a.memory, b);
                }
            });
        }
        for (std::size_t i = 0; i < 2000; ++i) { a.memory.deallocate(a.memory.allocate(16 + i), 16 + i); }
        for (auto& t : threads) { t.join(); }
        foreign += given.size() * each;
    }
    EXPECT_EQ(a.memory.foreign_frees(), foreign);
    a.memory.deallocate(a.memory.allocate(5000), 5000);  // the owner takes back what was set aside
    EXPECT_EQ(a.memory.used(), before);
}

TEST(shared_node_memory, threads_that_free_each_others_blocks_never_overlap_or_leak) {
    arena<shared_node_memory> a(8 << 20);
    const auto before = a.memory.used();
    std::vector<std::atomic<block*>> swap(64);
    const auto work = [&](unsigned seed) {
        std::mt19937 dice(seed);
        for (int i = 0; i < 20'000; ++i) {
            const std::size_t size = dice() % 100 == 0 ? 5000 : 1 + dice() % 400;
            block* mine = new block{nullptr, size, alignof(std::max_align_t), static_cast<std::byte>(dice())};
            try {
                mine->start = static_cast<std::byte*>(a.memory.allocate(size));
                std::fill_n(mine->start, size, mine->pattern);
            } catch (const std::bad_alloc&) {
                delete mine;
                mine = nullptr;
            }
            block* const other = swap[dice() % swap.size()].exchange(mine);
            if (other == nullptr) { continue; }
            EXPECT_TRUE(other->intact());
            give_back(a.memory, *other);
            delete other;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) { threads.emplace_back(work, t); }
    for (auto& t : threads) { t.join(); }
    for (auto& s : swap) {
        if (block* const b = s) {
            EXPECT_TRUE(b->intact());
            give_back(a.memory, *b);
            delete b;
        }
    }
    EXPECT_EQ(a.memory.used(), before);
}

TEST(shared_node_memory, what_other_threads_have_at_hand_is_given_back_before_it_throws) {
    arena<shared_node_memory> a(1 << 20);
    const std::size_t whole = a.memory.limit().value - a.memory.used().value - 64;
    for (int t = 0; t < 20; ++t) {
        std::thread([&] {
            for (std::size_t size = 16; size <= 512; size += 16) { a.memory.deallocate(a.memory.allocate(size), size); }
        }).join();
    }
    a.memory.deallocate(a.memory.allocate(whole), whole);
}

TEST(shared_node_memory, tried_for_more_than_there_is_answers_null_and_never_throws) {
    arena<shared_node_memory> a(1 << 20);
    const auto before = a.memory.used();
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t size : {most, most - 63, most / 2 + 1, std::size_t{1} << 20}) {
        for (const std::size_t alignment : {std::size_t{16}, std::size_t{64}}) { EXPECT_EQ(a.memory.try_allocate(size, alignment), nullptr) << size; }
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{24}, std::size_t{5000}}) {
        void* const tried = a.memory.try_allocate(size);
        ASSERT_NE(tried, nullptr);
        a.memory.deallocate(tried, size);
    }
    EXPECT_EQ(a.memory.used(), before);
}

}  // namespace
