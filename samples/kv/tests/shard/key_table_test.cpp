// The table finds what it holds at every size, with bounded work for each step.
#include "shard/key_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

namespace kv {
namespace {

struct stored {
    explicit stored(const std::string& key, std::uint64_t hash) : bytes(sizeof(entry) + key.size()) {
        it = ::new (static_cast<void*>(bytes.data()))
            entry{nullptr, hash, 0, nullptr, static_cast<std::uint32_t>(key.size()), 0};
        std::memcpy(it->key_bytes(), key.data(), key.size());
    }
    std::vector<std::byte> bytes;
    entry* it;
};

std::string name(int i) { return "key:" + std::to_string(i); }

/// Counts, and refuses at `limit`. Takes back at its end what a table leaves to its arena.
class counted_resource : public std::pmr::memory_resource {
public:
    std::size_t live = 0, limit = SIZE_MAX, largest = 0;

private:
    void* do_allocate(std::size_t n, std::size_t a) override {
        if (live + n > limit) { throw std::bad_alloc(); }
        live += n;
        largest = std::max(largest, n);
        return arena_.allocate(n, a);
    }
    void do_deallocate(void*, std::size_t n, std::size_t) override { live -= n; }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }

    std::pmr::monotonic_buffer_resource arena_;
};

class key_table_test : public testing::Test {
protected:
    void add(int i) {
        entries.emplace_back(name(i), key_hash(name(i), secret));
        table.insert(entries.back().it);
    }
    bool has(int i) { return *table.find(name(i), key_hash(name(i), secret)) != nullptr; }

    std::pmr::monotonic_buffer_resource arena;
    shard_memory memory{arena};
    hash_secret secret{1, 2};
    key_table table{memory, 64 << 20};
    std::deque<stored> entries;
};

TEST_F(key_table_test, everything_is_found_while_it_grows_and_shrinks) {
    constexpr int n = 20'000;
    for (int i = 0; i < n; ++i) {
        add(i);
        ASSERT_TRUE(has(i));
        ASSERT_TRUE(has(i / 2));
    }
    EXPECT_EQ(table.size(), static_cast<std::size_t>(n));
    EXPECT_EQ(table.buckets(), static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
        ASSERT_TRUE(has(i)) << i;
        table.unlink(table.find(name(i), key_hash(name(i), secret)));
        table.shrink();
        ASSERT_FALSE(has(i)) << i;
        ASSERT_TRUE(i + 1 == n || has(n - 1)) << i;
    }
    while (table.buckets() > key_table::segment_buckets) {
        const auto before = table.buckets();
        table.shrink();
        ASSERT_EQ(table.buckets(), before - 1);
    }
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(key_table_test, one_insertion_splits_at_most_one_bucket) {
    for (int i = 0; i < 5000; ++i) {
        const auto before = table.buckets();
        add(i);
        ASSERT_LE(table.buckets() - before, 1U);
    }
}

TEST_F(key_table_test, the_stretches_of_all_buckets_make_up_the_hashes_at_every_size) {
    for (int i = 0; i < 3000; ++i) {
        add(i);
        if (i % 7 != 0) { continue; }
        std::vector<int> visits(table.buckets());
        std::uint64_t point = 0;
        do {
            const auto [bucket, end] = table.at(point);
            ++visits.at(bucket);
            table.each_in_bucket(bucket, [&, from = point, to = end](entry** link) {
                EXPECT_GE(reversed((*link)->hash), from);
                EXPECT_LE(reversed((*link)->hash), to - 1);
                return &(*link)->next;
            });
            point = end;
        } while (point != 0);
        ASSERT_EQ(std::ranges::count(visits, 1), static_cast<std::ptrdiff_t>(visits.size()));
    }
}

TEST_F(key_table_test, a_walk_meets_each_key_once_although_the_table_grows_and_shrinks_under_it) {
    for (const bool grows : {true, false}) {
        int others = grows ? 100'000 : 200'000;
        for (int i = 0; i < 1000; ++i) { add(i + (grows ? 0 : 50'000)); }
        if (!grows) { for (int i = 0; i < 5000; ++i) { add(200'000 + i); } }
        std::map<std::string, int> met;
        std::uint64_t point = 0;
        do {
            const auto [bucket, end] = table.at(point);
            table.each_in_bucket(bucket, [&, from = point](entry** link) {
                if (reversed((*link)->hash) >= from) { ++met[std::string((*link)->key())]; }
                return &(*link)->next;
            });
            point = end;
            for (int k = 0; k < 5; ++k) {
                if (grows) { add(others++); }
                else if (others < 205'000) {
                    table.unlink(table.find(name(others), key_hash(name(others), secret)));
                    ++others;
                }
                table.shrink();
            }
        } while (point != 0);
        for (int i = 0; i < 1000; ++i) { ASSERT_EQ(met[name(i + (grows ? 0 : 50'000))], 1) << i; }
        for (const auto& [key, times] : met) { ASSERT_EQ(times, 1) << key; }
        // The next round begins with an empty table.
        for (auto& e : entries) {
            entry** const link = table.find(e.it->key(), e.it->hash);
            if (*link != nullptr) { table.unlink(link); }
        }
        while (table.shrink()) {}
        entries.clear();
    }
}

TEST(key_table, growing_never_asks_for_more_than_a_segment_and_does_without) {
    counted_resource counted;
    shard_memory memory(counted);
    key_table table(memory, 64 << 20);
    counted.largest = 0;
    counted.limit = counted.live + 8 * 4096;  // room for eight more segments, then none
    std::deque<stored> entries;
    for (int i = 0; i < 20'000; ++i) {
        entries.emplace_back(name(i), key_hash(name(i), {}));
        table.insert(entries.back().it);
    }
    EXPECT_EQ(counted.largest, 4096U);
    EXPECT_EQ(table.buckets(), 9 * key_table::segment_buckets);
    for (int i = 0; i < 20'000; ++i) { ASSERT_NE(*table.find(name(i), key_hash(name(i), {})), nullptr); }
}

TEST(key_hash, is_siphash_1_3) {
    // What CPython 3.11 computes with the key zero: PYTHONHASHSEED=0 python3 -c 'print(hex(hash(b"a")))'.
    const hash_secret zero;
    EXPECT_EQ(key_hash("a", zero), 0x407448d2b89b1813U);
    EXPECT_EQ(key_hash("greeting", zero), 0xf12b67d993ef1bc1U);
    EXPECT_EQ(key_hash("key:000000000001", zero), 0x789c96b712070d0aU);
    EXPECT_EQ(key_hash("hello, world, hello", zero), 0x57b8c89ec5579703U);
}

TEST(key_hash, depends_on_both_halves_of_the_secret) {
    const auto plain = key_hash("a", {});
    EXPECT_NE(key_hash("a", {1, 0}), plain);
    EXPECT_NE(key_hash("a", {0, 1}), plain);
}

}  // namespace
}  // namespace kv
