// SIGTERM and Ctrl-C: whatever had arrived is answered, whole, and the exit code is 0.
#include "support/child.hpp"
#include "support/client.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace embed::test {
namespace {

using namespace std::chrono_literals;

class embed_drain : public testing::TestWithParam<version> {};
INSTANTIATE_TEST_SUITE_P(program, embed_drain, testing::Values(version::before, version::after),
                         [](const auto& p) { return p.param == version::before ? "before" : "after"; });

struct burst {
    std::string bytes;
    int requests = 0;
};

/// `bytes_each`: each request is filled up to it. Where it divides what the server reads at once, the server has nothing at hand now and
/// then, and the next request is still in the kernel.
burst burst_of(int requests, std::size_t bytes_each) {
    burst out;
    for (int i = 0; i < requests; ++i) {
        auto one = i % 4 == 0 ? get("/positions/KILO") : post_order(order("KILO", i % 2 ? 1 : -1, 200));
        if (one.size() + 5 < bytes_each) { one.insert(one.find("\r\n"), "\r\nX: " + std::string(bytes_each - one.size() - 5, 'x')); }
        out.bytes += one;
        ++out.requests;
    }
    return out;
}

void stop_with(version which, const burst& sent, int signal) {
    service running(which);
    std::vector<std::unique_ptr<client>> clients;
    for (int c = 0; c < 8; ++c) { clients.push_back(std::make_unique<client>(running.port)); }
    for (auto& one : clients) { one->send(sent.bytes); }
    for (auto& one : clients) { ASSERT_TRUE(one->read().has_value()); }
    running.signal(signal);
    for (auto& one : clients) {
        int answered = 1;
        while (const auto reply = one->read()) {
            EXPECT_EQ(reply->result_int(), 200U) << reply->body();
            ++answered;
        }
        EXPECT_EQ(answered, sent.requests);
    }
    EXPECT_EQ(running.wait(), 0) << running.output();
    EXPECT_NE(running.output().find("stopped: every request that had arrived was answered"), std::string::npos);
}

TEST_P(embed_drain, a_stop_with_requests_in_flight_answers_each_of_them_and_exits_with_0) {
    // Less than what a receive buffer holds: all of a burst is there when the first reply has come.
    for (const auto& all : {burst_of(400, 0), burst_of(100, 512)}) {
        for (const int number : {SIGTERM, SIGINT}) { stop_with(GetParam(), all, number); }
    }
}

TEST_P(embed_drain, clients_that_say_nothing_do_not_hold_it_up) {
    service running(GetParam());
    client silent(running.port), answered(running.port);
    answered.send(get("/healthz"));
    ASSERT_TRUE(answered.read().has_value());
    const auto began = std::chrono::steady_clock::now();
    running.signal(SIGINT);
    EXPECT_EQ(running.wait(), 0) << running.output();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_FALSE(answered.read().has_value());
}

TEST_P(embed_drain, a_request_that_never_ends_is_given_up_after_its_time) {
    service running(GetParam());
    client midway(running.port), other(running.port);
    midway.send("POST /orders HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"symbol");
    other.send(get("/healthz"));
    ASSERT_TRUE(other.read().has_value());
    running.signal(SIGINT);
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST_P(embed_drain, a_second_signal_ends_it_at_once) {
    service running(GetParam());
    client midway(running.port), other(running.port);
    midway.send("POST /orders HTTP/1.1\r\n");
    other.send(get("/healthz"));
    ASSERT_TRUE(other.read().has_value());
    running.signal(SIGINT);
    EXPECT_FALSE(other.read().has_value()) << "it winds up";
    running.signal(SIGINT);
    EXPECT_EQ(running.wait(5s), 128 + SIGINT) << running.output();
}

}  // namespace
}  // namespace embed::test
