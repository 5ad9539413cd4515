// The two programs are one service: the same requests, the same replies, byte for byte.
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/requests.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>

namespace embed::test {
namespace {

const std::vector<std::vector<std::string>> symbols_of_client = {
    {"ALFA", "BRAVO", "CHARLIE"}, {"DELTA", "ECHO", "FOXTROT"},  {"GOLF", "HOTEL", "INDIA"},    {"JULIETT", "KILO", "LIMA"},
    {"MIKE", "NOVEMBER", "OSCAR"}, {"PAPA", "QUEBEC", "ROMEO"}, {"SIERRA", "TANGO", "UNIFORM"}, {"VICTOR", "WHISKEY", "ZULU"}};

/// Everything that a client hears in its conversations, one after the other.
std::vector<std::string> talk(std::uint16_t port, const std::vector<conversation>& conversations) {
    std::vector<std::string> heard;
    for (const auto& one : conversations) {
        client connection(port);
        for (const auto& piece : one.pieces) { connection.send(piece); }
        heard.push_back(connection.read_all());
    }
    return heard;
}

std::vector<std::vector<std::string>> all_talk(version which, const std::vector<std::vector<conversation>>& scripts) {
    service running(which);
    std::vector<std::future<std::vector<std::string>>> clients;
    for (const auto& script : scripts) {
        clients.push_back(std::async(std::launch::async, [&] { return talk(running.port, script); }));
    }
    std::vector<std::vector<std::string>> heard;
    for (auto& one : clients) { heard.push_back(one.get()); }
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << running.output();
    return heard;
}

TEST(embed_replies, thousands_of_requests_on_many_connections_get_the_same_bytes_from_both_programs) {
    std::vector<std::vector<conversation>> scripts;
    std::size_t requests = 0;
    for (std::size_t i = 0; i < symbols_of_client.size(); ++i) {
        request_maker make(seed() * 1000 + static_cast<unsigned>(i), symbols_of_client[i]);
        auto& script = scripts.emplace_back();
        for (int n = 0; n < 16; ++n) {
            script.push_back(make.next());
            requests += script.back().requests;
        }
    }
    EXPECT_GT(requests, 4000U);
    const auto before = all_talk(version::before, scripts);
    const auto after = all_talk(version::after, scripts);

    std::map<unsigned, std::size_t> statuses;
    for (std::size_t i = 0; i < scripts.size(); ++i) {
        for (std::size_t n = 0; n < scripts[i].size(); ++n) {
            ASSERT_EQ(before[i][n], after[i][n]) << "client " << i << ", conversation " << n << ", seed " << seed();
            const auto replies = cut(after[i][n]);
            ASSERT_EQ(replies.size(), scripts[i][n].requests) << "client " << i << ", conversation " << n;
            for (const auto& one : replies) { ++statuses[one.result_int()]; }
        }
    }
    // The script says something to each of them; nothing was turned away.
    for (const unsigned code : {400U, 404U, 405U, 413U, 431U}) { EXPECT_GT(statuses[code], 0U) << code; }
    EXPECT_GT(statuses[200], requests / 2);
    EXPECT_EQ(statuses.count(500) + statuses.count(503), 0U);
}

class embed_each : public testing::TestWithParam<version> {};
INSTANTIATE_TEST_SUITE_P(program, embed_each, testing::Values(version::before, version::after),
                         [](const auto& p) { return p.param == version::before ? "before" : "after"; });

TEST_P(embed_each, answers_as_the_readme_says) {
    service running(GetParam());
    client connection(running.port);
    const auto ask = [&](const std::string& request) {
        connection.send(request);
        const auto out = connection.read().value();
        return std::to_string(out.result_int()) + " " + out.body();
    };
    EXPECT_EQ(ask(get("/healthz")), "200 {\"status\":\"ok\"}\n");
    EXPECT_EQ(ask(post_order(order("ALFA", 60, 101))), "200 {\"symbol\":\"ALFA\",\"accepted\":true,\"position\":60}\n");
    EXPECT_EQ(ask(get("/positions/ALFA")), "200 {\"symbol\":\"ALFA\",\"position\":60}\n");
    EXPECT_EQ(ask(post_order(order("ALFA", 1, 111))), "200 {\"symbol\":\"ALFA\",\"accepted\":false,"
              "\"reason\":\"price is more than a tenth away from the reference\",\"position\":60}\n");
    EXPECT_EQ(ask(post_order(order("NOSUCH", 1, 100))), "404 {\"error\":\"no instrument NOSUCH\"}\n");
    EXPECT_EQ(ask(get("/nowhere")), "404 {\"error\":\"no such path\"}\n");
    EXPECT_EQ(ask(get("/orders")), "405 {\"error\":\"no such method here\"}\n");
    EXPECT_EQ(ask(post_order(R"({"symbol":"ALFA","price":1})")), "400 {\"error\":\"quantity is missing or not a whole number\"}\n");
    EXPECT_EQ(ask(post_order(std::string(4097, 'x'))), "413 {\"error\":\"body limit exceeded\"}\n");
    EXPECT_FALSE(connection.read().has_value()) << "a connection ends with what could not be read";
}

TEST_P(embed_each, keeps_one_sum_however_many_connections_and_threads_there_are) {
    service running(GetParam(), 16);
    std::vector<std::thread> clients;
    std::atomic<int> accepted{0};
    for (int c = 0; c < 32; ++c) {
        clients.emplace_back([&] {
            client connection(running.port);
            for (int i = 0; i < 10; ++i) {
                connection.send(post_order(order("ZULU", 2, 350)));
                const auto reply = connection.read().value();
                EXPECT_EQ(reply.result_int(), 200U) << reply.body();
                if (reply.body().find("\"accepted\":true") != std::string::npos) { ++accepted; }
            }
        });
    }
    for (auto& one : clients) { one.join(); }
    EXPECT_EQ(accepted, 250) << "the limit is 500";
    client last(running.port);
    last.send(get("/positions/ZULU"));
    EXPECT_EQ(last.read().value().body(), "{\"symbol\":\"ZULU\",\"position\":500}\n");
}

}  // namespace
}  // namespace embed::test
