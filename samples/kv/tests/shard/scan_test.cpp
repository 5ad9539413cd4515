// KEYS and SCAN find what is there, whatever happens beside them.
#include "support/local_shards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace kv::test {
namespace {

using testing::StartsWith;
using word_list = std::vector<std::string>;

std::string other_key(int i) { return "key:" + std::to_string(i); }

/// A reply's bulk strings, in order.
word_list strings_of(const std::string& reply) {
    word_list out;
    for (std::size_t at = 0; at < reply.size();) {
        const auto end = reply.find("\r\n", at);
        if (reply[at] != '$') {
            at = end + 2;
            continue;
        }
        const auto size = std::stoul(reply.substr(at + 1));
        out.push_back(reply.substr(end + 2, size));
        at = end + 2 + size + 2;
    }
    return out;
}

/// All calls of one scan: how often each key came. `meanwhile` runs behind each call.
template <class Meanwhile>
std::map<std::string, int> scan(local_shards& kv, word_list options, Meanwhile meanwhile) {
    std::map<std::string, int> out;
    std::string cursor = "0";
    do {
        word_list command = {"SCAN", cursor};
        command.insert(command.end(), options.begin(), options.end());
        const auto got = strings_of(kv(command));
        cursor = got.at(0);
        for (std::size_t i = 1; i < got.size(); ++i) { ++out[got[i]]; }
        meanwhile();
    } while (cursor != "0");
    return out;
}
std::map<std::string, int> scan(local_shards& kv, word_list options = {}) { return scan(kv, std::move(options), [] {}); }

}  // namespace

TEST(scan, all_keys_of_all_workers_come_once) {
    for (const std::uint32_t shards : {1U, 3U}) {
        local_shards kv(shards);
        EXPECT_EQ(kv({"SCAN", "0"}), "*2\r\n" + bulk("0") + "*0\r\n");
        EXPECT_EQ(kv({"KEYS", "*"}), "*0\r\n");
        for (int i = 0; i < 5000; ++i) { kv({"SET", other_key(i), "v"}); }
        for (const char* count : {"1", "10", "700", "1000000", "9223372036854775807"}) {
            const auto found = scan(kv, {"COUNT", count});
            ASSERT_EQ(found.size(), 5000U) << count;
            for (const auto& [key, times] : found) { ASSERT_EQ(times, 1) << key; }
        }
        const auto keys = strings_of(kv({"KEYS", "*"}));
        EXPECT_EQ(keys.size(), 5000U);
        EXPECT_THAT(kv({"KEYS", "*"}), StartsWith("*5000\r\n$"));
        EXPECT_EQ(scan(kv, {"MATCH", "*:12?"}).size(), 10U);
        EXPECT_EQ(strings_of(kv({"KEYS", "*:12?"})).size(), 10U);
        EXPECT_EQ(scan(kv, {"TYPE", "string"}).size(), 5000U);
        EXPECT_EQ(scan(kv, {"TYPE", "list"}).size(), 0U);
    }
}

TEST(scan, a_call_looks_at_about_as_many_keys_as_it_was_asked_for) {
    local_shards kv(2);
    for (int i = 0; i < 5000; ++i) { kv({"SET", other_key(i), "v"}); }
    for (const std::size_t count : {1U, 10U, 300U, 2000U}) {
        const auto got = strings_of(kv({"SCAN", "0", "COUNT", std::to_string(count)}));
        EXPECT_GE(got.size() - 1, count);
        EXPECT_LE(got.size() - 1, count + 20);
    }
}

TEST(scan, keys_that_stay_are_found_while_others_come_and_go) {
    for (const bool adds : {true, false}) {
        local_shards kv(2, 16 << 20);
        for (int i = 0; i < 1000; ++i) { kv({"SET", "stays:" + std::to_string(i), "v"}); }
        int next = 0;
        if (!adds) { for (int i = 0; i < 8000; ++i) { kv({"SET", other_key(i), "v"}); } }
        const auto found = scan(kv, {}, [&] {
            for (int i = 0; i < 60; ++i) { kv({adds ? "SETNX" : "DEL", other_key(next++), adds ? "v" : other_key(next)}); }
        });
        for (int i = 0; i < 1000; ++i) { ASSERT_EQ(found.count("stays:" + std::to_string(i)), 1U) << i; }
    }
}

TEST(scan, keys_longer_than_a_page_come_too) {
    local_shards kv(2);
    for (int i = 0; i < 20; ++i) { kv({"SET", std::string(50'000, static_cast<char>('a' + i)), "v"}); }
    for (const char* count : {"1", "100"}) { EXPECT_EQ(scan(kv, {"COUNT", count}).size(), 20U); }
    EXPECT_EQ(strings_of(kv({"KEYS", "*"})).size(), 20U);
}

TEST(scan, what_has_expired_or_was_flushed_is_not_found) {
    local_shards kv(2);
    for (int i = 0; i < 100; ++i) { kv({"SET", other_key(i), "v"}); }
    kv({"FLUSHALL"});
    for (int i = 0; i < 50; ++i) { kv({"SET", other_key(i), "v", "PX", "100"}); }
    EXPECT_EQ(scan(kv).size(), 50U);
    kv.now += 100;
    EXPECT_EQ(kv({"KEYS", "*"}), "*0\r\n");
    EXPECT_EQ(scan(kv).size(), 0U);
}

TEST(scan, any_number_is_a_cursor) {
    local_shards kv(2);
    for (int i = 0; i < 1000; ++i) { kv({"SET", other_key(i), "v"}); }
    for (const char* cursor : {"1", "77", "281474976710656", "562949953421311", "-1", "18446744073709551615", ""}) {
        EXPECT_THAT(kv({"SCAN", cursor}), StartsWith("*2\r\n$")) << cursor;
    }
    EXPECT_EQ(kv({"SCAN", "18446744073709551616"}), error("invalid cursor"));
}

TEST(scan, keys_needs_room_for_its_answer_and_scan_none) {
    local_shards kv(1, 1 << 20);
    int keys = 0;
    while (kv({"SET", std::string(1000, 'k') + other_key(keys), ""}) == ok) { ++keys; }
    EXPECT_EQ(kv({"KEYS", "*"}), oom);
    EXPECT_EQ(kv({"KEYS", "nothing*"}), "*0\r\n");
    EXPECT_EQ(scan(kv).size(), static_cast<std::size_t>(keys));
    EXPECT_EQ(kv({"DBSIZE"}), integer(keys));
    // What an answer took is free again when it is sent.
    for (int i = 0; i < keys / 2; ++i) { kv({"DEL", std::string(1000, 'k') + other_key(i)}); }
    for (int i = 0; i < 50; ++i) { ASSERT_EQ(strings_of(kv({"KEYS", "*:3?"})).size(), strings_of(kv({"KEYS", "*:3?"})).size()); }
}

}  // namespace kv::test
