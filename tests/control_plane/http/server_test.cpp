// The server over real sockets: one request, many, HEAD, keep-alive, pipelining, a foreign Host.
#include "raw_client.hpp"
#include "running_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace numasio::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(server, serves_every_path_on_one_kept_connection) {
    running_server running;
    raw_client client(running.port());
    for (const char* path : {"/", "/metrics", "/healthz", "/readyz", "/status"}) {
        ASSERT_TRUE(client.send(get(path)));
        const auto reply = client.read_reply();
        EXPECT_EQ(status_of(reply), 200U) << path;
        EXPECT_THAT(reply, HasSubstr("Cache-Control: no-store\r\n"));
        EXPECT_THAT(reply, Not(HasSubstr("Connection: close")));
        EXPECT_FALSE(body_of(reply).empty());
    }
    EXPECT_EQ(running.snapshots, 4) << "one for each request that needs one";
    EXPECT_EQ(running.server().connections(), 1U);
}

TEST(server, answers_head_with_the_same_header_and_no_body) {
    running_server running;
    raw_client client(running.port());
    ASSERT_TRUE(client.send(get("/status")));
    const auto with_body = client.read_reply();
    ASSERT_TRUE(client.send("HEAD /status HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/healthz")));
    const auto without = client.read_reply(true);
    EXPECT_EQ(without, with_body.substr(0, with_body.size() - body_of(with_body).size()));
    EXPECT_EQ(body_of(client.read_reply()), "ok\n") << "the next reply follows at once: no body came after HEAD";
}

TEST(server, answers_pipelined_requests_in_order) {
    running_server running;
    raw_client client(running.port());
    std::string many;
    for (int i = 0; i < 200; ++i) { many += get(i % 2 == 0 ? "/healthz" : "/nowhere"); }
    ASSERT_TRUE(client.send(many));
    for (int i = 0; i < 200; ++i) { ASSERT_EQ(status_of(client.read_reply()), i % 2 == 0 ? 200U : 404U) << i; }
}

TEST(server, answers_what_was_sent_before_the_client_stopped_sending) {
    running_server running;
    raw_client client(running.port());
    ASSERT_TRUE(client.send(get("/healthz") + get("/healthz", "Connection: close\r\n")));
    client.finish_sending();
    EXPECT_EQ(body_of(client.read_reply()), "ok\n");
    const auto last = client.read_to_end();
    ASSERT_TRUE(last);
    EXPECT_THAT(*last, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(body_of(*last), "ok\n");
}

TEST(server, closes_after_a_request_that_asks_for_it) {
    running_server running;
    raw_client client(running.port());
    ASSERT_TRUE(client.send(get("/metrics", "Connection: close\r\n")));
    const auto all = client.read_to_end();
    ASSERT_TRUE(all);
    EXPECT_THAT(*all, HasSubstr("numasio_lane_offered_total"));
}

TEST(server, refuses_a_foreign_host) {
    running_server running;
    raw_client client(running.port());
    ASSERT_TRUE(client.send("GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
    const auto reply = client.read_reply();
    EXPECT_EQ(status_of(reply), 403U);
    EXPECT_THAT(reply, Not(HasSubstr("topology")));
    EXPECT_THAT(reply, Not(HasSubstr("Access-Control")));
    EXPECT_EQ(running.snapshots, 0);
}

TEST(server, says_which_methods_there_are) {
    running_server running;
    raw_client client(running.port());
    ASSERT_TRUE(client.send("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
    const auto reply = client.read_reply();
    EXPECT_EQ(status_of(reply), 405U);
    EXPECT_THAT(reply, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST(server, gives_a_long_reply_to_a_slow_reader) {
    running_server running;
    running.shown = large(8, 512);
    raw_client client(running.port(), std::chrono::seconds(20));
    ASSERT_TRUE(client.send(get("/metrics") + get("/metrics") + get("/metrics") + get("/metrics") + get("/healthz")));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    std::size_t whole = 0;
    const auto first = client.read_reply();
    for (int i = 1; i < 4; ++i) {
        const auto reply = client.read_reply();
        ASSERT_EQ(reply, first);
        whole += reply.size();
    }
    EXPECT_GT(whole, 10'000'000U) << "too little to fill the socket buffers, which is what this is about";
    EXPECT_EQ(body_of(client.read_reply()), "ok\n");
}

}  // namespace
}  // namespace numasio::test
