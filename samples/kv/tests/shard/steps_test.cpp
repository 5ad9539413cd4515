// Commands of several steps, when something happens between them.
#include "support/local_shards.hpp"

#include <gtest/gtest.h>

namespace kv::test {
namespace {

std::string nth_key(int i) { return "key:" + std::to_string(i); }

/// For each pair of neighbours among keys, of which about half are on two workers.
template <class Check>
void with_pairs(Check check) {
    for (int i = 0; i < 20; ++i) {
        local_shards kv(2);
        check(kv, nth_key(i), nth_key(i + 1));
    }
}

}  // namespace

TEST(steps, a_renamed_key_takes_its_deadline_with_it_and_the_new_one_loses_its_own) {
    with_pairs([](local_shards& kv, const std::string& a, const std::string& b) {
        kv({"SET", a, std::string(100, 'v'), "PX", "1000"});
        kv({"SET", b, "w", "PX", "5"});
        EXPECT_EQ(kv({"RENAME", a, b}), ok);
        EXPECT_EQ(kv({"PTTL", b}), integer(1000));
        EXPECT_EQ(kv({"GET", b}), bulk(std::string(100, 'v')));
        EXPECT_EQ(kv({"PTTL", a}), integer(-2));
        EXPECT_NE(kv({"INFO"}).find("db0:keys=1,expires=1,"), std::string::npos);
        kv({"SET", a, "plain"});
        EXPECT_EQ(kv({"RENAME", a, b}), ok);
        EXPECT_EQ(kv({"PTTL", b}), integer(-1));
        EXPECT_NE(kv({"INFO"}).find("db0:keys=1,expires=0,"), std::string::npos);
    });
}

TEST(steps, a_source_that_expires_before_it_was_moved_is_no_such_key) {
    int met = 0;
    with_pairs([&](local_shards& kv, const std::string& a, const std::string& b) {
        kv({"SET", a, "v", "PX", "100"});
        kv({"SET", b, "w"});
        kv.between_steps = [&] { kv.now += 100; };
        const auto reply = kv({"RENAME", a, b});
        if (kv.between_steps) { return; }  // both keys of one worker: one step
        ++met;
        EXPECT_EQ(reply, error("no such key"));
        EXPECT_EQ(kv({"MGET", a, b}), "*2\r\n" + null + bulk("w"));
    });
    EXPECT_GT(met, 0);
}

TEST(steps, a_flush_between_look_and_move_comes_first) {
    int met = 0;
    with_pairs([&](local_shards& kv, const std::string& a, const std::string& b) {
        kv({"SET", a, "v"});
        kv.between_steps = [&] { kv({"FLUSHALL"}); };
        const auto reply = kv({"RENAME", a, b});
        if (kv.between_steps) { return; }
        ++met;
        EXPECT_EQ(reply, error("no such key"));
        EXPECT_EQ(kv({"DBSIZE"}), integer(0));
    });
    EXPECT_GT(met, 0);
}

TEST(steps, a_value_for_which_the_other_worker_has_no_room_stays_where_it_was) {
    local_shards kv(2, 1 << 20);
    const std::string value(300'000, 'v');
    int refused = 0;
    for (int i = 0; i < 10; ++i) { kv({"SET", nth_key(i), value}); }
    for (int i = 0; i < 10; ++i) {
        if (kv({"EXISTS", nth_key(i)}) == integer(0)) { continue; }
        const auto size = kv({"DBSIZE"});
        const auto reply = kv({"RENAME", nth_key(i), "new:" + std::to_string(i)});
        ASSERT_TRUE(reply == ok || reply == oom) << reply;
        refused += reply == oom ? 1 : 0;
        EXPECT_EQ(kv({"GET", reply == ok ? "new:" + std::to_string(i) : nth_key(i)}), bulk(value));
        EXPECT_EQ(kv({"DBSIZE"}), size);
    }
    EXPECT_GT(refused, 0);
}

TEST(steps, msetnx_without_room_sets_nothing_and_with_a_key_that_is_there_says_so) {
    local_shards kv(2, 1 << 20);
    std::vector<std::string> msetnx = {"MSETNX"};
    for (int i = 0; i < 10; ++i) { msetnx.insert(msetnx.end(), {nth_key(i), std::string(300'000, 'v')}); }
    EXPECT_EQ(kv(msetnx), oom);
    EXPECT_EQ(kv({"DBSIZE"}), integer(0));
    kv({"SET", nth_key(3), "here"});
    EXPECT_EQ(kv(msetnx), integer(0));
    EXPECT_EQ(kv({"DBSIZE"}), integer(1));
}

}  // namespace kv::test
