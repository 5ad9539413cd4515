// COMMAND: the table described for clients and for redis-cli's hints.
#include "server/readers.hpp"

#include "resp/number.hpp"
#include "resp/reply_text.hpp"

#include <algorithm>

namespace kv {
namespace {

bool is_subcommand(const command_spec& spec) noexcept { return spec.name.find('|') != spec.name.npos; }

std::vector<const command_spec*> subcommands(const command_spec& of) {
    std::vector<const command_spec*> out;
    for (const auto& spec : command_table()) {
        if (spec.name.size() > of.name.size() && spec.name.starts_with(of.name) &&
            spec.name[of.name.size()] == '|') {
            out.push_back(&spec);
        }
    }
    return out;
}

std::size_t top_level_count() {
    return static_cast<std::size_t>(
        std::ranges::count_if(command_table(), [](const auto& spec) { return !is_subcommand(spec); }));
}

void append_flags(std::string& out, std::string_view flags) {
    std::vector<std::string_view> words;
    while (!flags.empty()) {
        const auto end = std::min(flags.find(' '), flags.size());
        words.push_back(flags.substr(0, end));
        flags.remove_prefix(std::min(end + 1, flags.size()));
    }
    resp::append_array(out, words.size());
    for (const auto word : words) { resp::append_simple(out, word); }
}

/// Redis 7.0's ten elements: the last four (categories are among them) are empty but for subcommands.
void append_details(std::string& out, const command_spec& spec) {
    resp::append_array(out, 10);
    resp::append_bulk(out, spec.name);
    resp::append_integer(out, spec.arity);
    append_flags(out, spec.flags);
    resp::append_integer(out, spec.first_key);
    resp::append_integer(out, spec.last_key);
    resp::append_integer(out, spec.key_step);
    resp::append_array(out, 0);  // ACL categories: there are no users here
    resp::append_array(out, 0);  // tips
    resp::append_array(out, 0);  // key specifications
    const auto below = subcommands(spec);
    resp::append_array(out, below.size());
    for (const auto* sub : below) { append_details(out, *sub); }
}

void append_documentation(std::string& out, const command_spec& spec) {
    const auto below = subcommands(spec);
    resp::append_bulk(out, spec.name);
    resp::append_array(out, below.empty() ? 6 : 8);
    resp::append_bulk(out, "summary");
    resp::append_bulk(out, spec.summary);
    resp::append_bulk(out, "since");
    resp::append_bulk(out, "0.1.0");  // of numasio-kv
    resp::append_bulk(out, "group");
    resp::append_bulk(out, spec.group);
    if (below.empty()) { return; }
    resp::append_bulk(out, "subcommands");
    resp::append_array(out, below.size() * 2);
    for (const auto* sub : below) { append_documentation(out, *sub); }
}

/// "get", or "config|get" as COMMAND INFO and DOCS accept it.
const command_spec* find_named(std::string_view name) {
    const auto bar = name.find('|');
    return bar == name.npos ? find_command(name) : find_command(name.substr(0, bar), name.substr(bar + 1));
}

}  // namespace

command read_command_all(call& c) {
    resp::append_array(c.out, top_level_count());
    for (const auto& spec : command_table()) {
        if (!is_subcommand(spec)) { append_details(c.out, spec); }
    }
    return {};
}

command read_command_count(call& c) {
    resp::append_integer(c.out, static_cast<std::int64_t>(top_level_count()));
    return {};
}

command read_command_info(call& c) {
    if (c.args.size() == 2) { return read_command_all(c); }
    resp::append_array(c.out, c.args.size() - 2);
    for (const auto name : c.args.subspan(2)) {
        if (const auto* spec = find_named(name)) { append_details(c.out, *spec); }
        else { resp::append_null(c.out); }
        if (c.overflows()) { break; }
    }
    return {};
}

command read_command_docs(call& c) {
    std::vector<const command_spec*> named;
    if (c.args.size() == 2) {
        for (const auto& spec : command_table()) {
            if (!is_subcommand(spec)) { named.push_back(&spec); }
        }
    }
    for (const auto name : c.args.subspan(2)) {
        if (const auto* spec = find_named(name)) { named.push_back(spec); }
    }
    resp::append_array(c.out, named.size() * 2);
    for (const auto* spec : named) {
        append_documentation(c.out, *spec);
        if (c.overflows()) { break; }
    }
    return {};
}

command read_command_help(call& c) {
    constexpr std::string_view lines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)", "    Return details about all commands.",
        "COUNT", "    Return the total number of commands in this server.",
        "DOCS [<command-name> ...]", "    Return documentation details about commands.",
        "INFO [<command-name> ...]", "    Return details about multiple commands.",
        "HELP", "    Prints this help."};
    resp::append_array(c.out, std::size(lines));
    for (const auto line : lines) { resp::append_simple(c.out, line); }
    return {};
}

}  // namespace kv
