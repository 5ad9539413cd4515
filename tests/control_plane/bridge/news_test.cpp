// Placements that changed are told in order, one call at a time, and to nobody once the bridge has closed them.
#include "control_plane/bridge/placement_news.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

placement change(int number) {
    placement p;
    p.owner = "p/0";
    p.got = std::to_string(number);
    return p;
}

TEST(news, are_told_in_order_one_at_a_time_and_not_after_close) {
    boost::asio::io_context io;
    auto keep = boost::asio::make_work_guard(io);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] { io.run(); });
    }
    for (int round = 0; round < 300; ++round) {
        auto news = std::make_shared<placement_news>(io.get_executor());
        std::atomic<bool> closed{false};
        std::atomic<int> inside{0};
        int last = -1;
        news->subscribe([&](const std::vector<placement>& changed) {
            EXPECT_EQ(inside.fetch_add(1), 0);
            EXPECT_FALSE(closed.load());
            for (const auto& p : changed) {
                EXPECT_GT(std::stoi(p.got), last);
                last = std::stoi(p.got);
            }
            inside.fetch_sub(1);
        });
        for (int n = 0; n < 20; ++n) { news->tell(change(n)); }
        news->close();
        closed = true;
        news.reset();
    }
    keep.reset();
    for (auto& thread : threads) { thread.join(); }
}

TEST(news, may_end_what_tells_them) {
    boost::asio::io_context io;
    auto news = std::make_shared<placement_news>(io.get_executor());
    int told = 0;
    news->subscribe([&](const auto&) {
        ++told;
        news->close();
        news.reset();
    });
    news->tell(change(1));
    io.run();
    EXPECT_EQ(told, 1);
}

TEST(news, go_nowhere_without_a_handler) {
    boost::asio::io_context io;
    auto news = std::make_shared<placement_news>(io.get_executor());
    news->subscribe(nullptr);
    news->tell(change(1));
    EXPECT_EQ(io.run(), 0U);
}

}  // namespace
}  // namespace numasio::detail
