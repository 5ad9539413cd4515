// Small requests for huge replies: the program's memory stays bounded, and everybody gets an answer.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace kv::test {
namespace {

std::string mget(std::size_t keys) {
    std::vector<std::string> words = {"MGET"};
    for (std::size_t i = 0; i < keys; ++i) { words.push_back("k" + std::to_string(i % 10)); }
    return resp(words);
}

/// What a sanitizer adds to each byte in use, and what it keeps of freed ones.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t sanitized = 8;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr std::size_t sanitized = 8;
#else
constexpr std::size_t sanitized = 1;
#endif
#else
constexpr std::size_t sanitized = 1;
#endif

void set_keys(wire& client) {
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(client.call({"SET", "k" + std::to_string(i), std::string(3400, 'v')}), ok);
    }
}

}  // namespace

class reply_memory_of_the_program : public on_each_front {};

INSTANTIATE_TEST_SUITE_P(fronts, reply_memory_of_the_program, every_shape(), shape_name);

TEST_P(reply_memory_of_the_program, a_request_for_340_megabytes_is_refused_in_little_memory) {
    kv_program server(plan());
    wire client(server.port);
    ASSERT_NO_FATAL_FAILURE(set_keys(client));
    const auto before = server.peak_bytes();
    for (int i = 0; i < 5; ++i) {
        client.send(resp({"ECHO", "before"}) + mget(100'000) + resp({"ECHO", "after"}));
        EXPECT_EQ(client.read_reply(), bulk("before"));
        EXPECT_EQ(client.read_reply(), "-OOM reply too large, ask for less at once\r\n");
        EXPECT_EQ(client.read_reply(), bulk("after"));
    }
    // Some 30 MiB; a sanitizer keeps what was freed, of all five.
    EXPECT_LT(server.peak_bytes(), before + sanitized * (128U << 20));
    EXPECT_EQ(client.info("reply_memory_used"), 0);
}

TEST_P(reply_memory_of_the_program, a_gigabyte_of_unread_replies_is_bounded_and_others_are_served) {
    kv_program server(plan());
    wire other(server.port);
    ASSERT_NO_FATAL_FAILURE(set_keys(other));
    const auto before = server.peak_bytes();
    std::vector<std::unique_ptr<wire>> greedy;
    for (int i = 0; i < 40; ++i) {  // 30 MB of replies each
        greedy.push_back(std::make_unique<wire>(server.port, 4096));
        greedy.back()->send(mget(9000));
        ASSERT_EQ(other.call({"GET", "k1"}), bulk(std::string(3400, 'v')));
        ASSERT_EQ(other.call({"INCR", "n"}), integer(i + 1));
    }
    // Others may have been served before all of these were.
    EXPECT_TRUE(other.wait_for_info("reply_memory_used", 64 << 20, other.info("reply_memory_limit") + 40 * 16384));
    EXPECT_EQ(greedy.back()->read_reply(), "-OOM reply memory is in use, try again\r\n");
    EXPECT_LE(other.info("reply_memory_used"), other.info("reply_memory_limit") + 40 * 16384);
    EXPECT_LT(server.peak_bytes(), before + sanitized * (256U << 20));
    EXPECT_EQ(greedy.front()->read_reply().size(), 7 + 9000 * bulk(std::string(3400, 'v')).size());
    greedy.clear();
    EXPECT_TRUE(other.wait_for_info("reply_memory_used", 0));
}

}  // namespace kv::test
