// While a reply is due soon, its drain waits for it instead of ending; nothing else waits for that.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/scoped_pin.hpp>

#include <boost/asio/post.hpp>

namespace numasio::test {
namespace {

struct lingering : call {
    port<int, int>& open_with(std::chrono::nanoseconds spin, idle_strategy strategy) {
        auto asked = one_worker();
        asked.pools.front().idle = {strategy, spin};
        return open_plan<gated>(asked);
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
    // Where the worker could not run meanwhile, a drain does not wait.
    const auto control = bridge_->sites().control.front();
    const bool apart = control != bridge_->sites().workers.front().cpu;
    const scoped_pin here(control);
    int replies = 0;
    leave_a_reply_due(p, replies);
    int laps = 0;
    int others = 0;
    const auto began = std::chrono::steady_clock::now();
    for (; io_.poll_one() != 0; ++laps) {  // the drain, again and again
        asio::post(io_, [&] { ++others; });
        while (others <= laps) { ASSERT_EQ(io_.poll_one(), 1U) << "another handler has its turn in each lap"; }
        ASSERT_LT(std::chrono::steady_clock::now() - began, 5s) << "a drain that never ends";
    }
    if (apart) { EXPECT_GT(laps, 0) << "it waited"; }
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
