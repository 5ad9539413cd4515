// What YAML may not say, code may not either: the table of keys and the check of plans built in code agree.
#include "control_plane/bridge/plan_values.hpp"
#include "control_plane/plan/plan_text.hpp"
#include "control_plane/plan/schema_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace numasio::test {
namespace {

using detail::key_rule;
using detail::plan_value;
using detail::value_form;

/// The keys that the check of code blames, each with what it expects.
std::string blamed(const plan& asked) {
    std::string out;
    for (const auto& entry : detail::entries_of(asked)) {
        if (!entry.what.empty()) { out += entry.key + ": " + entry.expected + "\n"; }
    }
    return out;
}

/// The keys that the YAML reader blames, in the same form.
std::string blamed(const std::string& yaml) {
    std::string out;
    for (const auto& problem : problems_of(yaml)) { out += problem.key + ": " + problem.expected + "\n"; }
    return out;
}

/// A plan built in code in which `value` is put where the key of `rule` says.
plan code_with(const key_rule& rule, const plan_value& value) {
    plan out;
    out.pools.emplace_back().name = "kv";
    listener_plan listener{"kv", "127.0.0.1", 0};
    rule.store({out, &out.pools.front(), &listener}, value);
    if (rule.form == value_form::endpoint) { out.listeners.push_back(listener); }
    return out;
}

plan_value number(std::int64_t n) {
    plan_value out;
    out.number = static_cast<std::uint64_t>(n);
    out.numbers = {static_cast<std::uint32_t>(n)};
    out.address = "127.0.0.1";
    return out;
}

bool counts(const key_rule& rule) {
    return rule.form == value_form::whole || rule.form == value_form::whole_or_auto ||
           rule.form == value_form::duration || rule.form == value_form::size;
}

TEST(plan_agreement, both_sides_allow_and_refuse_the_same_numbers_and_expect_the_same) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (!counts(rule) || rule.store == nullptr) { continue; }
        const auto low = static_cast<std::int64_t>(rule.range.low), high = static_cast<std::int64_t>(rule.range.high);
        for (const auto good : {low, high}) {
            EXPECT_EQ(blamed(plan_with(rule, written(rule, good))), "") << rule.path;
            EXPECT_EQ(blamed(code_with(rule, number(good))), "") << rule.path;
        }
        // A count in code has no sign: below nothing there is nothing to refuse.
        const bool below = low > 0 || rule.form == value_form::duration;
        for (const auto bad : {below ? low - 1 : high + 1, high + 1}) {
            const auto told = blamed(plan_with(rule, written(rule, bad)));
            EXPECT_NE(told, "") << rule.path << " " << bad;
            EXPECT_EQ(blamed(code_with(rule, number(bad))), told) << rule.path << " " << bad;
        }
        ++tried;
    }
    EXPECT_EQ(tried, 19);
}

TEST(plan_agreement, both_sides_allow_and_refuse_the_same_ids) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form != value_form::numbers_or_auto) { continue; }
        const auto last = static_cast<std::int64_t>(rule.range.high);
        plan_value twice = number(1);
        twice.numbers.push_back(1);
        EXPECT_EQ(blamed(plan_with(rule, std::to_string(last))), "") << rule.path;
        EXPECT_EQ(blamed(code_with(rule, number(last))), "") << rule.path;
        for (const auto& [yaml, value] : {std::pair{std::to_string(last + 1), number(last + 1)},
                                          std::pair{std::string("[1, 1]"), twice}}) {
            EXPECT_NE(blamed(plan_with(rule, yaml)), "") << rule.path << " " << yaml;
            EXPECT_NE(blamed(code_with(rule, value)), "") << rule.path << " " << yaml;
        }
        ++tried;
    }
    EXPECT_EQ(tried, 3);
}

TEST(plan_agreement, both_sides_know_the_same_words) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form != value_form::word) { continue; }
        const auto words = static_cast<std::int64_t>(rule.words.size());
        for (std::int64_t i = 0; i < words; ++i) { EXPECT_EQ(blamed(code_with(rule, number(i))), "") << rule.path; }
        EXPECT_NE(blamed(plan_with(rule, "bogus")), "") << rule.path;
        EXPECT_NE(blamed(code_with(rule, number(words))), "") << rule.path;
        ++tried;
    }
    EXPECT_EQ(tried, 9);
}

TEST(plan_agreement, both_sides_allow_and_refuse_the_same_fractions) {
    int tried = 0;
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form != value_form::fraction) { continue; }
        plan_value value;
        for (const double good : {0.01, 0.99, 0.999999}) {
            value.fraction = good;
            EXPECT_EQ(blamed(plan_with(rule, fraction_text(good))), "") << good;
            EXPECT_EQ(blamed(code_with(rule, value)), "") << good;
        }
        for (const double bad : {0.0, 1.0, 2.0, -0.5}) {
            value.fraction = bad;
            EXPECT_EQ(blamed(code_with(rule, value)), blamed(plan_with(rule, fraction_text(bad)))) << bad;
        }
        value.fraction = std::numeric_limits<double>::quiet_NaN();
        EXPECT_NE(blamed(code_with(rule, value)), "");
        ++tried;
    }
    EXPECT_EQ(tried, 1);
}

TEST(plan_agreement, both_sides_want_numeric_addresses_and_a_place_for_each_listener) {
    for (const std::string bad : {"localhost", "", "*", "fe80::1%eth0", "127.0.0.1.1"}) {
        plan code = parse_plan("version: 1\npools: {kv: auto}\n");
        code.listeners = {{"kv", bad, 80}};
        EXPECT_NE(blamed(code), "") << bad;
        EXPECT_NE(blamed("version: 1\npools: {kv: auto}\nlisteners: {kv: \"" + bad + ":80\"}\n"), "") << bad;
    }
    plan code = parse_plan("version: 1\npools: {kv: auto}\nlisteners: {a: \"[::1]:80\", b: 127.0.0.1:0}\n");
    EXPECT_EQ(blamed(code), "");
    code.listeners.push_back({"c", "::1", 80});
    EXPECT_EQ(blamed(code), "listeners.c: an address and port of its own\n");
}

TEST(plan_agreement, both_sides_allow_and_refuse_the_same_names_and_as_many) {
    const auto yaml_of = [](const std::vector<std::string>& names) {
        std::string out = "version: 1\npools:" + std::string(names.empty() ? " {}" : "") + "\n";
        for (const auto& name : names) { out += "  \"" + name + "\": auto\n"; }
        return out;
    };
    const auto plan_of = [](const std::vector<std::string>& names) {
        plan out;
        for (const auto& name : names) { out.pools.emplace_back().name = name; }
        return out;
    };
    using names = std::vector<std::string>;
    const std::string longest(32, 'x');
    for (const auto& good : {names{"a"}, names{"_", "kv-2", "Kv"}, names{longest}}) {
        EXPECT_EQ(blamed(yaml_of(good)) + blamed(plan_of(good)), "") << good.front();
    }
    for (const auto& bad : {names{}, names{""}, names{"a.b"}, names{"2x"}, names{"-a"}, names{"a b"},
                            names{longest + "x"}, names{"\xC3\xA9"}, names{"a", "b", "a"}}) {
        const auto told = blamed(yaml_of(bad));
        EXPECT_NE(told, "");
        EXPECT_EQ(blamed(plan_of(bad)), told);
    }
    for (const auto& rule : detail::plan_schema()) {
        if (rule.form != value_form::names) { continue; }
        for (const auto count : {rule.range.high, rule.range.high + 1}) {
            std::string yaml = "version: 1\n" + std::string(rule.path) + ":\n";
            plan code = rule.path == "pools" ? plan{} : plan_of({"kv"});
            for (std::uint64_t i = 0; i < count; ++i) {
                const auto name = "n" + std::to_string(i);
                yaml += "  " + name + (rule.path == "pools" ? ": auto\n" : ": 127.0.0.1:0\n");
                if (rule.path == "pools") { code.pools.emplace_back().name = name; }
                else { code.listeners.push_back({name, "127.0.0.1", 0}); }
            }
            if (rule.path != "pools") { yaml += "pools: {kv: auto}\n"; }
            EXPECT_EQ(blamed(code), blamed(yaml)) << rule.path;
            EXPECT_EQ(blamed(code).empty(), count == rule.range.high) << rule.path;
        }
    }
}

TEST(plan_agreement, every_key_of_the_table_is_checked_in_code) {
    const plan p = parse_plan(
        "version: 1\nlisteners: {NAME: 127.0.0.1:80}\n"
        "pools: {NAME: {slo: 1ms, lane: {bulk: 1}}}\n");
    std::string known;
    for (const auto& entry : detail::entries_of(p)) { known += entry.key + "\n"; }
    for (const auto& rule : detail::plan_schema()) {
        if (rule.store == nullptr || rule.form == value_form::section) { continue; }
        std::string key;
        for (const char c : rule.path) { key += c == '*' ? std::string("NAME") : std::string(1, c); }
        EXPECT_NE(("\n" + known).find("\n" + key + "\n"), std::string::npos) << key;
    }
}

}  // namespace
}  // namespace numasio::test
