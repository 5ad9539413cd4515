// Sleeping and waking: no wake-up is lost, a sleeping worker costs nothing, a doorbell rings once a sleep.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/cpu_time.hpp"
#include "support/sleeps.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

namespace numasio::test {
namespace {

plan with_idle(idle_strategy strategy, std::chrono::nanoseconds spin = 20us) {
    auto asked = one_worker();
    asked.pools.front().idle = {strategy, spin};
    return asked;
}

class sleeping : public ::testing::TestWithParam<idle_strategy> {};

TEST_P(sleeping, loses_no_wake_up_over_many_sleeps) {
    asio::io_context io;
    bridge b{io.get_executor(), with_idle(GetParam(), 1us)};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    const auto calls = static_cast<int>(sleeps_to_go_through());  // one at a time: the worker is asleep, or about to be, for each
    int n = 0;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            while (n < calls) { n = co_await p.async_call({0}, n, asio::use_awaitable); }
        },
        asio::detached);
    io.run();
    EXPECT_EQ(n, calls);
    const auto w = b.status().workers.at(0);
    EXPECT_LE(w.doorbells, w.parks);  // at most one for each sleep
    if (GetParam() == idle_strategy::park) { EXPECT_GT(w.parks, 0U); }  // a spinning one may never have to sleep
}
INSTANTIATE_TEST_SUITE_P(, sleeping,
                         ::testing::Values(idle_strategy::park, idle_strategy::spin_then_park, idle_strategy::busy_spin),
                         [](const auto& p) { return std::string(to_string(p.param)); });

TEST(idle, a_parked_worker_uses_less_than_one_percent_of_a_core) {
    asio::io_context io;
    bridge b{io.get_executor(), with_idle(idle_strategy::spin_then_park)};
    b.open<int, int, incrementer>("p");
    b.start();
    while (!b.status().workers.at(0).parked) { std::this_thread::yield(); }
    const auto used = cpu_time_of_sleeping(incrementer::kernel_thread);
    const auto before = cpu_time_of_process();
    std::this_thread::sleep_for(1s);
    if (processor_time_is_real()) { EXPECT_LT(cpu_time_of_process() - before, 10ms); }
    EXPECT_EQ(cpu_time_of(incrementer::kernel_thread), used);
    EXPECT_GT(used, 0ns);
    EXPECT_TRUE(b.status().workers.at(0).parked);
}

}  // namespace
}  // namespace numasio::test
