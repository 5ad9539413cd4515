// While a reply is due soon, its drain waits for it instead of ending; nothing else waits for that.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/post.hpp>

namespace numasio::test {
namespace {

struct lingering : call {
    port<int, int>& open_with(std::chrono::nanoseconds spin, idle_strategy strategy) {
        auto asked = one_worker();
        asked.pools.front().idle = {strategy, spin};
        bridge_.emplace(io_.get_executor(), asked);
        auto& opened = bridge_->open<int, int, gated>("p");
        bridge_->start();
        return opened;
    }
    /// A first call is answered; a second one is under way and stays so until the gate opens.
    void leave_a_reply_due(port<int, int>& p, int& replies) {
        const auto count = [&](error_code ec, int) { replies += !ec; };
        p.async_call(p.at(0), 1, [&, count](error_code ec, int reply) {
            count(ec, reply);
            gated::closed = true;
            p.async_call(p.at(0), 2, count);
        });
        while (replies == 0) { io_.run_one(); }
    }
};

TEST_F(lingering, a_drain_that_waits_for_a_reply_lets_others_run_and_ends) {
    auto& p = open_with(10ms, idle_strategy::spin_then_park);
    int replies = 0;
    leave_a_reply_due(p, replies);
    int others = 0;
    const auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < began + 20ms) {
        asio::post(io_, [&] { ++others; });
        io_.poll();  // a drain that never ended would keep this for ever
    }
    EXPECT_GT(others, 1);
    EXPECT_EQ(replies, 1);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(replies, 2);
}

TEST_F(lingering, a_pool_that_parks_at_once_has_no_drain_that_waits) {
    auto& p = open_with(10ms, idle_strategy::park);
    int replies = 0;
    leave_a_reply_due(p, replies);
    io_.poll();
    EXPECT_EQ(io_.poll(), 0U);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(replies, 2);
}

}  // namespace
}  // namespace numasio::test
