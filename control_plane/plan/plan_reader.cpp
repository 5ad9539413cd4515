// Walks the YAML tree along the table of keys and fills the plan.
#include "control_plane/plan/plan_reader.hpp"

#include "control_plane/bridge/pool_keys.hpp"
#include "control_plane/plan/nearest.hpp"
#include "control_plane/plan/read_value.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace numasio::detail {
namespace {

class plan_reader {
public:
    explicit plan_reader(problem_list& problems) : problems_(problems) {}

    plan read(const yaml_node& root) {
        if (root.kind == yaml_kind::map) {
            keys(root, "", "", {out_});
        } else {
            problems_.add(root.at, "", {described(root), "the keys of a plan, beginning with \"version: 1\"", ""});
        }
        return std::move(out_);
    }

private:
    /// A section's keys: each known, each once, none missing.
    void keys(const yaml_node& map, std::string_view pattern, const std::string& path, const plan_target& target) {
        const auto rules = keys_below(pattern);
        std::map<std::string_view, int> lines;
        for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
            const auto& key = map.items[i];
            if (!is_word(key, path) || !first_time(key, path, lines)) { continue; }
            const auto rule =
                std::find_if(rules.begin(), rules.end(), [&](auto* r) { return r->name() == key.text; });
            if (rule == rules.end()) {
                unknown(key, pattern, path);
                continue;
            }
            out_.marks.emplace(plan_key(path, key.text), problems_.mark(key.at));
            any(**rule, map.items[i + 1], plan_key(path, key.text), target);
        }
        for (const auto* rule : rules) {
            if (rule->fallback == "required" && lines.count(rule->name()) == 0) {
                problems_.add(map.at, plan_key(path, std::string(rule->name())),
                              {"is missing", expected_text(*rule), rule->range.low == rule->range.high ? "add \"" +
                               std::string(rule->name()) + ": " + std::to_string(rule->range.low) + "\"" : ""});
            }
        }
    }

    void any(const key_rule& rule, const yaml_node& node, const std::string& path, const plan_target& target) {
        switch (rule.form) {
            case value_form::section: section(rule, node, path, target); break;
            case value_form::names: names(rule, node, path); break;
            default: value(rule, node, path, target);
        }
    }

    void value(const key_rule& rule, const yaml_node& node, const std::string& path, const plan_target& target,
               bool or_none = false) {
        complaint bad;
        text_place at;
        const auto found = read_value(rule, node, bad, at);
        if (!found) {
            if (or_none) {
                bad.expected = "none, or " + bad.expected;
                if (nearest(node.text, std::array<std::string_view, 1>{"none"}) == "none") {
                    bad.suggestion = did_you_mean("none");
                }
            }
            problems_.add(at, path, std::move(bad));
        } else if (rule.store != nullptr) {
            rule.store(target, *found);
        }
    }

    void section(const key_rule& rule, const yaml_node& node, const std::string& path, const plan_target& target) {
        plan_value whole_section;
        whole_section.none = rule.may_be_none() && node.kind == yaml_kind::scalar && node.text == "none";
        if (rule.store != nullptr) { rule.store(target, whole_section); }
        if (whole_section.none) { return; }
        if (node.kind == yaml_kind::map) { return keys(node, rule.path, path, target); }
        if (node.kind == yaml_kind::scalar && rule.shorthand == "auto" && node.text == "auto") { return; }
        const auto below = keys_below(rule.path);
        const auto meant =
            std::find_if(below.begin(), below.end(), [&](auto* r) { return r->name() == rule.shorthand; });
        const bool list_fits = meant != below.end() && (*meant)->form == value_form::numbers_or_auto;
        if (meant != below.end() && (node.kind == yaml_kind::scalar || (node.kind == yaml_kind::list && list_fits))) {
            const auto whole = plan_key(path, std::string(rule.shorthand));
            out_.marks.emplace(whole, problems_.mark(node.at));
            return value(**meant, node, whole, target, rule.may_be_none());
        }
        problems_.add(node.at, path, {described(node), expected_text(rule),
                                      node.kind == yaml_kind::null ? "remove the key to take its default" : ""});
    }

    /// A section whose keys are names: listeners and pools.
    void names(const key_rule& rule, const yaml_node& node, const std::string& path) {
        if (node.kind != yaml_kind::map || node.items.size() < 2 * rule.range.low) {
            const bool none = node.kind == yaml_kind::map;
            problems_.add(node.at, path, {none ? "names nothing" : described(node), expected_text(rule), ""});
            return;
        }
        const key_rule& each = *keys_below(rule.path).front();
        std::map<std::string_view, int> lines;
        for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
            const auto& key = node.items[i];
            if (i == 2 * rule.range.high) {
                problems_.add(key.at, path, {"has more than " + std::to_string(rule.range.high) + " names",
                                             expected_text(rule), ""});
                return;
            }
            if (!is_word(key, path) || !first_time(key, path, lines)) { continue; }
            const auto whole = plan_key(path, key.text);
            if (!is_plan_name(key.text)) {
                problems_.add(key.at, whole, {"is not a name", std::string(expected_name), ""});
                continue;
            }
            out_.marks.emplace(whole, problems_.mark(key.at));
            one(each, node.items[i + 1], key.text, whole);
        }
    }

    void one(const key_rule& rule, const yaml_node& node, const std::string& name, const std::string& path) {
        if (rule.form == value_form::section) {
            out_.pools.emplace_back().name = name;
            run_ = run_of(node);
            section(rule, node, path, {out_, &out_.pools.back(), nullptr});
            run_.reset();
            return;
        }
        listener_plan read{name, {}, 0};
        value(rule, node, path, {out_, nullptr, &read});
        if (read.address.empty()) { return; }  // the problem has been told
        for (const auto& other : out_.listeners) {
            if (read.port != 0 && other.port == read.port && other.address == read.address) {
                problems_.add(node.at, path, {"listens where listeners." + other.name + " does",
                                              "an address and port of its own", ""});
            }
        }
        out_.listeners.push_back(std::move(read));
    }

    bool is_word(const yaml_node& key, const std::string& path) {
        if (key.kind == yaml_kind::scalar && key.text != "<<") { return true; }
        const bool merge = key.kind == yaml_kind::scalar;
        problems_.add(key.at, path, {merge ? "a merge key (<<)" : "a key that " + described(key),
                                     merge ? "keys written out: merge keys are not read" : "a word as key", ""});
        return false;
    }

    bool first_time(const yaml_node& key, const std::string& path, std::map<std::string_view, int>& lines) {
        const auto [known, fresh] = lines.emplace(key.text, key.at.line);
        if (!fresh) {
            problems_.add(key.at, plan_key(path, key.text), {"is given twice", "each key once",
                          "it stands on line " + std::to_string(known->second) + " already"});
        }
        return fresh;
    }

    void unknown(const yaml_node& key, std::string_view pattern, const std::string& path) {
        if (problems_.full()) { return problems_.add({}, "", {}); }  // a suggestion costs time: none that nobody sees
        std::vector<std::string_view> here;
        for (const auto* rule : keys_below(pattern)) { here.push_back(rule->name()); }
        auto suggestion = did_you_mean(nearest(key.text, here));
        if (suggestion.empty()) { suggestion = elsewhere(key.text); }
        problems_.add(key.at, plan_key(path, key.text), {"unknown key", one_of(here), std::move(suggestion)});
    }

    /// A right key in the wrong section: "capacity" directly below a pool. Of several such keys the one that says something to what the pool runs.
    std::string elsewhere(const std::string& key) const {
        constexpr std::string_view pool = "pools.*.";
        std::string other;
        for (const auto& rule : plan_schema()) {
            if (rule.name() != key) { continue; }
            std::string path;
            for (const char c : rule.path) { path += c == '*' ? std::string("NAME") : std::string(1, c); }
            const auto* const decides = rule.path.starts_with(pool) ? deciding_key(rule.path.substr(pool.size())) : nullptr;
            if (!run_ || decides == nullptr || decides->is_for(*run_)) { return "it belongs at " + path; }
            if (other.empty()) { other = "it belongs at " + path + ", with " + decides->wanted(); }
        }
        return other;
    }

    /// What a pool says that it runs, wherever among its keys; none where it says that wrongly.
    static std::optional<run_mode> run_of(const yaml_node& pool) {
        if (pool.kind != yaml_kind::map) { return run_mode::service; }
        for (std::size_t i = 0; i + 1 < pool.items.size(); i += 2) {
            if (pool.items[i].text != "run") { continue; }
            for (const auto run : {run_mode::service, run_mode::tasks, run_mode::reactor}) {
                if (pool.items[i + 1].text == to_string(run)) { return run; }
            }
            return std::nullopt;
        }
        return run_mode::service;
    }

    problem_list& problems_;
    plan out_;
    std::optional<run_mode> run_;  // of the pool that is being read
};

}  // namespace

plan read_plan(const yaml_node& root, problem_list& problems) { return plan_reader(problems).read(root); }

}  // namespace numasio::detail
