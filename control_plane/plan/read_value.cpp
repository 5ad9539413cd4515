// One value of a plan: from YAML to a number, a duration, a size, a list, an address.
#include "control_plane/plan/read_value.hpp"

#include "control_plane/plan/nearest.hpp"
#include "control_plane/plan/scalars.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace numasio::detail {
namespace {

using maybe_value = std::optional<plan_value>;

maybe_value in_range(const key_rule& rule, const yaml_node& node, std::optional<std::uint64_t> n, complaint& bad) {
    if (!n) { return std::nullopt; }
    if (rule.range.holds(*n)) {
        plan_value out;
        out.number = *n;
        return out;
    }
    bad.what = quoted(node.text) + (*n < rule.range.low ? " is too small" : " is too large");
    if (rule.path == "version") {
        bad.what = quoted(node.text) + " is a version of the format that this numasio does not read";
        bad.suggestion = "write \"version: 1\" and the keys of docs/plan.md, or use the numasio that the plan was "
                         "written for";
    }
    return std::nullopt;
}

/// A number in quotes is a text, as everywhere in YAML.
bool unquoted(const yaml_node& node, complaint& bad) {
    if (node.plain) { return true; }
    bad.what = quoted(node.text) + " is in quotes, which makes it a text";
    bad.suggestion = "remove the quotes";
    return false;
}

maybe_value read_word(const key_rule& rule, const yaml_node& node, complaint& bad) {
    const auto found = std::find(rule.words.begin(), rule.words.end(), node.text);
    if (found == rule.words.end()) {
        bad.what = quoted(node.text) + " is not known";
        bad.suggestion = did_you_mean(nearest(node.text, rule.words));
        return std::nullopt;
    }
    plan_value out;
    out.number = static_cast<std::uint64_t>(found - rule.words.begin());
    return out;
}

/// The numbers of a list so far; knows in constant time whether a number is there already.
class number_set {
public:
    explicit number_set(const key_rule& rule) : rule_(rule), seen_(rule.range.high + 1) {}

    /// Adds "3" or "0-3,8".
    bool add(const std::string& text, complaint& bad) {
        for (std::size_t begin = 0; begin <= text.size();) {
            const auto comma = std::min(text.find(',', begin), text.size());
            if (!add_range(trimmed(text.substr(begin, comma - begin)), bad)) { return false; }
            begin = comma + 1;
        }
        return true;
    }

    std::vector<std::uint32_t> take() && {
        std::sort(numbers_.begin(), numbers_.end());
        return std::move(numbers_);
    }

private:
    static std::string trimmed(const std::string& text) {
        const auto first = text.find_first_not_of(' ');
        return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
    }

    bool add_range(const std::string& text, complaint& bad) {
        const auto dash = text.find('-');
        const bool is_range = dash != std::string::npos && dash != 0;
        const auto first = scan_whole(is_range ? trimmed(text.substr(0, dash)) : text, bad);
        const auto last = is_range && first ? scan_whole(trimmed(text.substr(dash + 1)), bad) : first;
        if (!first || !last) { return false; }
        if (*first > rule_.range.high || *last > rule_.range.high) {
            bad.what = quoted(text) + " is too large";
            return false;
        }
        if (*first > *last) {
            bad.what = quoted(text) + " is a range that runs backwards";
            bad.suggestion = did_you_mean(std::to_string(*last) + "-" + std::to_string(*first));
            return false;
        }
        for (auto n = *first; n <= *last; ++n) {
            if (seen_[n]) {
                bad.what = std::to_string(n) + " is named twice";
                return false;
            }
            seen_[n] = true;
            numbers_.push_back(static_cast<std::uint32_t>(n));
        }
        return true;
    }

    const key_rule& rule_;
    std::vector<bool> seen_;
    std::vector<std::uint32_t> numbers_;
};

maybe_value read_numbers(const key_rule& rule, const yaml_node& node, complaint& bad, text_place& at) {
    number_set numbers(rule);
    if (node.kind == yaml_kind::scalar) {
        if (!numbers.add(node.text, bad)) {
            if (bad.suggestion.empty() && nearest(node.text, std::array<std::string_view, 1>{"auto"}) == "auto") {
                bad.suggestion = did_you_mean("auto");
            }
            return std::nullopt;
        }
    } else if (node.kind == yaml_kind::list && !node.items.empty()) {
        for (const auto& item : node.items) {
            at = item.at;
            if (item.kind != yaml_kind::scalar) {
                bad.what = "an element " + described(item);
                return std::nullopt;
            }
            if (!numbers.add(item.text, bad)) { return std::nullopt; }
        }
    } else {
        bad.what = node.kind == yaml_kind::list ? "names nothing" : described(node);
        return std::nullopt;
    }
    plan_value out;
    out.numbers = std::move(numbers).take();
    return out;
}

maybe_value read_scalar(const key_rule& rule, const yaml_node& node, complaint& bad) {
    switch (rule.form) {
        case value_form::whole:
        case value_form::whole_or_auto:
            return unquoted(node, bad) ? in_range(rule, node, scan_whole(node.text, bad), bad) : std::nullopt;
        case value_form::duration: return in_range(rule, node, scan_duration(node.text, bad), bad);
        case value_form::size: return in_range(rule, node, scan_size(node.text, bad), bad);
        case value_form::word: return read_word(rule, node, bad);
        case value_form::fraction: {
            const auto fraction = unquoted(node, bad) ? scan_fraction(node.text, bad) : std::nullopt;
            if (!fraction) { return std::nullopt; }
            plan_value out;
            out.fraction = *fraction;
            return out;
        }
        case value_form::endpoint: {
            auto endpoint = scan_endpoint(node.text, bad);
            if (!endpoint) { return std::nullopt; }
            plan_value out;
            out.address = std::move(endpoint->address);
            out.number = endpoint->port;
            return out;
        }
        default: return std::nullopt;  // sections and lists never come here
    }
}

}  // namespace

std::string described(const yaml_node& node) {
    switch (node.kind) {
        case yaml_kind::null: return "has no value";
        case yaml_kind::list: return "is a list";
        case yaml_kind::map: return "is a section";
        case yaml_kind::scalar: return "is " + quoted(node.text);
    }
    return {};
}

std::optional<plan_value> read_value(const key_rule& rule, const yaml_node& node, complaint& bad, text_place& at) {
    at = node.at;
    bad = {"", expected_text(rule), ""};
    const bool auto_allowed = rule.form == value_form::numbers_or_auto || rule.form == value_form::whole_or_auto;
    if (auto_allowed && node.kind == yaml_kind::scalar && node.text == "auto") {
        plan_value out;
        out.automatic = true;
        return out;
    }
    if (rule.form == value_form::numbers_or_auto) { return read_numbers(rule, node, bad, at); }
    if (node.kind != yaml_kind::scalar) {
        bad.what = described(node);
        return std::nullopt;
    }
    return read_scalar(rule, node, bad);
}

}  // namespace numasio::detail
