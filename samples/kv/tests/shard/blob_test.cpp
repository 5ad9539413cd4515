// A value that a reply holds stays as it was, whatever becomes of its key.
#include "support/local_shards.hpp"

#include <gtest/gtest.h>

namespace kv::test {
namespace {

kv_request request(kv_op op, std::string_view key, std::string_view value = {}) {
    kv_request r;
    r.op = op;
    r.now = 1;
    r.key = key;
    r.value = value;
    return r;
}

const std::string large(1000, 'x');

}  // namespace

TEST(blob, small_values_are_copied_and_large_ones_held) {
    local_shard shard(1 << 20);
    shard(request(kv_op::set, "s", std::string(kv_value::copied_bytes, 's')));
    shard(request(kv_op::set, "l", std::string(kv_value::copied_bytes + 1, 'l')));
    EXPECT_FALSE(shard(request(kv_op::get, "s")).value.is_held());
    const auto held = shard(request(kv_op::get, "l"));
    EXPECT_TRUE(held.value.is_held());
    EXPECT_EQ(held.value.view(), std::string(kv_value::copied_bytes + 1, 'l'));
}

TEST(blob, a_held_value_survives_every_change_of_its_key) {
    for (const auto op : {kv_op::set, kv_op::append, kv_op::del, kv_op::flushall}) {
        local_shard shard(1 << 20);
        shard(request(kv_op::set, "k", large));
        const auto held = shard(request(kv_op::get, "k"));
        shard(request(op, "k", std::string(1000, 'y')));
        for (int i = 0; i < 2000; ++i) { shard(request(kv_op::set, "other", std::string(900, 'z'))); }
        EXPECT_EQ(held.value.view(), large) << static_cast<int>(op);
    }
}

TEST(blob, what_was_held_goes_back_to_the_shards_memory) {
    local_shard shard(1 << 20);
    shard(request(kv_op::set, "k", large));
    shard(request(kv_op::del, "k"));
    const auto before = shard.used();
    for (int i = 0; i < 5000; ++i) {  // five times the memory
        shard(request(kv_op::set, "k", large));
        const auto held = shard(request(kv_op::get, "k"));
        shard(request(kv_op::del, "k"));
        ASSERT_EQ(held.value.view(), large) << i;
    }
    shard(request(kv_op::get, "k"));  // the next request takes the last one home
    EXPECT_EQ(shard.used(), before);
}

}  // namespace kv::test
