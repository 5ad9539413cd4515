// A full lane is answered at once with 503 and Retry-After; what was accepted is kept.
#include "support/child.hpp"
#include "support/client.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace embed::test {
namespace {

TEST(embed_overload, a_full_lane_answers_503_with_retry_after_and_nothing_is_lost_or_done_twice) {
    // One place on the lane; one thread that has many requests at hand before it sees the first reply.
    service running(version::after, 1, {.capacity = 1, .most_workers = 1});
    constexpr int connections = 32, each = 10;
    int accepted = 0, busy = 0;
    for (int round = 0; round < 50 && busy == 0; ++round) {
        const auto request = post_order(order("LIMA", round % 2 == 0 ? 1 : -1, 210));
        std::vector<std::unique_ptr<client>> clients;
        for (int c = 0; c < connections; ++c) { clients.push_back(std::make_unique<client>(running.port)); }
        for (auto& one : clients) {
            for (int i = 0; i < each; ++i) { one->send(request); }
        }
        for (auto& one : clients) {
            for (int i = 0; i < each; ++i) {
                const auto reply = one->read().value();
                if (reply.result_int() == 200) {
                    EXPECT_NE(reply.body().find("\"accepted\":true"), std::string::npos) << reply.body();
                    accepted += round % 2 == 0 ? 1 : -1;
                } else {
                    EXPECT_EQ(reply.result_int(), 503U);
                    EXPECT_EQ(reply["Retry-After"], "1");
                    EXPECT_NE(reply.body().find("lane"), std::string::npos) << reply.body();
                    ++busy;
                }
            }
        }
    }
    EXPECT_GT(busy, 0);
    client last(running.port);
    last.send(get("/positions/LIMA"));
    EXPECT_EQ(last.read().value().body(), "{\"symbol\":\"LIMA\",\"position\":" + std::to_string(accepted) + "}\n");
}

}  // namespace
}  // namespace embed::test
