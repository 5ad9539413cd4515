// Requests out of bytes: whole, in pieces, several at once, too long, with a body.
#include <control_plane/http/request_reader.hpp>

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

using outcome = request_reader::outcome;

/// 0 for a complete request, 1 for one that needs more, else the refusal's status.
unsigned judge(const std::string& bytes) {
    request_reader reader;
    std::size_t consumed = 0;
    switch (reader.take(bytes, consumed)) {
        case outcome::complete: return 0;
        case outcome::need_more: return 1;
        case outcome::refused: break;
    }
    return reader.refusal().status;
}

TEST(request_reader, takes_a_request_byte_by_byte) {
    const std::string whole = "GET /metrics?x=1 HTTP/1.1\r\nHost: localhost:9464\r\nAccept: */*\r\n\r\n";
    request_reader reader;
    std::size_t consumed = 0;
    std::string arrived;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        arrived += whole[i];
        ASSERT_EQ(reader.take(arrived, consumed), i + 1 < whole.size() ? outcome::need_more : outcome::complete) << i;
        arrived.erase(0, consumed);
    }
    EXPECT_TRUE(arrived.empty());
    EXPECT_EQ(reader.request().method, "GET");
    EXPECT_EQ(reader.request().path, "/metrics");
    EXPECT_EQ(reader.request().host, "localhost:9464");
    EXPECT_TRUE(reader.request().keep_alive);
}

TEST(request_reader, takes_a_request_in_two_pieces_cut_anywhere) {
    const std::string whole = "GET /status HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        request_reader reader;
        std::size_t consumed = 0;
        ASSERT_EQ(reader.take(whole.substr(0, cut), consumed), outcome::need_more) << cut;
        ASSERT_EQ(reader.take(whole.substr(consumed), consumed), outcome::complete) << cut;
        ASSERT_EQ(reader.request().path, "/status") << cut;
        ASSERT_EQ(reader.request().host, "localhost") << cut;
    }
}

TEST(request_reader, leaves_the_next_request_in_the_stream) {
    const std::string first = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string second = "HEAD /b HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    request_reader reader;
    std::size_t consumed = 0;
    ASSERT_EQ(reader.take(first + second, consumed), outcome::complete);
    ASSERT_EQ(consumed, first.size());
    ASSERT_EQ(reader.take(second, consumed), outcome::complete);
    EXPECT_EQ(reader.request().path, "/b");
    EXPECT_EQ(reader.request().host, "b");
    EXPECT_FALSE(reader.request().keep_alive);
}

TEST(request_reader, takes_the_host_from_an_absolute_target) {
    request_reader reader;
    std::size_t consumed = 0;
    ASSERT_EQ(reader.take("GET http://evil:80/status HTTP/1.1\r\nHost: localhost\r\n\r\n", consumed), outcome::complete);
    EXPECT_EQ(reader.request().host, "evil:80");
    EXPECT_EQ(reader.request().path, "/status");
}

TEST(request_reader, refuses_a_header_of_more_than_eight_kib) {
    const std::string start = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    const std::string fits = start + std::string(longest_header - start.size() - 4, 'x') + "\r\n\r\n";
    EXPECT_EQ(judge(fits), 0U);
    EXPECT_EQ(judge(start + std::string(longest_header - start.size() - 3, 'x') + "\r\n\r\n"), 431U);
    EXPECT_EQ(judge(start + std::string(longest_header, 'x')), 431U) << "without an end in sight";
    request_reader reader;
    std::size_t consumed = 0;
    ASSERT_EQ(reader.take("GET / HTTP/1.1\r\n", consumed), outcome::need_more);
    const std::string rest = "X: " + std::string(longest_header - 10, 'x');
    EXPECT_EQ(reader.take(rest, consumed), outcome::refused) << "the start line counts, also where it came before";
    EXPECT_EQ(judge("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431U);
}

TEST(request_reader, refuses_a_body) {
    EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"), 0U);
    EXPECT_EQ(judge("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"), 413U);
    EXPECT_EQ(judge("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n\r\n"), 413U);
    EXPECT_EQ(judge("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 413U);
}

TEST(request_reader, refuses_what_is_not_http) {
    for (const char* bytes : {"GET\r\n\r\n", "\x16\x03\x01\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
                              "GET / HTTP/1.1\r\nHost localhost\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
                              "GET metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
        EXPECT_EQ(judge(bytes), 400U) << bytes;
    }
}

TEST(request_reader, lets_http_10_leave_out_the_host_and_keeps_no_connection_for_it) {
    request_reader reader;
    std::size_t consumed = 0;
    ASSERT_EQ(reader.take("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", consumed), outcome::complete);
    EXPECT_TRUE(reader.request().host.empty());
    EXPECT_FALSE(reader.request().keep_alive);
}

}  // namespace
}  // namespace numasio::detail
