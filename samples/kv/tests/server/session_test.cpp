// The bounds of connections, on a real bridge in this process with small limits.
#include "support/local_shards.hpp"
#include "support/running_server.hpp"
#include "support/wire.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <string>
#include <thread>

namespace kv::test {
using namespace std::chrono_literals;

class session_on_each_front : public on_a_running_server {};

INSTANTIATE_TEST_SUITE_P(fronts, session_on_each_front, both_fronts(), front_name);

TEST_P(session_on_each_front, one_client_too_many_gets_rediss_error_and_the_others_stay) {
    server_limits limits;
    limits.clients = 2;
    running_server server(limits, GetParam());
    auto a = std::make_unique<wire>(server.port());
    wire b(server.port());
    ASSERT_EQ(a->call({"SET", "k", "v"}), ok);
    ASSERT_EQ(b.call({"GET", "k"}), bulk("v"));
    wire c(server.port());
    EXPECT_EQ(c.read_all(), error("max number of clients reached"));
    EXPECT_EQ(b.call({"GET", "k"}), bulk("v"));
    a.reset();
    std::this_thread::sleep_for(100ms);
    wire d(server.port());
    EXPECT_EQ(d.call({"GET", "k"}), bulk("v"));
}

TEST_P(session_on_each_front, a_command_beyond_the_query_bound_ends_its_connection) {
    server_limits limits;
    limits.query_bytes = 100'000;
    running_server server(limits, GetParam());
    wire a(server.port()), b(server.port());
    a.send("*2\r\n$4\r\nECHO\r\n$1000000\r\n" + std::string(500'000, 'x'));
    EXPECT_EQ(a.read_all(), "");
    EXPECT_EQ(b.call({"ECHO", std::string(90'000, 'x')}), bulk(std::string(90'000, 'x')));
}

/// However much a read takes at once, and whether the end arrives with the last bytes or later: all is answered, and then the connection ends.
TEST_P(session_on_each_front, an_end_behind_commands_is_seen_whenever_it_comes) {
    running_server server(server_limits{}, GetParam());
    for (const std::size_t bytes : {40U, 4095U, 4096U, 4097U, 16384U, 16385U, 65536U, 65537U, 200'000U}) {
        for (const auto pause : {0ms, 20ms}) {
            const std::string ping = "PING\r\n";
            std::string sent, expected;
            while (sent.size() + ping.size() + 24 <= bytes) { sent += ping, expected += "+PONG\r\n"; }
            sent += "ECHO " + std::string(bytes - sent.size() - 7, 'x') + "\r\n";  // to the byte
            ASSERT_EQ(sent.size(), bytes);
            const auto said = sent.substr(sent.rfind(' ') + 1, sent.size() - sent.rfind(' ') - 3);
            expected += "$" + std::to_string(said.size()) + "\r\n" + said + "\r\n";
            wire client(server.port());
            client.send(sent);
            std::this_thread::sleep_for(pause);
            client.no_more();
            EXPECT_EQ(client.read_all(), expected) << bytes;
        }
    }
}

/// A read stops at urgent data: what is behind it is served all the same, with the end.
TEST_P(session_on_each_front, commands_behind_urgent_data_are_answered) {
    running_server server(server_limits{}, GetParam());
    const auto sent_together = [&](bool ends) {
        asio::io_context io;
        asio::ip::tcp::socket client(io);
        client.connect({asio::ip::address_v4::loopback(), server.port()});
        const timeval longest{5, 0};
        ::setsockopt(client.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
        const auto hold = [&](int on) { ::setsockopt(client.native_handle(), IPPROTO_TCP, TCP_CORK, &on, sizeof on); };
        std::string answers;
        for (int round = 0; round < 20; ++round) {
            hold(1);
            asio::write(client, asio::buffer("PING\r\n", 6));
            client.send(asio::buffer("!", 1), asio::socket_base::message_out_of_band);
            asio::write(client, asio::buffer("ECHO x\r\n", 8));
            hold(0);
            std::string answer(14, '\0');
            if (::recv(client.native_handle(), answer.data(), answer.size(), MSG_WAITALL) != 14) { return answers + "<nothing>"; }
            answers += answer == "+PONG\r\n$1\r\nx\r\n" ? "." : answer;
        }
        if (!ends) { return answers; }
        client.send(asio::buffer("!", 1), asio::socket_base::message_out_of_band);
        client.shutdown(asio::ip::tcp::socket::shutdown_send);
        char more = 0;
        return answers + (::recv(client.native_handle(), &more, 1, 0) == 0 ? "<end>" : "<no end>");
    };
    EXPECT_EQ(sent_together(false), std::string(20, '.'));
    EXPECT_EQ(sent_together(true), std::string(20, '.') + "<end>");
    wire other(server.port());
    EXPECT_EQ(other.call({"ECHO", "y"}), bulk("y"));
}

TEST_P(session_on_each_front, when_all_query_memory_is_used_a_client_is_told_and_others_go_on) {
    server_limits limits;
    limits.total_query_bytes = 1 << 20;
    running_server server(limits, GetParam());
    wire holder(server.port()), small(server.port());
    holder.send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(400'000, 'x'));
    std::this_thread::sleep_for(100ms);
    wire late(server.port());
    late.send("*2\r\n$4\r\nECHO\r\n$900000\r\n" + std::string(900'000, 'x'));
    EXPECT_EQ(late.read_all().substr(0, 5), "-OOM ");
    EXPECT_EQ(small.call({"ECHO", "x"}), bulk("x"));
    holder.reset();
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(small.call({"ECHO", std::string(200'000, 'x')}), bulk(std::string(200'000, 'x')));
}

TEST_P(session_on_each_front, what_the_parser_remembers_of_a_long_command_counts_as_query_memory) {
    server_limits limits;
    limits.total_query_bytes = 8 << 20;
    running_server server(limits, GetParam());
    wire other(server.port());
    std::string half = "*1000000\r\n";
    for (int i = 0; i < 200'000; ++i) { half += "$0\r\n\r\n"; }
    auto holder = std::make_unique<wire>(server.port());
    holder->send(half);
    // 1.2 MB of input in a buffer of 2 MiB, and 200,000 places of 8 bytes.
    EXPECT_TRUE(other.wait_for_info("query_buffers", (2 << 20) + 200'000 * 8, 8 << 20)) << other.info("query_buffers");
    holder.reset();
    EXPECT_TRUE(other.wait_for_info("query_buffers", 0));
}

TEST_P(session_on_each_front, a_long_client_name_counts_as_query_memory) {
    server_limits limits;
    limits.total_query_bytes = 4 << 20;
    running_server server(limits, GetParam());
    wire other(server.port());
    auto a = std::make_unique<wire>(server.port());
    const std::string name(900'000, 'n');
    EXPECT_EQ(a->call({"CLIENT", "SETNAME", name}), ok);
    EXPECT_TRUE(other.wait_for_info("query_buffers", 900'000));
    EXPECT_EQ(a->call({"CLIENT", "SETNAME", "short"}), ok);
    EXPECT_TRUE(other.wait_for_info("query_buffers", 0));
    EXPECT_EQ(a->call({"CLIENT", "SETNAME", name}), ok);
    a.reset();
    EXPECT_TRUE(other.wait_for_info("query_buffers", 0));
}

TEST_P(session_on_each_front, at_its_bound_of_commands_in_flight_a_connection_waits_and_loses_nothing) {
    server_limits limits;
    limits.in_flight = 2;
    running_server server(limits, GetParam());
    wire client(server.port());
    std::string bytes;
    for (int i = 0; i < 3000; ++i) { bytes += resp({"INCR", "n"}); }
    client.send(bytes);
    const auto replies = client.read_replies(3000);
    ASSERT_EQ(replies.size(), 3000U);
    for (int i = 0; i < 3000; ++i) { ASSERT_EQ(replies[static_cast<std::size_t>(i)], integer(i + 1)); }
}

TEST_P(session_on_each_front, a_large_value_is_sent_whole_although_it_is_overwritten_meanwhile) {
    running_server server({}, GetParam());
    wire reader(server.port()), writer(server.port());
    const std::string first(8 << 20, 'a');
    ASSERT_EQ(writer.call({"SET", "k", first}), ok);
    reader.send(resp({"GET", "k"}));
    std::this_thread::sleep_for(100ms);  // the kernel's buffers are full, the rest waits in the worker's memory
    for (int i = 0; i < 5; ++i) { ASSERT_EQ(writer.call({"SET", "k", std::string(8 << 20, 'b')}), ok); }
    EXPECT_EQ(reader.read_reply(), bulk(first));
    EXPECT_EQ(reader.call({"GET", "k"}), bulk(std::string(8 << 20, 'b')));
}

}  // namespace kv::test
