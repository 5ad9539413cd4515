// The parser's answers, in whatever pieces the bytes arrive.
#include "resp/request_parser.hpp"

#include <gtest/gtest.h>

#include <random>

namespace kv::resp {
namespace {

using outcome = request_parser::outcome;
using words = std::vector<std::string>;

struct parsed {
    std::vector<words> commands;
    std::string error;
    friend bool operator==(const parsed&, const parsed&) = default;
};

/// Feeds `text` in pieces of at most `piece` bytes, from a fresh buffer each time: views must not be relied on.
parsed parse(std::string_view text, std::size_t piece = std::string_view::npos, parser_limits limits = {}) {
    request_parser parser(limits);
    parsed out;
    std::string unread;
    while (!text.empty() || !unread.empty()) {
        const auto n = std::min(piece, text.size());
        unread += text.substr(0, n);
        text.remove_prefix(n);
        for (;;) {
            std::string moved = unread;  // the bytes are somewhere else at each call
            const auto result = parser.parse(moved);
            unread = moved;
            if (result == outcome::broken) {
                out.error = parser.error();
                return out;
            }
            if (result == outcome::need_more) { break; }
            const auto& args = parser.arguments();
            if (!args.empty()) { out.commands.emplace_back(args.begin(), args.end()); }
            unread.erase(0, parser.consumed());
        }
        if (n == 0) { return out; }
    }
    return out;
}

std::vector<words> commands(std::string_view text) { return parse(text).commands; }
std::string error_of(std::string_view text) { return parse(text).error; }

}  // namespace

TEST(request_parser, arrays_are_commands) {
    EXPECT_EQ(commands("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), (std::vector<words>{{"GET", "a"}}));
    EXPECT_EQ(commands("*1\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n"), (std::vector<words>{{""}, {"PING"}}));
    EXPECT_EQ(commands(std::string_view("*1\r\n$5\r\na\r\n\0b\r\n", 15)), (std::vector<words>{{{"a\r\n\0b", 5}}}));
}

TEST(request_parser, empty_commands_are_skipped) {
    EXPECT_EQ(commands("*0\r\n*-1\r\n\r\n\n  \r\nPING\r\n"), (std::vector<words>{{"PING"}}));
}

TEST(request_parser, inline_words_are_split_as_in_a_shell) {
    EXPECT_EQ(commands("set  a\tb\r\n"), (std::vector<words>{{"set", "a", "b"}}));
    EXPECT_EQ(commands("set a \"x y\\n\\x41\\\"\"\n"), (std::vector<words>{{"set", "a", "x y\nA\""}}));
    EXPECT_EQ(commands("set a 'x\\'y\\n' \"\"\n"), (std::vector<words>{{"set", "a", "x'y\\n", ""}}));
    EXPECT_EQ(commands("a\"b c\"\n"), (std::vector<words>{{"ab c"}}));
}

TEST(request_parser, protocol_errors_have_redis_texts) {
    EXPECT_EQ(error_of("*abc\r\n"), "Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of("*2147483648\r\n"), "Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of("*1\r\nxPING\r\n"), "Protocol error: expected '$', got 'x'");
    EXPECT_EQ(error_of("*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
    EXPECT_EQ(error_of("*1\r\n$ 1\r\n"), "Protocol error: invalid bulk length");
    for (const char* no_length : {"", "01", "00", "+1", "1 ", "1\n", "-1", "99999999999", "18446744073709551617"}) {
        EXPECT_EQ(error_of("*1\r\n$" + std::string(no_length) + "\r\n"), "Protocol error: invalid bulk length") << no_length;
    }
    EXPECT_EQ(error_of("*01\r\n"), "Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of("*\r\n"), "Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of("set \"a\r\n"), "Protocol error: unbalanced quotes in request");
    EXPECT_EQ(error_of("set \"a\"b\r\n"), "Protocol error: unbalanced quotes in request");
    EXPECT_EQ(error_of(std::string(70'000, 'x')), "Protocol error: too big inline request");
    EXPECT_EQ(error_of("*" + std::string(70'000, '1')), "Protocol error: too big mbulk count string");
    EXPECT_EQ(error_of("*1\r\n$" + std::string(70'000, '1')), "Protocol error: too big bulk count string");
}

TEST(request_parser, what_a_client_may_ask_us_to_remember_is_bounded) {
    const parser_limits small{.line_bytes = 16, .arguments = 3, .bulk_bytes = 8};
    EXPECT_EQ(parse("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", 99, small).commands.size(), 1U);
    EXPECT_EQ(parse("*4\r\n", 99, small).error, "Protocol error: invalid multibulk length");
    EXPECT_EQ(parse("*1\r\n$9\r\n", 99, small).error, "Protocol error: invalid bulk length");
    EXPECT_EQ(parse("*1\r\n$8\r\n12345678\r\n", 99, small).commands.size(), 1U);
    EXPECT_EQ(parse("12345678901234567", 99, small).error, "Protocol error: too big inline request");
}

TEST(request_parser, an_announced_length_reserves_nothing) {
    request_parser parser;
    std::string text = "*1048576\r\n$16777216\r\n";
    EXPECT_EQ(parser.parse(text), outcome::need_more);
    EXPECT_EQ(parser.arguments().capacity(), 0U);
    EXPECT_EQ(parser.needed(), text.size() + 16777216 + 2);
}

TEST(request_parser, any_way_of_cutting_the_bytes_gives_the_same_commands) {
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return random() % n; };
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (int i = 0; i < 12; ++i) {
            switch (below(8)) {
                case 0: text += "inline \"quo\\x41ted\" 'words'\r\n"; break;
                case 1: text += "\r\n"; break;
                case 2: text += "*0\r\n"; break;
                case 3: text += "*1\r\n$" + std::to_string(below(3)) + "\r\nab"; break;  // may break the stream
                default: {
                    const auto n = 1 + below(4);
                    text += "*" + std::to_string(n) + "\r\n";
                    for (std::size_t k = 0; k < n; ++k) {
                        std::string word(below(40), static_cast<char>(below(256)));
                        text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
                    }
                }
            }
        }
        const auto whole = parse(text);
        for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 1 + below(50)}) {
            ASSERT_EQ(parse(text, piece), whole) << "round " << round << ", pieces of " << piece;
        }
    }
}

}  // namespace kv::resp
