// Plans in which a single key of the table is given.
#pragma once

#include "control_plane/plan/schema.hpp"

#include <algorithm>
#include <string>

namespace numasio::test {

/// A whole plan in which only the key of `rule` is given.
inline std::string plan_with(const detail::key_rule& rule, const std::string& value) {
    std::string out, indentation;
    std::string_view rest = rule.path;
    while (!rest.empty()) {
        const auto dot = std::min(rest.find('.'), rest.size());
        const auto part = rest.substr(0, dot);
        out += indentation + (part == "*" ? "kv" : std::string(part)) + ":" +
               (dot == rest.size() ? " " + value : "") + "\n";
        indentation += "  ";
        rest = rest.substr(std::min(dot + 1, rest.size()));
    }
    if (rule.path != "version") { out += "version: 1\n"; }
    if (rule.path.substr(0, 5) != "pools") { out += "pools: {kv: auto}\n"; }
    return out;
}

/// A number of the plan as the key's value is written.
inline std::string written(const detail::key_rule& rule, std::int64_t number) {
    using detail::value_form;
    switch (rule.form) {
        case value_form::duration: return std::to_string(number) + "ns";
        case value_form::size: return std::to_string(number) + "B";
        case value_form::endpoint: return "127.0.0.1:" + std::to_string(number);
        default: return std::to_string(number);
    }
}

}  // namespace numasio::test
