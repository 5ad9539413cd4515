// Patterns match as Redis's do; differential_test compares made-up ones with the real server.
#include "resp/pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kv::resp {

TEST(pattern, stars_marks_sets_and_escapes_match) {
    EXPECT_TRUE(matches("h?llo", "hello"));
    EXPECT_TRUE(matches("h*llo", "hllo"));
    EXPECT_TRUE(matches("h*l*o", "heeeello"));
    EXPECT_TRUE(matches("*:1?", "key:10"));
    EXPECT_TRUE(matches("h[ae]llo", "hallo"));
    EXPECT_TRUE(matches("h[^e]llo", "hallo"));
    EXPECT_TRUE(matches("h[c-a]llo", "hbllo"));
    EXPECT_TRUE(matches("a\\*", "a*"));
    EXPECT_TRUE(matches("[\\]]", "]"));
    EXPECT_TRUE(matches("a***", "a"));
    EXPECT_FALSE(matches("h?llo", "hllo"));
    EXPECT_FALSE(matches("h[^a]llo", "hallo"));
    EXPECT_FALSE(matches("a\\*", "ab"));
    EXPECT_FALSE(matches("*a*b*", "ba"));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_TRUE(matches(std::string_view("a\0*", 3), std::string_view("a\0b", 3)));
}

TEST(pattern, one_that_is_cut_short_has_rediss_answer) {
    EXPECT_TRUE(matches("[a", "a"));
    EXPECT_TRUE(matches("[^", "x"));
    EXPECT_TRUE(matches("a\\", "a\\"));
    EXPECT_FALSE(matches("[", "["));
    EXPECT_FALSE(matches("[]", "]"));
}

TEST(pattern, the_key_without_a_byte_matches_only_the_empty_pattern_and_the_shortcut) {
    EXPECT_TRUE(matches("", ""));
    EXPECT_FALSE(matches("*", ""));
    EXPECT_TRUE(matches_all("*"));
}

TEST(pattern, many_stars_do_not_cost_exponential_time) {
    std::string stars;
    for (int i = 0; i < 900; ++i) { stars += "*a"; }
    EXPECT_FALSE(matches(stars + "*b", std::string(100'000, 'a')));
    EXPECT_TRUE(matches(stars, std::string(1000, 'a')));
    EXPECT_FALSE(matches(stars + stars, std::string(10'000, 'a'))) << "Redis gives up at 1000 of them";
}

}  // namespace kv::resp
