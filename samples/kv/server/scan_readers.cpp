// KEYS and SCAN: which keys there are, on all workers.
#include "server/readers.hpp"

#include "resp/number.hpp"
#include "resp/reply_text.hpp"
#include "server/fan_out.hpp"

#include <cerrno>
#include <cstdlib>
#include <optional>

namespace kv {
namespace {

command on_all_workers(const call& c, kv_op op, reply_form form) {
    command out;
    out.to = command::route::all;
    out.form = form;
    out.request.op = op;
    out.request.now = c.now;
    out.request.key = "*";
    return out;
}

/// As Redis reads it: with strtoul(), which takes a sign and no text at all.
std::optional<std::uint64_t> to_cursor(std::string_view text) {
    const std::string word(resp::up_to_zero(text));
    if (!word.empty() && (word[0] == ' ' || (word[0] >= '\t' && word[0] <= '\r'))) { return std::nullopt; }
    char* end = nullptr;
    errno = 0;
    const std::uint64_t cursor = std::strtoul(word.c_str(), &end, 10);
    if (*end != '\0' || errno == ERANGE) { return std::nullopt; }
    return cursor;
}

}  // namespace

command read_keys(call& c) {
    command out = on_all_workers(c, kv_op::keys, reply_form::keys);
    out.request.key = c.args[1];
    return out;
}

command read_scan(call& c) {
    const auto cursor = to_cursor(c.args[1]);
    if (!cursor) { return c.error("invalid cursor"); }
    command out = on_all_workers(c, kv_op::scan, reply_form::scan);
    out.request.last = 10;
    for (std::size_t i = 2; i < c.args.size(); i += 2) {
        if (i + 1 == c.args.size()) { return c.syntax_error(); }
        if (resp::is_word(c.args[i], "count")) {
            const auto count = resp::to_integer(c.args[i + 1]);
            if (!count) { return c.not_an_integer(); }
            if (*count < 1) { return c.syntax_error(); }
            out.request.last = *count;
        } else if (resp::is_word(c.args[i], "match")) {
            out.request.key = c.args[i + 1];
        } else if (resp::is_word(c.args[i], "type")) {
            out.request.flags = resp::is_word(c.args[i + 1], "string") ? std::uint8_t{0} : std::uint8_t{no_match};
        } else {
            return c.syntax_error();
        }
    }
    if (fan_out::worker_of(*cursor) >= c.server.workers) {  // no cursor of ours: nothing is behind it
        c.out.append("*2\r\n$1\r\n0\r\n*0\r\n");
        return {};
    }
    out.request.number = static_cast<std::int64_t>(*cursor);
    return out;
}

}  // namespace kv
