// One worker's desk: who stands in line for whom, without threads.
#include "reactor/shard_desk.hpp"
#include "support/local_shards.hpp"

#include <numasio/node_memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace kv::test {
namespace {

class shard_desk_test : public testing::Test, private served_calls {
protected:
    shard_call& ask(kv_op op, std::string_view key, std::string_view value = {}, claim_kind claims = claim_kind::none, std::uint32_t claim = 0) {
        auto& call = calls.emplace_back();
        call.request.op = op;
        call.request.now = 1;
        call.request.key = key;
        call.request.value = value;
        call.request.claims = claims;
        call.request.claim = claim;
        desk.accept(call);
        return call;
    }
    void let_go(const shard_call& claimed) { ask(kv_op::let_go, {}, {}, claim_kind::ends, claimed.reply.claim); }
    bool is_served(const shard_call& call) const { return std::ranges::find(order, &call) != order.end(); }
    bool serves_at_once(kv_op op, std::string_view key) {
        kv_request request;
        request.op = op;
        request.key = key;
        request.value = "w";
        kv_reply reply;
        return desk.serve(request, reply);
    }

    std::deque<shard_call> calls;
    std::vector<const shard_call*> order;

private:
    void served(shard_call& call) override { order.push_back(&call); }

    std::vector<std::byte> bytes{8 << 20};
    numasio::node_memory memory{bytes};
    numasio::node_context context{{}, {}, 0, 1, memory, numasio::bytes{8 << 20}};
    kv_shard shard{context};
    server_state state;

protected:
    shard_desk desk{shard, state, *this};
};

TEST_F(shard_desk_test, what_nobody_claims_is_served_at_once_and_has_no_claim) {
    EXPECT_TRUE(is_served(ask(kv_op::set, "a", "1")));
    const auto& got = ask(kv_op::get, "a");
    EXPECT_EQ(got.reply.value.view(), "1");
    EXPECT_EQ(got.reply.claim, 0U);
    EXPECT_TRUE(serves_at_once(kv_op::get, "a"));
}

TEST_F(shard_desk_test, who_touches_a_key_that_is_claimed_for_writing_waits_and_nobody_else_does) {
    const auto& writer = ask(kv_op::peek, "a", {}, claim_kind::write);
    ASSERT_NE(writer.reply.claim, 0U);
    const auto& reader = ask(kv_op::get, "a");
    EXPECT_FALSE(is_served(reader));
    EXPECT_FALSE(serves_at_once(kv_op::get, "a"));
    EXPECT_TRUE(serves_at_once(kv_op::set, "b"));
    EXPECT_TRUE(is_served(ask(kv_op::get, "b")));
    // Its own requests pass.
    EXPECT_TRUE(is_served(ask(kv_op::set, "a", "2", claim_kind::none, writer.reply.claim)));
    EXPECT_FALSE(is_served(reader));
    let_go(writer);
    EXPECT_TRUE(is_served(reader));
    EXPECT_EQ(reader.reply.value.view(), "2");
    EXPECT_TRUE(serves_at_once(kv_op::get, "a"));
}

TEST_F(shard_desk_test, readers_share_and_a_writer_behind_them_is_not_overtaken) {
    const auto& first = ask(kv_op::get, "a", {}, claim_kind::read);
    const auto& second = ask(kv_op::get, "a", {}, claim_kind::read);
    EXPECT_TRUE(is_served(first) && is_served(second) && serves_at_once(kv_op::get, "a"));
    const auto& writer = ask(kv_op::set, "a", "1");
    EXPECT_FALSE(is_served(writer));
    const auto& late = ask(kv_op::get, "a");
    EXPECT_FALSE(is_served(late) || serves_at_once(kv_op::get, "a"));
    let_go(first);
    EXPECT_FALSE(is_served(writer));
    let_go(second);
    EXPECT_TRUE(is_served(writer) && is_served(late));
    EXPECT_EQ(late.reply.value.view(), "1");
}

TEST_F(shard_desk_test, who_claims_all_of_the_shard_waits_for_every_claim_and_every_key_waits_for_it) {
    const auto& writer = ask(kv_op::peek, "a", {}, claim_kind::write);
    const auto& size = ask(kv_op::dbsize, {}, {}, claim_kind::whole);
    EXPECT_FALSE(is_served(size));
    const auto& behind = ask(kv_op::set, "b", "1");
    EXPECT_FALSE(is_served(behind));
    EXPECT_TRUE(is_served(ask(kv_op::sweep, {}))) << "what touches no key waits for nobody";
    EXPECT_TRUE(is_served(ask(kv_op::facts, {})));
    let_go(writer);
    EXPECT_TRUE(is_served(size));
    EXPECT_FALSE(is_served(behind));
    EXPECT_EQ(size.reply.number, 0);
    let_go(size);
    EXPECT_TRUE(is_served(behind));
}

TEST_F(shard_desk_test, a_claim_stands_in_line_as_others_do_and_is_held_from_its_turn_on) {
    const auto& first = ask(kv_op::peek, "a", {}, claim_kind::write);
    const auto& second = ask(kv_op::peek, "a", {}, claim_kind::write);
    const auto& third = ask(kv_op::get, "a");
    let_go(first);
    EXPECT_TRUE(is_served(second));
    EXPECT_NE(second.reply.claim, 0U);
    EXPECT_FALSE(is_served(third));
    let_go(second);
    EXPECT_TRUE(is_served(third));
}

}  // namespace
}  // namespace kv::test
