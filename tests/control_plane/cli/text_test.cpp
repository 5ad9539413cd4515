// Text for a terminal: amounts a person trusts, lines that fit, columns that line up.
#include <control_plane/cli/text.hpp>

#include <gtest/gtest.h>

namespace numasio::cli {
namespace {

TEST(cli_text, amounts_have_a_unit_and_no_more_than_one_digit_behind_the_point) {
    EXPECT_EQ(amount({0}), "0 B");
    EXPECT_EQ(amount({1023}), "1023 B");
    EXPECT_EQ(amount({1024}), "1 KiB");
    EXPECT_EQ(amount({1536}), "1.5 KiB");
    EXPECT_EQ(amount({(std::uint64_t{1} << 30) - 1}), "1 GiB");
    EXPECT_EQ(amount({std::uint64_t{5} << 40}), "5 TiB");
}

TEST(cli_text, a_percentage_is_100_or_0_only_where_it_is_all_or_nothing) {
    EXPECT_EQ(percent(1), "100.0 %");
    EXPECT_EQ(percent(0.99999), "99.9 %");
    EXPECT_EQ(percent(0.00001), "0.1 %");
    EXPECT_EQ(percent(0), "0.0 %");
    EXPECT_EQ(percent(0.5), "50.0 %");
}

TEST(cli_text, a_bar_shows_something_where_there_is_something) {
    EXPECT_EQ(bar(0, 4), "[----]");
    EXPECT_EQ(bar(0.001, 4), "[#---]");
    EXPECT_EQ(bar(0.5, 4), "[##--]");
    EXPECT_EQ(bar(7, 4), "[####]");
}

TEST(cli_text, what_was_not_measured_is_a_dash) { EXPECT_EQ(fixed(std::nullopt, 1), "-"); }

TEST(cli_text, lines_break_after_words_and_commas_and_keep_their_indent) {
    std::string list;
    for (int i = 0; i < 60; ++i) { list += (i == 0 ? "" : ",") + std::to_string(i); }
    const std::string text = labelled("CPUs", list, 10);
    EXPECT_EQ(text.substr(0, 12), "CPUs      0,");
    std::string joined;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        EXPECT_LE(end - at, width);
        joined += text.substr(at + 10, end - at - 10);
        at = end + 1;
    }
    EXPECT_EQ(joined, list);
    EXPECT_EQ(wrapped("", 2), "\n");
    EXPECT_EQ(wrapped(std::string(100, 'x'), 0), std::string(80, 'x') + "\n" + std::string(20, 'x') + "\n");
}

TEST(cli_text, a_table_lines_up_by_characters_and_has_no_spaces_at_the_end) {
    table rows({"A", "NUMBER", ""}, "lr");
    rows.add({"é…", "7", "x"});
    rows.add({"long", "1234567", ""});
    EXPECT_EQ(rows.text(), "A      NUMBER\né…          7  x\nlong  1234567\n");
}

}  // namespace
}  // namespace numasio::cli
