// Numbers as Redis reads them.
#include "resp/number.hpp"

#include <gtest/gtest.h>

namespace kv::resp {

TEST(number, what_redis_takes_for_an_integer_is_one) {
    EXPECT_EQ(to_integer("0"), 0);
    EXPECT_EQ(to_integer("-1"), -1);
    EXPECT_EQ(to_integer("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(to_integer("-9223372036854775808"), INT64_MIN);
}

TEST(number, what_redis_refuses_is_none) {
    for (const auto* text : {"", "-", "+1", " 1", "1 ", "01", "-0", "00", "-01", "1.0", "0x1", "9223372036854775808",
                             "-9223372036854775809", "123456789012345678901", "1e3", "a"}) {
        EXPECT_EQ(to_integer(text), std::nullopt) << '"' << text << '"';
    }
    EXPECT_EQ(to_integer(std::string_view("1\0", 2)), std::nullopt);
}

TEST(number, what_redis_takes_for_a_float_is_one) {
    EXPECT_EQ(to_float("1.5"), 1.5L);
    EXPECT_EQ(to_float("+1e3"), 1000.0L);
    EXPECT_EQ(to_float("0x10"), 16.0L);
    EXPECT_EQ(to_float("-.5"), -0.5L);
    EXPECT_TRUE(std::isinf(to_float("inf").value_or(0)));
    for (const auto* text : {"", " 1", "1 ", "\v1", "nan", "1e9999", "1e-9999", "1.5x", "."}) {
        EXPECT_EQ(to_float(text), std::nullopt) << '"' << text << '"';
    }
    EXPECT_EQ(to_float(std::string_view("1\0", 2)), std::nullopt);
    EXPECT_EQ(to_float(std::string(float_text_bytes - 1, '0')), 0.0L);
    EXPECT_EQ(to_float(std::string(float_text_bytes, '0')), std::nullopt);
}

TEST(number, words_are_compared_without_case_and_up_to_a_zero_byte) {
    EXPECT_TRUE(is_word("KeepTTL", "keepttl"));
    EXPECT_TRUE(is_word(std::string_view("nx\0zz", 5), "nx"));
    EXPECT_FALSE(is_word("nxx", "nx"));
    EXPECT_FALSE(is_word("n", "nx"));
}

}  // namespace kv::resp
