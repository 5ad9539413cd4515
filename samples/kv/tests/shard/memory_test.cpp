// Running out of memory is an answer: nothing has changed, nothing breaks, and freeing helps.
#include "support/local_shards.hpp"

#include <gtest/gtest.h>

#include <map>

namespace kv::test {
namespace {

std::string key(int i) { return "key:" + std::to_string(i); }

/// Sets keys until there is no room; returns how many.
int fill(local_shards& kv, const std::string& value) {
    for (int i = 0;; ++i) {
        const auto reply = kv({"SET", key(i), value});
        if (reply != ok) {
            EXPECT_EQ(reply, oom);
            return i;
        }
    }
}

}  // namespace

TEST(memory, a_full_shard_answers_oom_and_keeps_everything) {
    local_shards kv(1, 1 << 20);
    const int n = fill(kv, std::string(100, 'v'));
    EXPECT_GT(n, 3000);
    EXPECT_EQ(kv({"SET", "new", std::string(100, 'w')}), oom);
    EXPECT_EQ(kv({"GET", "new"}), null);
    EXPECT_EQ(kv({"APPEND", key(0), std::string(5000, 'w')}), oom);
    EXPECT_EQ(kv({"SET", key(1), std::string(5000, 'w')}), oom);
    EXPECT_EQ(kv({"SET", key(1), std::string(5000, 'w'), "GET"}), oom);
    for (int i = 0; i < n; ++i) { ASSERT_EQ(kv({"GET", key(i)}), bulk(std::string(100, 'v'))) << i; }
    EXPECT_EQ(kv({"DBSIZE"}), integer(n));
}

TEST(memory, a_value_larger_than_all_memory_is_oom_and_not_a_crash) {
    local_shards kv(1, 1 << 20);
    EXPECT_EQ(kv({"SET", "a", std::string(2 << 20, 'v')}), oom);
    EXPECT_EQ(kv({"SET", std::string(2 << 20, 'k'), "v"}), oom);
    EXPECT_EQ(kv({"SET", "a", "v"}), ok);
}

TEST(memory, mset_sets_all_or_nothing) {
    for (const std::uint32_t shards : {1U, 3U}) {
        local_shards kv(shards, 1 << 20);
        const int n = fill(kv, std::string(1000, 'v'));
        std::vector<std::string> mset = {"MSET"};
        for (int i = 0; i < 40; ++i) {
            mset.push_back(key(i));
            mset.push_back(std::string(100'000, 'w'));
        }
        EXPECT_EQ(kv(mset), oom);
        for (int i = 0; i < n; ++i) { ASSERT_EQ(kv({"GET", key(i)}), bulk(std::string(1000, 'v'))) << i; }
        EXPECT_EQ(kv({"MSET", key(0), "x", key(1), "y"}), ok) << "what was staged was not given back";
    }
}

TEST(memory, deleting_makes_room_again) {
    local_shards kv(1, 1 << 20);
    const std::string value(1000, 'v');
    const int n = fill(kv, value);
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < n; i += 2) { ASSERT_EQ(kv({"DEL", key(i)}), integer(1)); }
        for (int i = 0; i < n; i += 2) { ASSERT_EQ(kv({"SET", key(i), value}), ok) << i; }
    }
}

TEST(memory, flushed_and_expired_keys_make_way_for_new_ones_at_once) {
    constexpr int most_lost = 3;  // of about 900 keys
    local_shards kv(1, 1 << 20);
    const int n = fill(kv, std::string(1000, 'v'));
    kv({"FLUSHALL"});
    EXPECT_EQ(kv({"SET", "large", std::string(700'000, 'w')}), ok);
    kv({"FLUSHALL"});
    // Where slabs lie is not the same twice: that may cost the last keys their room, and no more with every round.
    for (int round = 0; round < 20; ++round) {
        kv({"FLUSHALL"});
        EXPECT_GE(fill(kv, std::string(1000, 'v')), n - most_lost) << "round " << round;
    }
    kv({"FLUSHALL"});
    for (int i = 0; i < n - most_lost; ++i) { ASSERT_EQ(kv({"SET", key(i), std::string(1000, 'v'), "PX", "10"}), ok) << i; }
    kv.now += 10;
    EXPECT_EQ(kv({"SET", "next", std::string(1000, 'w')}), ok);
}

TEST(memory, after_a_flush_nothing_of_the_table_is_in_the_way_of_a_large_value) {
    local_shards kv(1, 16 << 20);
    EXPECT_GT(fill(kv, std::string(1000, 'v')), 10'000);
    kv({"FLUSHALL"});
    EXPECT_EQ(kv({"SET", "large", std::string(12 << 20, 'w')}), ok);
}

TEST(memory, any_mix_of_commands_at_the_limit_leaves_a_consistent_shard) {
    local_shards kv(2, 256 << 10);
    std::map<std::string, std::string> model;
    unsigned seed = 11;
    const auto random = [&](unsigned n) { return (seed = seed * 1664525U + 1013904223U) / 65536U % n; };
    int refused = 0;
    for (int i = 0; i < 60'000; ++i) {
        const auto k = key(static_cast<int>(random(300)));
        const std::string value(random(4000), static_cast<char>('a' + random(26)));
        switch (random(5)) {
            case 0: {
                const auto reply = kv({"SET", k, value});
                if (reply == ok) { model[k] = value; } else { ASSERT_EQ(reply, oom); ++refused; }
                break;
            }
            case 1: {
                const auto reply = kv({"APPEND", k, value});
                if (reply == oom) { ++refused; break; }
                model[k] += value;
                ASSERT_EQ(reply, integer(static_cast<long long>(model[k].size())));
                break;
            }
            case 2: ASSERT_EQ(kv({"DEL", k}), integer(static_cast<long long>(model.erase(k)))); break;
            case 3: {
                const auto other = key(static_cast<int>(random(300)));
                const auto reply = kv({"MSET", k, value, other, value});
                if (reply == ok) { model[k] = model[other] = value; } else { ASSERT_EQ(reply, oom); ++refused; }
                break;
            }
            default: ASSERT_EQ(kv({"GET", k}), model.contains(k) ? bulk(model[k]) : null) << i;
        }
    }
    EXPECT_GT(refused, 1000) << "the limit was hardly met";
    for (const auto& [k, v] : model) { ASSERT_EQ(kv({"GET", k}), bulk(v)); }
}

}  // namespace kv::test
