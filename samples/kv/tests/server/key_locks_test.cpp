// Lines for keys: first come, first served; nobody waits for somebody who waits for him.
#include "server/key_locks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace kv {
namespace {

class key_locks_test : public testing::Test {
protected:
    std::unique_ptr<key_claim> take(std::vector<std::uint64_t> keys, const std::string& name = "") {
        return locks.take(std::move(keys), [this, name] { granted += name; });
    }
    key_locks locks;
    std::string granted;
};

TEST_F(key_locks_test, a_claim_is_granted_at_once_where_nobody_is_ahead_of_it) {
    auto a = take({1, 2}), b = take({3});
    EXPECT_TRUE(a->granted());
    EXPECT_TRUE(b->granted());
    a.reset();
    b.reset();
    EXPECT_TRUE(locks.empty());
}

TEST_F(key_locks_test, the_same_key_twice_does_not_wait_for_itself) {
    auto a = take({7, 7, 7});
    EXPECT_TRUE(a->granted());
    a.reset();
    EXPECT_TRUE(locks.empty());
}

TEST_F(key_locks_test, who_waits_is_told_once_all_its_keys_are_free) {
    auto a = take({1}), b = take({2}), c = take({1, 2}, "c");
    EXPECT_FALSE(c->granted());
    a.reset();
    EXPECT_FALSE(c->granted());
    b.reset();
    EXPECT_TRUE(c->granted());
    EXPECT_EQ(granted, "c");
}

TEST_F(key_locks_test, nobody_overtakes_who_waits_for_several_keys) {
    auto a = take({1}), b = take({1, 2}, "b"), c = take({2}, "c");
    EXPECT_FALSE(c->granted()) << "key 2 is free, but b was there before";
    a.reset();
    b.reset();
    EXPECT_EQ(granted, "bc");
}

TEST_F(key_locks_test, who_gives_up_while_waiting_lets_those_behind_go_on) {
    auto a = take({1}), b = take({1, 2}, "b"), c = take({2, 3}, "c"), d = take({1}, "d");
    b.reset();
    EXPECT_EQ(granted, "c");
    a.reset();
    EXPECT_EQ(granted, "cd");
    c.reset();
    d.reset();
    EXPECT_TRUE(locks.empty());
}

TEST_F(key_locks_test, who_only_reads_shares_and_neither_overtakes_nor_is_overtaken_by_who_writes) {
    const auto read = [&](std::uint64_t key, const std::string& name) {
        return locks.take({key_locks::wanted{key, true}}, [this, name] { granted += name; });
    };
    auto a = read(1, "a"), b = read(1, "b");
    EXPECT_TRUE(a->granted() && b->granted());
    auto w = take({1}, "w"), c = read(1, "c"), d = read(1, "d"), v = take({1}, "v");
    EXPECT_FALSE(w->granted() || c->granted() || d->granted() || v->granted());
    b.reset();
    EXPECT_EQ(granted, "") << "one still reads";
    a.reset();
    EXPECT_EQ(granted, "w");
    w.reset();
    EXPECT_EQ(granted, "wcd");
    c.reset();
    EXPECT_EQ(granted, "wcd");
    d.reset();
    EXPECT_EQ(granted, "wcdv");
    auto e = read(1, "e"), f = take({1}, "f"), g = read(1, "g");
    v.reset();
    EXPECT_EQ(granted, "wcdve");
    f.reset();  // gives up
    EXPECT_EQ(granted, "wcdveg");
}

TEST_F(key_locks_test, a_key_that_is_wanted_in_both_ways_is_not_shared) {
    auto a = locks.take({key_locks::wanted{1, true}, {1, false}}, [] {});
    auto b = locks.take({key_locks::wanted{1, true}}, [this] { granted += "b"; });
    EXPECT_TRUE(a->granted());
    EXPECT_FALSE(b->granted());
    a.reset();
    EXPECT_EQ(granted, "b");
}

TEST_F(key_locks_test, whatever_claims_come_and_go_no_key_has_two_and_all_get_their_turn) {
    std::mt19937 random(1);
    constexpr std::size_t keys = 10;
    std::vector<std::pair<std::unique_ptr<key_claim>, std::vector<std::uint64_t>>> claims;
    for (int i = 0; i < 20'000; ++i) {
        if (claims.size() < 12 && random() % 2 == 0) {
            std::vector<std::uint64_t> wanted(1 + random() % 4);
            for (auto& k : wanted) { k = random() % keys; }
            auto claim = take(wanted);
            claims.emplace_back(std::move(claim), std::move(wanted));
        } else if (!claims.empty()) {
            // Mostly one that has its keys; now and then one that waits.
            const auto at = static_cast<std::ptrdiff_t>(random() % claims.size());
            if (claims[static_cast<std::size_t>(at)].first->granted() || random() % 4 == 0) { claims.erase(claims.begin() + at); }
        }
        std::vector<int> holders(keys);
        bool any = claims.empty();
        for (const auto& [claim, wanted] : claims) {
            if (!claim->granted()) { continue; }
            any = true;
            auto each = wanted;
            std::ranges::sort(each);
            each.erase(std::unique(each.begin(), each.end()), each.end());
            for (const auto k : each) { ASSERT_EQ(++holders[k], 1); }
        }
        ASSERT_TRUE(any) << "all wait for each other";
    }
    claims.clear();
    EXPECT_TRUE(locks.empty());
}

}  // namespace
}  // namespace kv
