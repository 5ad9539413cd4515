// Commands about the server itself, whose bodies the differential test cannot compare.
#include "server/command.hpp"
#include "support/local_shards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace kv::test {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(command, info_counts_keys_of_all_workers) {
    local_shards kv(3);
    for (int i = 0; i < 100; ++i) { kv({"SET", "k" + std::to_string(i), "v"}); }
    kv({"EXPIRE", "k1", "100"});
    EXPECT_THAT(kv({"INFO"}), HasSubstr("db0:keys=100,expires=1,"));
    EXPECT_THAT(kv({"INFO"}), HasSubstr("redis_version:7."));
    EXPECT_THAT(kv({"INFO", "keyspace"}), Not(HasSubstr("redis_version")));
    EXPECT_EQ(kv({"INFO", "nosuch"}), bulk(""));
}

TEST(command, the_table_counts_lists_and_documents_the_same_commands) {
    local_shards kv(1);
    const auto count = std::stoul(kv({"COMMAND", "COUNT"}).substr(1));
    EXPECT_GE(count, 26U);
    EXPECT_THAT(kv({"COMMAND"}), StartsWith("*" + std::to_string(count) + "\r\n"));
    EXPECT_THAT(kv({"COMMAND", "DOCS"}), StartsWith("*" + std::to_string(2 * count) + "\r\n"));
    EXPECT_THAT(kv({"COMMAND", "INFO", "get", "nosuch"}), StartsWith("*2\r\n*10\r\n$3\r\nget\r\n:2\r\n"));
    EXPECT_THAT(kv({"COMMAND", "INFO", "get", "nosuch"}), testing::EndsWith("$-1\r\n"));
    EXPECT_THAT(kv({"COMMAND", "DOCS", "Config"}), HasSubstr("config|get"));
}

TEST(command, each_name_is_found_in_any_case_and_nothing_like_it) {
    for (const auto& spec : command_table()) {
        const auto bar = spec.name.find('|');
        std::string name(spec.name.substr(0, bar));
        const std::string below(bar == spec.name.npos ? std::string_view() : spec.name.substr(bar + 1));
        EXPECT_EQ(find_command(name, below), &spec) << spec.name;
        std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        EXPECT_EQ(find_command(name, below), &spec) << spec.name;
        EXPECT_EQ(find_command(name + "x", below), nullptr) << spec.name;
        if (bar != spec.name.npos) { EXPECT_EQ(find_command(spec.name), nullptr) << spec.name; }
    }
    EXPECT_EQ(find_command(""), nullptr);
}

TEST(command, client_info_and_list_describe_the_connection) {
    local_shards kv(1);
    kv.client.id = 7;
    kv.client.address = "127.0.0.1:5";
    kv.server.clients.emplace(7, &kv.client);
    kv({"CLIENT", "SETNAME", "me"});
    EXPECT_EQ(kv({"CLIENT", "ID"}), integer(7));
    EXPECT_THAT(kv({"CLIENT", "INFO"}), HasSubstr("id=7 addr=127.0.0.1:5 "));
    EXPECT_THAT(kv({"CLIENT", "LIST"}), HasSubstr(" name=me "));
    EXPECT_THAT(kv({"CLIENT", "LIST", "ID", "7"}), HasSubstr("id=7 "));
    EXPECT_EQ(kv({"CLIENT", "LIST", "ID", "8"}), bulk(""));
    EXPECT_EQ(kv({"CLIENT", "LIST", "TYPE", "pubsub"}), bulk(""));
}

TEST(command, config_get_matches_patterns_and_reports_our_bounds) {
    local_shards kv(1);
    EXPECT_EQ(kv({"CONFIG", "GET", "maxclients"}), "*2\r\n" + bulk("maxclients") + bulk("10000"));
    EXPECT_EQ(kv({"CONFIG", "GET", "s*", "save"}), "*2\r\n" + bulk("save") + bulk(""));
    EXPECT_EQ(kv({"CONFIG", "GET", "[^a-z]*"}), "*0\r\n");
    EXPECT_EQ(kv({"CONFIG", "GET", std::string(200, '*') + "x"}), "*0\r\n");
}

TEST(command, an_http_request_ends_the_connection_without_a_word) {
    local_shards kv(1);
    EXPECT_EQ(kv({"POST", "/"}), "");
    EXPECT_TRUE(kv.client.closing);
}

TEST(command, a_name_with_a_zero_byte_is_no_commands_name) {
    local_shards kv(1);
    EXPECT_EQ(kv({std::string("quit\0", 5)}), error("unknown command 'quit', with args beginning with: "));
    EXPECT_FALSE(kv.client.closing);
}

}  // namespace kv::test
