// Hostile plans: bounded depth, size and work, whatever the file holds.
#include "control_plane/plan/plan_text.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <functional>

namespace numasio::test {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::string repeated(const std::string& piece, std::size_t size) {
    std::string out;
    while (out.size() + piece.size() <= size) { out += piece; }
    return out;
}

// Processor time, because the promise is about work, and tests share the machine.
double cpu_seconds(const std::function<void()>& work) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr double slowdown = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr double slowdown = 10;
#else
constexpr double slowdown = 1;
#endif
#else
constexpr double slowdown = 1;
#endif

TEST(plan_hostile, an_alias_bomb_is_refused_before_it_grows) {
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c <= 'i'; ++c) {
        const std::string last(1, static_cast<char>(c - 1));
        bomb += std::string(1, c) + ": &" + c + " [" + repeated("*" + last + ",", 27) + "]\n";
    }
    const auto problems = problems_of(bomb);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "an anchor (&name)");
}

TEST(plan_hostile, nesting_is_refused_below_64_levels) {
    const auto nested = [](std::size_t depth) {
        return problems_of("version: 1\npools: {kv: auto}\nx: " + std::string(depth, '[') + std::string(depth, ']') +
                           "\n");
    };
    ASSERT_EQ(nested(63).size(), 1U);
    EXPECT_EQ(nested(63)[0].what, "unknown key");
    ASSERT_EQ(nested(64).size(), 1U);
    EXPECT_EQ(nested(64)[0].what, "nested deeper than 64 levels");
}

TEST(plan_hostile, more_than_one_mebibyte_is_refused_unread) {
    const std::string plan = "version: 1\npools: {kv: auto}\n";
    EXPECT_EQ(error_text(plan + "#" + std::string(mebibyte - plan.size() - 2, ' ') + "\n"), "");
    const auto problems = problems_of(plan + "#" + std::string(mebibyte - plan.size() - 1, ' ') + "\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "has more than 1 MiB");
}

TEST(plan_hostile, more_than_10000_opening_brackets_are_refused_unread) {
    const auto problems = problems_of("version: 1\n# " + std::string(10'001, '[') + "\npools: {kv: auto}\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "more than 10000 opening brackets");
    EXPECT_EQ(problems[0].where.column, 10'003);
    EXPECT_EQ(error_text("version: 1\n# " + std::string(9'999, '[') + "\npools: {kv: auto}\n"), "");
}

TEST(plan_hostile, more_than_100000_values_are_refused) {
    const auto problems = problems_of("version: 1\nx: [" + repeated("a,", mebibyte / 2) + "]\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "more than 100000 values");
}

TEST(plan_hostile, the_report_has_at_most_100_problems_and_says_how_many_are_left_out) {
    std::string yaml = "version: 1\npools: {kv: auto}\n";
    for (int i = 0; i < 150; ++i) { yaml += "x" + std::to_string(i) + ": 1\n"; }
    const auto problems = problems_of(yaml);
    ASSERT_EQ(problems.size(), 101U);
    EXPECT_EQ(problems.back().what, "50 more problems are not shown");
}

TEST(plan_hostile, what_an_error_quotes_is_cut_and_printable) {
    const auto problems = problems_of("version: \"" + repeated("é", 4000) + "\\n\\e[31m\"\npools: {kv: auto}\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "\"" + repeated("é", 40) + "…\" is in quotes, which makes it a text");
    EXPECT_EQ(problems_of("version: 1\npools: {\"\\e[31m\": auto}\n").at(0).key, "pools.\"?[31m\"");
}

TEST(plan_hostile, no_file_of_a_mebibyte_takes_more_than_a_second) {
    const std::string head = "version: 1\npools: {kv: auto}\n";
    const auto all = [&](const std::string& prefix, const std::string& piece) {
        return head + prefix + repeated(piece, mebibyte - head.size() - prefix.size() - 1) + "\n";
    };
    std::string keys = head;
    for (int i = 0; keys.size() < mebibyte - 64; ++i) { keys += "workers_per_nod" + std::to_string(i) + ": 1\n"; }
    std::string pools = "version: 1\npools:\n";
    for (int i = 0; pools.size() < mebibyte - 64; ++i) { pools += "  p" + std::to_string(i) + ": {cpus: 0-65535}\n"; }
    const std::vector<std::pair<const char*, std::string>> files = {
        {"one plain word", all("drain: ", "a")},
        {"one number", all("drain: ", "1")},
        {"folded plain text", all("drain: ", "a\n ")},
        {"one quoted text", head + "drain: \"" + repeated("a", mebibyte - 64) + "\"\n"},
        {"quotes within quotes", head + "drain: '" + repeated("''", mebibyte - 64) + "'\n"},
        {"escapes", head + "drain: \"" + repeated("\\n", mebibyte - 64) + "\"\n"},
        {"block text", all("drain: |\n", " a\n")},
        {"folded block text", all("drain: >\n", " a\n\n")},
        {"trailing spaces", all("drain: a", " ")},
        {"empty lines", all("", "\n")},
        {"comments", all("", "#\n")},
        {"opening brackets", all("x: ", "[")},
        {"opening braces", all("x: ", "{")},
        {"brackets", all("x: [", "[],")},
        {"commas", all("x: [", ",")},
        {"colons", all("x: {", ": ,")},
        {"dashes on one line", all("x:\n  ", "- ")},
        {"questions on one line", all("", "? ")},
        {"dashes", all("x:\n", "- a\n")},
        {"colons on one line", all("", "a: ")},
        {"tags", all("x: ", "!a ")},
        {"percent lines", repeated("%a b\n", mebibyte)},
        {"tag directives", repeated("%TAG !a! b\n", mebibyte)},
        {"documents", repeated("---\n", mebibyte)},
        {"document ends", all("", "...\n")},
        {"unknown keys", keys},
        {"pools with many CPUs", pools},
        {"numbers", all("control: [", "1,")},
    };
    for (const auto& [name, yaml] : files) {
        ASSERT_LE(yaml.size(), mebibyte) << name;
        std::size_t problems = 0;
        EXPECT_LT(cpu_seconds([&, &text = yaml] { problems = problems_of(text).size(); }), 1.0 * slowdown) << name;
        EXPECT_LE(problems, 101U) << name;
    }
}

}  // namespace
}  // namespace numasio::test
