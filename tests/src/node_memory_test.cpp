// A fixed piece of memory: aligned, bounded, coalescing, never corrupt.
#include "support/memory_arena.hpp"

#include <numasio/node_memory.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using numasio::node_memory;
using numasio::test::arena;
using numasio::test::block;

TEST(node_memory, every_alignment_is_honoured_inside_the_span) {
    arena<node_memory> a(1 << 20);
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{5000}}) {
            auto* const p = static_cast<std::byte*>(a.memory.allocate(size, alignment));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0U) << alignment;
            EXPECT_GE(p, a.storage.get());
            EXPECT_LE(p + size, a.storage.get() + (1 << 20));
            a.memory.deallocate(p, size, alignment);
        }
    }
}

TEST(node_memory, exhaustion_throws_and_leaves_the_resource_usable) {
    arena<node_memory> a(256 << 10);
    std::vector<void*> blocks;
    EXPECT_THROW({ for (;;) { blocks.push_back(a.memory.allocate(1000)); } }, std::bad_alloc);
    EXPECT_GT(blocks.size(), 240U);
    EXPECT_GT(a.memory.used().value, blocks.size() * 1000);
    EXPECT_LE(a.memory.used().value, a.memory.limit().value);
    EXPECT_THROW(static_cast<void>(a.memory.allocate(1000)), std::bad_alloc);
    a.memory.deallocate(blocks.back(), 1000);
    blocks.back() = a.memory.allocate(1000);
    for (void* p : blocks) { a.memory.deallocate(p, 1000); }
}

TEST(node_memory, sizes_and_alignments_beyond_the_span_throw) {
    arena<node_memory> a(64 << 10);
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t size : {most, most - 15, most / 2 + 1, std::size_t{64} << 10}) {
        EXPECT_THROW(static_cast<void>(a.memory.allocate(size, 1)), std::bad_alloc) << size;
    }
    EXPECT_THROW(static_cast<void>(a.memory.allocate(1, std::size_t{1} << 31)), std::bad_alloc);
    a.memory.deallocate(a.memory.allocate(100), 100);
}

TEST(node_memory, freed_neighbours_become_one_block_again) {
    arena<node_memory> a(1 << 20);
    const auto before = a.memory.used();
    std::vector<void*> blocks;
    try {
        for (;;) { blocks.push_back(a.memory.allocate(48)); }
    } catch (const std::bad_alloc&) {
    }
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(7));
    for (void* p : blocks) { a.memory.deallocate(p, 48); }
    EXPECT_EQ(a.memory.used(), before);
    const std::size_t whole = a.memory.limit().value - before.value - 64;
    a.memory.deallocate(a.memory.allocate(whole), whole);
}

// How many blocks of 1000 bytes fit after the memory was filled with blocks of 100 bytes and emptied again,
// as a share of those that fit at first.
double share_after_a_shift(std::pmr::memory_resource& first, std::pmr::memory_resource& memory) {
    const auto fill = [](std::pmr::memory_resource& m, std::size_t size) {
        std::vector<void*> blocks;
        try {
            for (;;) { blocks.push_back(m.allocate(size)); }
        } catch (const std::bad_alloc&) {
        }
        const std::size_t count = blocks.size();
        for (void* p : blocks) { m.deallocate(p, size); }
        return static_cast<double>(count);
    };
    const double at_first = fill(first, 1000);
    fill(memory, 100);
    return fill(memory, 1000) / at_first;
}

// The reason for docs/decisions/0001-node-memory.md.
TEST(node_memory, a_shift_of_sizes_reuses_what_was_freed_where_a_pool_resource_cannot) {
    constexpr std::size_t size = 8 << 20;
    arena<node_memory> a(size);
    arena<node_memory> b(size);
    const double ours = share_after_a_shift(a.memory, b.memory);
    const auto storage = std::make_unique<std::byte[]>(size);
    std::pmr::monotonic_buffer_resource span(storage.get(), size, std::pmr::null_memory_resource());
    std::pmr::unsynchronized_pool_resource pool(&span);
    arena<node_memory> c(size);
    const double theirs = share_after_a_shift(c.memory, pool);
    std::printf("usable after a shift of sizes: node_memory %.1f %%, pool resource %.1f %%\n", ours * 100,
                theirs * 100);
    EXPECT_GT(ours, 0.995);  // a slab of the old size stays
    EXPECT_LT(theirs, ours);
}

TEST(node_memory, random_use_never_corrupts_overlaps_or_leaks) {
    rc::check("random allocate and free", [] {
        arena<node_memory> a(128 << 10);
        const auto before = a.memory.used();
        std::mt19937 dice(*rc::gen::arbitrary<std::uint32_t>());
        std::vector<block> live;
        for (int step = 0; step < 2000; ++step) {
            if (live.empty() || dice() % 5 < 3) {
                block b{nullptr, dice() % (dice() % 8 == 0 ? 8192 : 200), std::size_t{1} << dice() % 9,
                        static_cast<std::byte>(dice())};
                try {
                    b.start = static_cast<std::byte*>(a.memory.allocate(b.size, b.alignment));
                } catch (const std::bad_alloc&) {
                    continue;
                }
                RC_ASSERT(reinterpret_cast<std::uintptr_t>(b.start) % b.alignment == 0U);
                std::fill_n(b.start, b.size, b.pattern);
                live.push_back(b);
            } else {
                std::swap(live[dice() % live.size()], live.back());
                RC_ASSERT(live.back().intact());
                a.memory.deallocate(live.back().start, live.back().size, live.back().alignment);
                live.pop_back();
            }
            RC_ASSERT(a.memory.used() <= a.memory.limit());
        }
        for (const block& b : live) {
            RC_ASSERT(b.intact());
            a.memory.deallocate(b.start, b.size, b.alignment);
        }
        RC_ASSERT(a.memory.used() == before);
    });
}

TEST(node_memory, standard_containers_live_in_it) {
    arena<node_memory> a(1 << 20);
    const auto before = a.memory.used();
    {
        std::pmr::vector<std::pmr::string> words(&a.memory);
        for (int i = 0; i < 1000; ++i) { words.emplace_back(std::string(static_cast<std::size_t>(i % 100), 'x')); }
        EXPECT_GE(a.memory.used().value, before.value + 1000 * sizeof(std::pmr::string));
        EXPECT_EQ(words[99], std::pmr::string(99, 'x'));
    }
    EXPECT_EQ(a.memory.used(), before);
}

TEST(node_memory, an_unaligned_span_is_used_and_a_tiny_one_is_refused) {
    alignas(64) std::byte storage[4096];
    node_memory memory({storage + 3, sizeof(storage) - 3});
    void* const p = memory.allocate(1000);
    std::memset(p, 0xab, 1000);
    memory.deallocate(p, 1000);
    EXPECT_THROW(node_memory({storage, 64}), std::invalid_argument);
    EXPECT_THROW(node_memory({}), std::invalid_argument);
}

TEST(node_memory, it_equals_itself_only) {
    arena<node_memory> a(4096);
    arena<node_memory> b(4096);
    EXPECT_TRUE(a.memory.is_equal(a.memory));
    EXPECT_FALSE(a.memory.is_equal(b.memory));
}

TEST(node_memory, used_may_be_read_while_the_owner_works) {
    arena<node_memory> a(256 << 10);
    std::atomic<bool> done{false};
    std::uint64_t most = 0;
    std::thread reader([&] {
        while (!done) { most = std::max(most, a.memory.used().value); }
    });
    for (int i = 0; i < 20000; ++i) {
        void* const p = a.memory.allocate(4000);
        a.memory.deallocate(p, 4000);
    }
    done = true;
    reader.join();
    EXPECT_LE(most, a.memory.limit().value);
}

}  // namespace
