// Every key of a plan in one table: the parser, the suggestions and the documentation come from it.
#pragma once

#include <numasio/plan.hpp>
#include <numasio/plan_limits.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::detail {

/// How the value of a key is written.
enum class value_form {
    section,        ///< keys of its own
    names,          ///< a section whose keys the user names
    whole,          ///< a whole number
    whole_or_auto,
    fraction,       ///< a decimal number between 0 and 1, both excluded
    duration,
    size,
    word,           ///< one of `words`
    numbers_or_auto,///< one number, a list of them, or ranges as "0-3,8"
    endpoint        ///< ADDRESS:PORT
};

/// What a value says, before it is put into its place in the plan.
struct plan_value {
    bool automatic = false;
    bool none = false;                   ///< of a section: it is not wanted
    std::uint64_t number = 0;            ///< a whole number; nanoseconds; bytes; the index of a word
    double fraction = 0;
    std::vector<std::uint32_t> numbers;  ///< ascending
    std::string address;                 ///< an endpoint's; its port is `number`
};

/// Where values go: the plan and the pool or listener that is being read.
struct plan_target {
    plan& out;
    pool_plan* pool = nullptr;
    listener_plan* listener = nullptr;
};

struct key_rule {
    std::string_view path;      ///< as "pools.*.lane.capacity"; "*" stands for a name
    value_form form;
    plan_range range;           ///< in the unit of plan_value; of a `names` section: how many names
    std::span<const std::string_view> words;
    std::string_view fallback;  ///< the default as a plan would say it; "required"; or "absent"
    std::string_view shorthand; ///< of a section: the key that a plain value stands for, or "auto"
    std::string_view meaning;
    void (*store)(const plan_target&, const plan_value&);  ///< null where there is nothing to store
    std::string_view condition = {};  ///< what a number must keep beside its range

    /// A section that "none" as its value leaves out.
    bool may_be_none() const noexcept { return form == value_form::section && fallback == "none"; }
    std::string_view name() const noexcept { return path.substr(path.rfind('.') + 1); }
};

/// All keys, parents before children, in the order of the documentation.
std::span<const key_rule> plan_schema() noexcept;

/// The keys directly below `path` ("" for the top).
std::vector<const key_rule*> keys_below(std::string_view path);

/// "a duration from 0s to 10ms, as 20us, 1.5ms or 5s": what an error expects, and the table's range.
std::string expected_text(const key_rule& rule);

/// The whole table as Markdown, for docs/plan.md.
std::string schema_markdown();

}  // namespace numasio::detail
