// The memory for replies, with small limits: what does not fit is an error in its turn, and all of it comes back.
#include "support/local_shards.hpp"
#include "support/running_server.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>

namespace kv::test {
namespace {

const std::string too_large{reply_too_large};
const std::string in_use{reply_memory_in_use};

server_limits small_limits() {
    server_limits limits;
    limits.reply_bytes = 1 << 20;
    limits.total_reply_bytes = 2 << 20;
    return limits;
}

/// "MGET k k k …"
std::vector<std::string> repeated(std::vector<std::string> command, const std::string& word, std::size_t times) {
    command.insert(command.end(), times, word);
    return command;
}

/// The field of INFO once it stays where it is: whatever can still be sent has been sent.
long long settled(wire& client, const std::string& field) {
    long long last = -1;
    for (int same = 0; same < 200; ++same) {
        const auto now = client.info(field);
        if (now != last) { same = 0; }
        last = now;
    }
    return last;
}

}  // namespace

class reply_memory_on_each_front : public on_a_running_server {};

INSTANTIATE_TEST_SUITE_P(fronts, reply_memory_on_each_front, both_fronts(), front_name);

TEST_P(reply_memory_on_each_front, a_reply_beyond_its_bound_is_an_error_in_its_turn_and_the_connection_goes_on) {
    running_server server(small_limits(), GetParam());
    wire client(server.port());
    const std::string value(3000, 'v');
    ASSERT_EQ(client.call({"SET", "k", value}), ok);
    client.send(resp({"ECHO", "before"}) + resp({"GET", "k"}) + resp(repeated({"MGET"}, "k", 1000)) +
                resp({"ECHO", "after"}) + resp({"GET", "k"}));
    EXPECT_EQ(client.read_reply(), bulk("before"));
    EXPECT_EQ(client.read_reply(), bulk(value));
    EXPECT_EQ(client.read_reply(), too_large);
    EXPECT_EQ(client.read_reply(), bulk("after"));
    EXPECT_EQ(client.read_reply(), bulk(value));
    EXPECT_EQ(client.call(repeated({"MGET"}, "k", 300)).size(), 6 + 300 * bulk(value).size());
    EXPECT_EQ(client.info("oversized_replies"), 1);
    EXPECT_TRUE(client.wait_for_info("reply_memory_used", 0));
}

TEST_P(reply_memory_on_each_front, values_that_are_sent_from_a_workers_memory_do_not_count) {
    running_server server(small_limits(), GetParam());
    wire client(server.port());
    const std::string value(1 << 20, 'v');
    ASSERT_EQ(client.call({"SET", "k", value}), ok);
    const auto reply = client.call(repeated({"MGET"}, "k", 50));
    EXPECT_EQ(reply.size(), 5 + 50 * bulk(value).size());
    EXPECT_TRUE(client.wait_for_info("reply_memory_used", 0));
}

TEST_P(reply_memory_on_each_front, answers_about_the_server_are_bounded_as_well) {
    running_server server(small_limits(), GetParam());
    wire client(server.port());
    EXPECT_EQ(client.call(repeated({"COMMAND", "DOCS"}, "client", 5000)), too_large);
    EXPECT_EQ(client.call(repeated({"COMMAND", "INFO"}, "client", 5000)), too_large);
    EXPECT_EQ(client.call(repeated({"CLIENT", "LIST", "ID"}, "1", 50'000)), too_large);
    EXPECT_EQ(client.call({"ECHO", std::string(2 << 20, 'e')}), too_large);
    // Behind a command that waits for its worker it is the same.
    client.send(resp({"GET", "none"}) + resp({"ECHO", std::string(2 << 20, 'e')}) + resp({"PING"}));
    EXPECT_EQ(client.read_reply(), null);
    EXPECT_EQ(client.read_reply(), too_large);
    EXPECT_EQ(client.read_reply(), "+PONG\r\n");
    EXPECT_TRUE(client.wait_for_info("reply_memory_used", 0));
}

TEST_P(reply_memory_on_each_front, connections_that_do_not_read_are_bounded_together_and_others_are_served) {
    constexpr int greedy_clients = 60, gets = 2000;
    const auto limits = small_limits();
    running_server server(limits, GetParam());
    wire other(server.port());
    const std::string value(3000, 'v');
    ASSERT_EQ(other.call({"SET", "k", value}), ok);
    std::string burst;
    for (int i = 0; i < gets; ++i) { burst += resp({"GET", "k"}); }
    std::vector<std::unique_ptr<wire>> greedy;
    for (int i = 0; i < greedy_clients; ++i) {  // 6 MB of replies each
        greedy.push_back(std::make_unique<wire>(server.port(), 4096));
        greedy.back()->try_send(burst);
        ASSERT_EQ(other.call({"GET", "k"}), bulk(value)) << i;
    }
    const auto used = settled(other, "reply_memory_used");
    // All that may be used is used, and beyond it only each connection's own allowance.
    EXPECT_GE(used, static_cast<long long>(limits.total_reply_bytes - (64 << 10)));
    EXPECT_LE(used, static_cast<long long>(limits.total_reply_bytes + greedy_clients * 2 * limits.reply_allowance));
    ASSERT_EQ(other.call({"SET", "k2", value}), ok);
    ASSERT_EQ(other.call({"GET", "k2"}), bulk(value));
    EXPECT_EQ(other.call(repeated({"MGET"}, "k", 100)), in_use);
    EXPECT_EQ(other.call({"ECHO", std::string(100'000, 'e')}), in_use);
    // What has been applied is never answered with an error, even where the allowance is used by what waits behind it.
    const std::string most(limits.reply_allowance - 20, 'e');
    other.send(resp({"INCR", "n"}) + resp({"ECHO", most}) + resp({"SET", "k2", "w", "GET"}));
    EXPECT_EQ(other.read_reply(), integer(1));
    EXPECT_EQ(other.read_reply(), bulk(most));
    EXPECT_EQ(other.read_reply(), bulk(value));
    // Whoever starts to read has a reply to each command; only those made while nothing was left are errors.
    std::map<std::string, int> replies;
    for (const auto& reply : greedy[0]->read_replies(gets)) { ++replies[reply]; }
    EXPECT_EQ(replies[bulk(value)] + replies[in_use], gets);
    EXPECT_GT(replies[bulk(value)], gets / 2);
    greedy.clear();
    ASSERT_TRUE(other.wait_for_info("reply_memory_used", 0));
    EXPECT_EQ(other.call(repeated({"MGET"}, "k", 100)).size(), 6 + 100 * bulk(value).size());
}

}  // namespace kv::test
