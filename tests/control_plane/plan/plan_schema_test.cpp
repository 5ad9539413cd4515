// The table of keys: its defaults are the plan's, its ranges are enforced, its words are the enumerations'.
#include "control_plane/plan/nearest.hpp"
#include "control_plane/plan/plan_text.hpp"
#include "control_plane/plan/schema_samples.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace numasio::test {
namespace {

using detail::key_rule;
using detail::value_form;

bool has_words(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(plan_schema, a_default_that_is_written_out_changes_nothing) {
    const std::string bare = to_yaml(parse_plan("version: 1\npools: {kv: auto}\n"));
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        // What is written out at all is there: slo and bulk have no default, their keys have.
        const std::string path(rule.path);
        if (rule.fallback == "required" || rule.fallback == "absent" || has_words(path, ".slo.") || has_words(path, ".bulk.")) { continue; }
        const auto text = plan_with(rule, std::string(rule.fallback));
        EXPECT_EQ(error_text(text), "") << text;
        EXPECT_EQ(to_yaml(parse_plan(text)), bare) << text;
        ++tried;
    }
    EXPECT_EQ(tried, 36);
    EXPECT_EQ(to_yaml(parse_plan(pool_with("    lane: {bulk: {capacity: 256, weight: 8}}\n"))), to_yaml(parse_plan(pool_with("    lane: {bulk: {}}\n"))));
    const plan slo = parse_plan(pool_with("    slo: {quantile: 0.99, target: 1ms}\n"));
    EXPECT_EQ(to_yaml(slo), to_yaml(parse_plan(pool_with("    slo: {}\n"))));
    EXPECT_EQ(slo.pools.at(0).slo->quantile, slo_plan{}.quantile);
    EXPECT_EQ(slo.pools.at(0).slo->target, slo_plan{}.target);
}

TEST(plan_schema, both_ends_of_a_range_are_valid_and_one_beyond_is_not) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form == value_form::section || rule.form == value_form::names || rule.form == value_form::word ||
            rule.form == value_form::fraction) {
            continue;
        }
        for (const auto good : {rule.range.low, rule.range.high}) {
            EXPECT_EQ(error_text(plan_with(rule, written(rule, static_cast<std::int64_t>(good)))), "") << rule.path;
        }
        const auto low = static_cast<std::int64_t>(rule.range.low), high = static_cast<std::int64_t>(rule.range.high);
        const auto above = problems_of(plan_with(rule, written(rule, high + 1)));
        ASSERT_EQ(above.size(), 1U) << rule.path;
        EXPECT_EQ(above[0].expected, detail::expected_text(rule));
        if (rule.range.low != 0) {
            const auto below = problems_of(plan_with(rule, written(rule, low - 1)));
            ASSERT_EQ(below.size(), 1U) << rule.path;
            const auto fault = rule.path == "version" ? "does not read" : "too small";
            EXPECT_TRUE(has_words(below[0].what, fault)) << below[0].what;
        }
        ++tried;
    }
    EXPECT_EQ(tried, 24);
}

TEST(plan_schema, the_examples_of_an_expectation_are_valid_for_their_key) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form != value_form::duration && rule.form != value_form::size) { continue; }
        auto text = detail::expected_text(rule);
        const auto as = text.find(", as ");
        ASSERT_NE(as, std::string::npos) << text;
        text = text.substr(as + 5);
        if (const auto at = text.find(" or "); at != std::string::npos) { text.replace(at, 4, ", "); }
        std::stringstream examples(text);
        for (std::string one; std::getline(examples, one, ','); ++tried) {
            one.erase(0, one.find_first_not_of(' '));
            EXPECT_EQ(error_text(plan_with(rule, one)), "") << rule.path;
        }
    }
    EXPECT_EQ(tried, 16);
}

TEST(plan_schema, every_word_is_read_as_the_value_of_that_name) {
    const auto pool = [](const std::string& lines) {
        return parse_plan(pool_with("    " + lines + "\n")).pools.at(0);
    };
    int words = 0;
    for (const auto& rule : detail::plan_schema()) {
        for (const auto word : rule.words) {
            const std::string w(word);
            ++words;
            if (rule.name() == "policy") {
                EXPECT_EQ(to_string(pool("memory: {policy: " + w + "}").memory.policy), word);
            }
            if (rule.name() == "pages") {
                const auto pages = pool("memory: {pages: " + w + "}").memory.pages;
                EXPECT_EQ(pages ? to_string(*pages) : "auto", word);
            }
            if (rule.name() == "when_full") {
                EXPECT_EQ(to_string(pool("lane: {when_full: " + w + "}").lane.full), word);
            }
            if (rule.name() == "strategy") { EXPECT_EQ(to_string(pool("idle: " + w).idle.strategy), word); }
            if (rule.name() == "front") { EXPECT_EQ(to_string(pool("front: " + w).front), word); }
            if (rule.name() == "enforcement") { EXPECT_EQ(to_string(pool("enforcement: " + w).enforce), word); }
        }
    }
    EXPECT_EQ(words, 30);
}

TEST(plan_schema, every_key_but_version_and_pools_may_be_left_out) {
    for (const auto& rule : detail::plan_schema()) {
        EXPECT_EQ(rule.fallback == "required", rule.path == "version" || rule.path == "pools") << rule.path;
        EXPECT_FALSE(rule.meaning.empty()) << rule.path;
    }
}

TEST(plan_schema, a_slip_is_near_its_key_and_another_word_is_not) {
    constexpr std::array<std::string_view, 4> keys = {"nodes", "cpus", "workers_per_node", "memory"};
    EXPECT_EQ(detail::nearest("node", keys), "nodes");
    EXPECT_EQ(detail::nearest("cups", keys), "cpus");
    EXPECT_EQ(detail::nearest("CPUS", keys), "cpus");
    EXPECT_EQ(detail::nearest("workers-per-node", keys), "workers_per_node");
    EXPECT_EQ(detail::nearest("memroy", keys), "memory");
    EXPECT_EQ(detail::nearest("workers", keys), "workers_per_node");
    EXPECT_EQ(detail::nearest("listeners", keys), "");
    EXPECT_EQ(detail::nearest(std::string(65, 'c'), keys), "");
}

}  // namespace
}  // namespace numasio::test
