// The account of one connection's replies: what may be added, and that nothing stays charged.
#include "server/reply_account.hpp"
#include "server/reply_stream.hpp"

#include <gtest/gtest.h>

namespace kv::test {

TEST(reply_account, each_connection_has_its_allowance_however_full_the_meter_is) {
    resp::memory_meter meter{1000, 0};
    reply_account greedy(meter, 100), modest(meter, 100);
    greedy.set(1000);
    EXPECT_EQ(modest.room(), 100U);
    modest.set(60);
    EXPECT_EQ(modest.room(), 40U);
    EXPECT_TRUE(modest.fits(40, false));
    EXPECT_FALSE(modest.fits(41, false));
    EXPECT_TRUE(modest.fits(100, true)) << "it waits behind its own queue";
    EXPECT_FALSE(modest.fits(101, true));
    EXPECT_FALSE(modest.full());
    EXPECT_TRUE(greedy.full());
    EXPECT_EQ(greedy.room(), 0U);
}

TEST(reply_account, beyond_the_allowance_the_meter_decides) {
    resp::memory_meter meter{1000, 0};
    reply_account one(meter, 100);
    EXPECT_EQ(one.room(), 1000U);
    one.set(700);
    EXPECT_EQ(one.room(), 300U);
    EXPECT_FALSE(one.full());
}

TEST(reply_account, what_is_charged_goes_back_when_the_connection_goes) {
    resp::memory_meter meter{1000, 0};
    {
        reply_account one(meter, 100), other(meter, 100);
        one.set(900);
        other.set(90);
        one.set(20);
        EXPECT_EQ(meter.used, 110U);
    }
    EXPECT_EQ(meter.used, 0U);
}

TEST(reply_account, a_stream_costs_its_text_and_is_free_again_when_it_is_cleared) {
    reply_stream stream;
    stream.reserve({100'000, 0});
    stream.text().append(100'000, 'x');
    EXPECT_EQ(stream.cost(), 100'000U);
    EXPECT_LE(stream.text().capacity(), 110'000U) << "a large reply was not made in one step";
    stream.clear();
    EXPECT_EQ(stream.cost(), 0U);
    EXPECT_LE(stream.text().capacity(), 16U << 10) << "one large reply stays";
}

}  // namespace kv::test
