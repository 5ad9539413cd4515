// Deadlines, sizes and the cap on connections.
#include "raw_client.hpp"
#include "running_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using clock = std::chrono::steady_clock;

detail::http_limits quick() {
    detail::http_limits limits;
    limits.header = 300ms;
    limits.idle = 300ms;
    limits.write = 500ms;
    limits.linger = 200ms;
    return limits;
}

TEST(server_limits, give_a_header_that_drips_in_a_408_at_the_deadline_of_the_whole) {
    running_server running(quick());
    raw_client client(running.port());
    const auto begin = clock::now();
    std::string reply;
    for (const char c : std::string("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100, 'x'))) {
        if (clock::now() - begin > 2s || !client.send(std::string(1, c))) { break; }  // never pauses for long
        std::this_thread::sleep_for(20ms);
    }
    const auto all = client.read_to_end();
    ASSERT_TRUE(all);
    EXPECT_EQ(status_of(*all), 408U) << *all;
    EXPECT_THAT(*all, HasSubstr("Connection: close"));
}

TEST(server_limits, close_a_connection_that_never_says_anything) {
    running_server running(quick());
    raw_client client(running.port());
    const auto begin = clock::now();
    const auto all = client.read_to_end();
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->empty());
    EXPECT_GE(clock::now() - begin, 250ms);
    EXPECT_LT(clock::now() - begin, 3s);
}

TEST(server_limits, close_a_kept_connection_that_stays_idle) {
    running_server running(quick());
    raw_client client(running.port());
    ASSERT_TRUE(client.send(get("/healthz")));
    EXPECT_EQ(status_of(client.read_reply()), 200U);
    const auto rest = client.read_to_end();
    ASSERT_TRUE(rest);
    EXPECT_TRUE(rest->empty());
}

TEST(server_limits, close_on_a_client_that_takes_no_reply) {
    running_server running(quick());
    running.shown = large(8, 512);
    raw_client client(running.port(), 20s);
    std::string many;
    for (int i = 0; i < 8; ++i) { many += get("/metrics"); }
    ASSERT_TRUE(client.send(many));
    const auto begin = clock::now();
    while (running.snapshots == 0 || (running.server().connections() != 0 && clock::now() - begin < 20s)) {
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_EQ(running.server().connections(), 0U);
    EXPECT_LT(running.snapshots, 8) << "replies are made as they are taken, not ahead";
}

TEST(server_limits, give_a_long_header_a_431_and_a_body_a_413_without_destroying_the_reply) {
    running_server running;
    for (const auto& [request, status] :
         {std::pair{"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", 431U},
          std::pair{"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'), 413U}}) {
        raw_client client(running.port());
        client.send(request);
        client.finish_sending();
        const auto all = client.read_to_end();
        ASSERT_TRUE(all);
        EXPECT_EQ(status_of(*all), status) << *all;
    }
}

TEST(server_limits, answer_the_connection_above_the_cap_with_503_and_close) {
    auto limits = detail::http_limits{};
    limits.connections = 4;
    running_server running(limits);
    std::deque<raw_client> busy;  // each in the middle of a header
    for (int i = 0; i < 4; ++i) { busy.emplace_back(running.port()).send("GET /healthz HTTP/1.1\r\n"); }
    raw_client one_more(running.port());
    const auto all = one_more.read_to_end();
    ASSERT_TRUE(all);
    EXPECT_EQ(status_of(*all), 503U);
    EXPECT_EQ(running.server().connections(), 4U);
    for (auto& client : busy) {
        ASSERT_TRUE(client.send("Host: localhost\r\n\r\n"));
        EXPECT_EQ(status_of(client.read_reply()), 200U) << "those inside the cap are served as ever";
    }
}

TEST(server_limits, make_room_at_the_cap_by_closing_the_connection_idle_for_longest) {
    auto limits = detail::http_limits{};
    limits.connections = 2;
    running_server running(limits);
    raw_client oldest(running.port());
    raw_client newer(running.port());
    for (auto* client : {&oldest, &newer}) {
        ASSERT_TRUE(client->send(get("/healthz")));
        ASSERT_EQ(status_of(client->read_reply()), 200U);
    }
    raw_client third(running.port());
    ASSERT_TRUE(third.send(get("/healthz")));
    EXPECT_EQ(status_of(third.read_reply()), 200U);
    EXPECT_EQ(oldest.read_to_end().value_or("still open"), "");
    ASSERT_TRUE(newer.send(get("/healthz")));
    EXPECT_EQ(status_of(newer.read_reply()), 200U);
}

TEST(server_limits, let_a_scrape_through_once_hundreds_of_dripping_clients_run_out_of_time) {
    auto limits = quick();
    running_server running(limits);
    std::deque<raw_client> slow;
    for (int i = 0; i < 500; ++i) { slow.emplace_back(running.port()).send("GET / HT"); }
    const auto begin = clock::now();
    unsigned status = 0;
    while (status != 200U && clock::now() - begin < 10s) {
        raw_client scrape(running.port());
        scrape.send(get("/metrics"));
        status = status_of(scrape.read_reply());
        if (status != 200U) { std::this_thread::sleep_for(50ms); }
    }
    EXPECT_EQ(status, 200U);
    EXPECT_LE(running.server().connections(), limits.connections);
}

}  // namespace
}  // namespace numasio::test
