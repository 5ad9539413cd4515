// Controlled delay, with times made up.
#include <numasio/detail/controlled_delay.hpp>

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t ms = 1'000'000;

TEST(controlled_delay, sheds_nothing_while_the_queue_runs_empty_now_and_then) {
    controlled_delay control(1ms, 10ms);
    for (std::int64_t now = 0; now < 1000 * ms; now += ms) {
        const bool short_one = now % (8 * ms) == 0;
        EXPECT_FALSE(control.sheds(short_one ? ms / 2 : 50 * ms, now)) << now;
    }
}

TEST(controlled_delay, sheds_what_waited_for_twice_the_target_once_a_whole_interval_was_too_slow) {
    controlled_delay control(1ms, 10ms);
    for (std::int64_t now = 0; now < 10 * ms; now += ms) { EXPECT_FALSE(control.sheds(5 * ms, now)); }
    EXPECT_TRUE(control.sheds(5 * ms, 10 * ms));
    EXPECT_TRUE(control.sheds(2 * ms + 1, 11 * ms));
    EXPECT_FALSE(control.sheds(2 * ms, 12 * ms)) << "not more than twice the target";
    EXPECT_FALSE(control.sheds(ms, 13 * ms));
    EXPECT_FALSE(control.sheds(5 * ms, 20 * ms)) << "the shortest of the interval was within the target";
}

TEST(controlled_delay, forgets_an_overload_that_is_over) {
    controlled_delay control(1ms, 10ms);
    for (std::int64_t now = 0; now < 20 * ms; now += ms) { control.sheds(5 * ms, now); }
    EXPECT_FALSE(control.sheds(5 * ms, 1000 * ms));
    EXPECT_FALSE(control.sheds(5 * ms, 1001 * ms));
}

}  // namespace
}  // namespace numasio::detail
