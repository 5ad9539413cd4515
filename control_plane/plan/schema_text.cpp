// What the table of keys says to people: expectations in errors, and the table of docs/plan.md.
#include "control_plane/bridge/value_text.hpp"
#include "control_plane/plan/nearest.hpp"
#include "control_plane/plan/schema.hpp"

namespace numasio::detail {
namespace {

std::string range(const key_rule& rule, std::string (*text)(std::uint64_t)) {
    return text(rule.range.low) + " to " + text(rule.range.high);
}

std::string plain(std::uint64_t n) { return std::to_string(n); }

std::string also(const key_rule& rule) {
    return rule.condition.empty() ? "" : ", " + std::string(rule.condition);
}

std::string type_cell(const key_rule& rule) {
    switch (rule.form) {
        case value_form::section: return "section";
        case value_form::names: return "section of names";
        case value_form::whole: return "whole number";
        case value_form::whole_or_auto: return "`auto` or whole number";
        case value_form::fraction: return "fraction";
        case value_form::duration: return "duration";
        case value_form::size: return "size";
        case value_form::word: return "word";
        case value_form::numbers_or_auto: return "`auto` or numbers";
        case value_form::endpoint: return "ADDRESS:PORT";
    }
    return {};
}

std::string range_cell(const key_rule& rule) {
    switch (rule.form) {
        case value_form::section:
            if (rule.shorthand.empty()) { return ""; }
            return rule.shorthand == "auto" ? "or `auto`"
                                            : std::string(rule.may_be_none() ? "or `none`, " : "") +
                                                  "or a value for `" + std::string(rule.shorthand) + "`";
        case value_form::names: return range(rule, plain) + " names";
        case value_form::fraction: return "above 0, below 1";
        case value_form::duration: return range(rule, duration_text);
        case value_form::size: return range(rule, size_text);
        case value_form::word: {
            std::string out;
            for (const auto word : rule.words) { out += (out.empty() ? "`" : ", `") + std::string(word) + "`"; }
            return out;
        }
        case value_form::endpoint: return "port " + range(rule, plain);
        default: return (rule.range.low == rule.range.high ? "only " + plain(rule.range.low) : range(rule, plain)) +
                        also(rule);
    }
}

}  // namespace

std::string expected_text(const key_rule& rule) {
    switch (rule.form) {
        case value_form::section: {
            std::vector<std::string_view> keys;
            for (const auto* key : keys_below(rule.path)) { keys.push_back(key->name()); }
            std::string out = "a section with keys of " + one_of(keys);
            if (!rule.shorthand.empty()) { out += ", or " + range_cell(rule).substr(3); }
            return out;
        }
        case value_form::names: return "a section of " + range(rule, plain) + " names with their settings";
        case value_form::whole:
            return (rule.range.low == rule.range.high ? plain(rule.range.low) : expected_whole(rule.range)) +
                   also(rule);
        case value_form::whole_or_auto: return "auto or " + expected_whole(rule.range) + also(rule);
        case value_form::fraction: return std::string(expected_fraction);
        case value_form::duration: return expected_duration(rule.range);
        case value_form::size: return expected_size(rule.range);
        case value_form::word: return one_of(rule.words);
        case value_form::numbers_or_auto:
            return "auto, a number from " + range(rule, plain) + ", a list as [0, 2], or ranges as \"0-3,8\"";
        case value_form::endpoint:
            return "ADDRESS:PORT with a numeric address, as 127.0.0.1:7379 or [::1]:7379, and a port from " +
                   range(rule, plain);
    }
    return {};
}

std::string schema_markdown() {
    std::string out = "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
    for (const auto& rule : plan_schema()) {
        std::string path;
        for (const char c : rule.path) { path += c == '*' ? std::string("NAME") : std::string(1, c); }
        const bool said = rule.fallback == "required" || rule.fallback == "absent";
        const auto fallback = said ? std::string(rule.fallback) : "`" + std::string(rule.fallback) + "`";
        out += "| `" + path + "` | " + type_cell(rule) + " | " + fallback + " | " + range_cell(rule) + " | " +
               std::string(rule.meaning) + " |\n";
    }
    return out;
}

}  // namespace numasio::detail
