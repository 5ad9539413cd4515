// What the shard promises beyond single replies: deadlines, sweeping, staging. Replies: see differential_test.
#include "support/local_shards.hpp"

#include <gtest/gtest.h>

namespace kv::test {

TEST(kv_shard, a_key_is_gone_at_its_deadline_and_not_before) {
    local_shards kv(1);
    EXPECT_EQ(kv({"SET", "a", "1", "PX", "100"}), ok);
    kv.now += 99;
    EXPECT_EQ(kv({"GET", "a"}), bulk("1"));
    EXPECT_EQ(kv({"PTTL", "a"}), integer(1));
    kv.now += 1;
    EXPECT_EQ(kv({"GET", "a"}), null);
    EXPECT_EQ(kv({"PTTL", "a"}), integer(-2));
    EXPECT_EQ(kv({"DBSIZE"}), integer(0));
}

TEST(kv_shard, time_that_goes_back_revives_nothing) {
    local_shards kv(1);
    kv({"SET", "a", "1", "PX", "100"});
    kv.now += 100;
    kv({"PING"});
    EXPECT_EQ(kv({"GET", "b"}), null);
    kv.now -= 50;
    EXPECT_EQ(kv({"GET", "a"}), null);
}

TEST(kv_shard, incr_and_append_keep_the_deadline_and_set_removes_it) {
    local_shards kv(1);
    kv({"SET", "a", "1", "PX", "1000"});
    EXPECT_EQ(kv({"INCR", "a"}), integer(2));
    EXPECT_EQ(kv({"APPEND", "a", "0"}), integer(2));
    EXPECT_EQ(kv({"PTTL", "a"}), integer(1000));
    kv({"SET", "a", "1", "KEEPTTL"});
    EXPECT_EQ(kv({"PTTL", "a"}), integer(1000));
    kv({"SET", "a", "1"});
    EXPECT_EQ(kv({"PTTL", "a"}), integer(-1));
    kv({"PEXPIRE", "a", "1000"});
    kv({"MSET", "a", "2"});
    EXPECT_EQ(kv({"PTTL", "a"}), integer(-1));
}

TEST(kv_shard, a_sweep_after_flushall_frees_a_bounded_number_at_a_time_and_all_in_the_end) {
    local_shard shard(8 << 20);
    kv_request request;
    request.value = "v";
    request.op = kv_op::set;
    constexpr std::int64_t keys = 10'000;
    for (int i = 0; i < keys; ++i) {
        const auto key = "k" + std::to_string(i);
        request.key = key;
        ASSERT_EQ(shard(request).status, kv_status::ok);
    }
    request.op = kv_op::flushall;
    shard(request);
    request.op = kv_op::sweep;
    request.number = 2048;
    std::int64_t freed = 0;
    for (kv_reply reply; (reply = shard(request)).expiring != 0;) {
        ASSERT_LT(reply.number, static_cast<std::int64_t>(2 * sweep_enough));
        ASSERT_GT(reply.number, 0);
        freed += reply.number;
    }
    EXPECT_GT(freed, keys * 9 / 10);  // each request frees one bucket's beside
}

TEST(kv_shard, requests_for_other_keys_sweep_expired_ones_away) {
    local_shards kv(1);
    for (int i = 0; i < 1000; ++i) { kv({"SET", "old:" + std::to_string(i), "x", "PX", "10"}); }
    EXPECT_EQ(kv({"DBSIZE"}), integer(1000));
    kv.now += 10;
    for (int i = 0; i < 2000; ++i) { kv({"GET", "nothing"}); }
    EXPECT_EQ(kv({"DBSIZE"}), integer(0));
}

TEST(kv_shard, flushall_takes_effect_at_once_and_its_memory_comes_back_in_steps) {
    local_shard shard(8 << 20);
    const auto empty = shard.used();
    kv_request set;
    set.op = kv_op::set;
    set.value = "value";
    for (int i = 0; i < 5000; ++i) {
        const auto key = "k" + std::to_string(i);
        set.key = key;
        shard(set);
    }
    kv_request flush, size, get;
    flush.op = kv_op::flushall;
    size.op = kv_op::dbsize;
    get.op = kv_op::get;
    get.key = "k1";
    shard(flush);
    EXPECT_EQ(shard(size).number, 0);
    EXPECT_FALSE(shard(get).value.present());
    const auto before = shard.used();
    shard(get);
    EXPECT_LT(before - shard.used(), 4096U * 2) << "one request did all the work";
    kv_request sweep;
    sweep.op = kv_op::sweep;
    sweep.number = 1 << 14;
    while (shard(sweep).expiring != 0) {}
    for (int i = 0; i < 6000; ++i) { shard(get); }  // the table gives its segments back too
    EXPECT_EQ(shard.used(), empty);
}

TEST(kv_shard, keys_set_after_a_flush_live_although_old_ones_have_the_same_name) {
    local_shards kv(2);
    for (int i = 0; i < 100; ++i) { kv({"SET", "k" + std::to_string(i), "old"}); }
    kv({"FLUSHALL"});
    for (int i = 0; i < 100; i += 2) { kv({"SET", "k" + std::to_string(i), "new"}); }
    EXPECT_EQ(kv({"DBSIZE"}), integer(50));
    for (int i = 0; i < 5000; ++i) { kv({"GET", "k1"}); }
    EXPECT_EQ(kv({"DBSIZE"}), integer(50));
    EXPECT_EQ(kv({"MGET", "k0", "k1"}), "*2\r\n" + bulk("new") + null);
}

TEST(kv_shard, what_is_staged_is_seen_by_nobody_until_it_is_committed) {
    local_shard shard(1 << 20);
    const std::vector<std::string_view> args = {"MSET", "a", "1", "b", "2", "a", "3"};
    const std::uint32_t keys[] = {1, 3, 5};
    kv_request stage;
    stage.op = kv_op::stage;
    stage.part = {args.data(), keys, 3, nullptr};
    kv_request get;
    get.key = "a";

    const auto used = shard.used();
    auto staged = shard(stage);
    EXPECT_FALSE(shard(get).value.present());
    kv_request finish;
    finish.op = kv_op::discard;
    finish.staged = staged.staged;
    shard(finish);
    EXPECT_FALSE(shard(get).value.present());
    EXPECT_EQ(shard.used(), used);

    staged = shard(stage);
    kv_request flush;
    flush.op = kv_op::flushall;
    shard(flush);  // between stage and commit: the commit comes later, so its keys live
    finish.op = kv_op::commit;
    finish.staged = staged.staged;
    shard(finish);
    EXPECT_EQ(shard(get).value.view(), "3");
}

TEST(kv_shard, a_deadline_given_as_unix_time_is_converted_once) {
    local_shards kv(1);
    kv.now = kv.server.clock.now();
    EXPECT_EQ(kv({"SET", "a", "1", "EXAT", "1"}), ok);  // long past
    EXPECT_EQ(kv({"GET", "a"}), null);
    const auto at = expiry_clock::unix_now() + 100'000;
    kv({"SET", "a", "1", "PXAT", std::to_string(at)});
    const auto left = std::stoll(kv({"PTTL", "a"}).substr(1));
    EXPECT_GT(left, 99'000);
    EXPECT_LE(left, 100'001);
}

}  // namespace kv::test
