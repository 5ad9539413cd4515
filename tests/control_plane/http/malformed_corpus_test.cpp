// Ten thousand malformed requests over real sockets, from a seeded generator.
#include "raw_client.hpp"
#include "running_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace numasio::test {
namespace {

using clock = std::chrono::steady_clock;

class generator {
public:
    explicit generator(std::uint64_t seed) : random_(seed) {}

    std::string next() {
        std::string text = start();
        const auto changes = 1 + pick(6);
        for (std::size_t i = 0; i < changes; ++i) { change(text); }
        if (pick(3) == 0) { text.resize(pick(text.size() + 1)); }
        return text;
    }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    std::string start() {
        static const std::string starts[]{
            get("/metrics"),
            get("/status") + get("/healthz"),
            "HEAD / HTTP/1.0\r\n\r\n",
            "POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nGET / H",
            "GET /%2e%2e/%252e/\xff HTTP/1.1\r\nHost: [::1]:9464\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET http://localhost/readyz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
        };
        return starts[pick(std::size(starts))];
    }

    void change(std::string& text) {
        static const std::string pieces[]{"\r\n", "\n", "\r", std::string(1, '\0'), "\r\n\r\n", "Host: localhost\r\n",
                                          "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: gzip\r\n",
                                          " ", ":", "\t", "\x80\xff", std::string(9000, 'a'), "HTTP/1.1", "\r\n folded"};
        const auto at = pick(text.size() + 1);
        switch (pick(4)) {
            case 0: text.insert(at, pieces[pick(std::size(pieces))]); break;
            case 1: text.erase(at, pick(12)); break;
            case 2:
                if (at < text.size()) { text[at] = static_cast<char>(pick(256)); }
                break;
            default: text.insert(at, text.substr(at, pick(40)));
        }
    }

    std::mt19937_64 random_;
};

std::size_t replies_in(const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find("HTTP/1.1 "); at != std::string::npos; at = text.find("HTTP/1.1 ", at + 1)) { ++count; }
    return count;
}

TEST(malformed_corpus, ten_thousand_requests_neither_stop_the_server_nor_draw_more_than_a_hundredfold) {
    constexpr int requests = 10'000;
    running_server running;
    generator corpus(9464);
    const auto begin = clock::now();
    std::size_t refused = 0;
    int sent = 0;
    for (; sent < requests; ++sent) {
        const auto request = corpus.next();
        raw_client client(running.port());
        client.send(request);
        client.finish_sending();
        const auto all = client.read_to_end();
        ASSERT_TRUE(all) << "request " << sent << " left its connection open";
        // Each reply must be whole HTTP, and what is no good request must not draw a long one.
        if (all->empty()) { continue; }
        ASSERT_NE(status_of(*all), 0U) << *all;
        ASSERT_NE(status_of(*all), 500U) << *all;
        if (status_of(*all) >= 400) {
            ++refused;
            if (all->find(" 200 OK") == std::string::npos) {
                ASSERT_LE(all->size(), 256 * replies_in(*all)) << *all;
                ASSERT_LE(all->size(), 100 * std::max<std::size_t>(request.size(), 3)) << "request " << sent;
            }
        }
        ASSERT_LT(clock::now() - begin, std::chrono::seconds(60)) << "after " << sent << " requests";
    }
    EXPECT_EQ(sent, requests);
    EXPECT_GT(refused, 2'000U) << "the generator no longer makes malformed requests";
    RecordProperty("seconds", std::to_string(std::chrono::duration<double>(clock::now() - begin).count()));

    raw_client well(running.port());
    ASSERT_TRUE(well.send(get("/metrics")));
    EXPECT_EQ(status_of(well.read_reply()), 200U);
    well.finish_sending();
    EXPECT_TRUE(well.read_to_end());
    const auto patience = clock::now() + std::chrono::seconds(5);
    while (running.server().connections() != 0 && clock::now() < patience) { std::this_thread::yield(); }
    EXPECT_EQ(running.server().connections(), 0U) << "no connection is left behind";
}

}  // namespace
}  // namespace numasio::test
