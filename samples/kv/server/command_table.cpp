// The table of commands, and what is checked before a command's own reader runs.
#include "server/command.hpp"

#include "resp/number.hpp"
#include "resp/reply_text.hpp"
#include "server/readers.hpp"
#include "server/reply_account.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace kv {
namespace {

// name, arity, flags, first key, last key, step, reader, group, summary
constexpr auto table = std::to_array<command_spec>({
    {"append", 3, "write denyoom fast", 1, 1, 1, read_append, "string", "Append a value to a key"},
    {"client", -2, "", 0, 0, 0, nullptr, "connection", "A container for client connection commands"},
    {"client|getname", 2, "noscript loading stale fast", 0, 0, 0, read_client_getname, "connection",
     "Get the current connection name"},
    {"client|help", 2, "loading stale", 0, 0, 0, read_client_help, "connection", "Show helpful text"},
    {"client|id", 2, "noscript loading stale fast", 0, 0, 0, read_client_id, "connection",
     "Returns the client ID for the current connection"},
    {"client|info", 2, "noscript loading stale", 0, 0, 0, read_client_info, "connection",
     "Returns information about the current client connection."},
    {"client|list", -2, "admin noscript loading stale", 0, 0, 0, read_client_list, "connection",
     "Get the list of client connections"},
    {"client|setname", 3, "noscript loading stale fast", 0, 0, 0, read_client_setname, "connection",
     "Set the current connection name"},
    {"command", -1, "loading stale", 0, 0, 0, read_command_all, "server",
     "Get array of command details"},
    {"command|count", 2, "loading stale", 0, 0, 0, read_command_count, "server",
     "Get total number of commands"},
    {"command|docs", -2, "loading stale", 0, 0, 0, read_command_docs, "server",
     "Get array of specific command documentation"},
    {"command|help", 2, "loading stale", 0, 0, 0, read_command_help, "server", "Show helpful text"},
    {"command|info", -2, "loading stale", 0, 0, 0, read_command_info, "server",
     "Get array of specific command details"},
    {"config", -2, "", 0, 0, 0, nullptr, "server", "A container for server configuration commands"},
    {"config|get", -3, "admin noscript loading stale", 0, 0, 0, read_config_get, "server",
     "Get the values of configuration parameters"},
    {"config|help", 2, "loading stale", 0, 0, 0, read_config_help, "server", "Show helpful text"},
    {"dbsize", 1, "readonly fast", 0, 0, 0, read_dbsize, "server",
     "Return the number of keys in the selected database"},
    {"decr", 2, "write denyoom fast", 1, 1, 1, read_decr, "string", "Decrement the integer value of a key by one"},
    {"decrby", 3, "write denyoom fast", 1, 1, 1, read_decrby, "string",
     "Decrement the integer value of a key by the given number"},
    {"del", -2, "write", 1, -1, 1, read_del, "generic", "Delete a key"},
    {"echo", 2, "loading stale fast", 0, 0, 0, read_echo, "connection", "Echo the given string"},
    {"exists", -2, "readonly fast", 1, -1, 1, read_exists, "generic", "Determine if a key exists"},
    {"expire", -3, "write fast", 1, 1, 1, read_expire, "generic", "Set a key's time to live in seconds"},
    {"expireat", -3, "write fast", 1, 1, 1, read_expireat, "generic",
     "Set the expiration for a key as a UNIX timestamp"},
    {"flushall", -1, "write", 0, 0, 0, read_flushall, "server", "Remove all keys from all databases"},
    {"flushdb", -1, "write", 0, 0, 0, read_flushall, "server", "Remove all keys from the current database"},
    {"get", 2, "readonly fast", 1, 1, 1, read_get, "string", "Get the value of a key"},
    {"getdel", 2, "write fast", 1, 1, 1, read_getdel, "string", "Get the value of a key and delete the key"},
    {"getex", -2, "write fast", 1, 1, 1, read_getex, "string",
     "Get the value of a key and optionally set its expiration"},
    {"getrange", 4, "readonly", 1, 1, 1, read_getrange, "string", "Get a substring of the string stored at a key"},
    {"getset", 3, "write denyoom fast", 1, 1, 1, read_getset, "string",
     "Set the string value of a key and return its old value"},
    {"host:", -1, "loading stale readonly", 0, 0, 0, read_http, "server", "Closes the connection"},
    {"incr", 2, "write denyoom fast", 1, 1, 1, read_incr, "string", "Increment the integer value of a key by one"},
    {"incrby", 3, "write denyoom fast", 1, 1, 1, read_incrby, "string",
     "Increment the integer value of a key by the given amount"},
    {"incrbyfloat", 3, "write denyoom fast", 1, 1, 1, read_incrbyfloat, "string",
     "Increment the float value of a key by the given amount"},
    {"info", -1, "loading stale", 0, 0, 0, read_info, "server",
     "Get information and statistics about the server"},
    {"keys", 2, "readonly", 0, 0, 0, read_keys, "generic", "Find all keys matching the given pattern"},
    {"mget", -2, "readonly fast", 1, -1, 1, read_mget, "string", "Get the values of all the given keys"},
    {"mset", -3, "write denyoom", 1, -1, 2, read_mset, "string", "Set multiple keys to multiple values"},
    {"msetnx", -3, "write denyoom", 1, -1, 2, read_msetnx, "string",
     "Set multiple keys to multiple values, only if none of the keys exist"},
    {"persist", 2, "write fast", 1, 1, 1, read_persist, "generic", "Remove the expiration from a key"},
    {"pexpire", -3, "write fast", 1, 1, 1, read_pexpire, "generic",
     "Set a key's time to live in milliseconds"},
    {"pexpireat", -3, "write fast", 1, 1, 1, read_pexpireat, "generic",
     "Set the expiration for a key as a UNIX timestamp specified in milliseconds"},
    {"ping", -1, "fast", 0, 0, 0, read_ping, "connection", "Ping the server"},
    {"post", -1, "loading stale readonly", 0, 0, 0, read_http, "server", "Closes the connection"},
    {"psetex", 4, "write denyoom", 1, 1, 1, read_psetex, "string",
     "Set the value and expiration in milliseconds of a key"},
    {"pttl", 2, "readonly fast", 1, 1, 1, read_pttl, "generic", "Get the time to live for a key in milliseconds"},
    {"quit", -1, "loading stale fast", 0, 0, 0, read_quit, "connection", "Close the connection"},
    {"rename", 3, "write", 1, 2, 1, read_rename, "generic", "Rename a key"},
    {"renamenx", 3, "write fast", 1, 2, 1, read_renamenx, "generic",
     "Rename a key, only if the new key does not exist"},
    {"scan", -2, "readonly", 0, 0, 0, read_scan, "generic", "Incrementally iterate the keys space"},
    {"select", 2, "loading stale fast", 0, 0, 0, read_select, "connection",
     "Change the selected database for the current connection"},
    {"set", -3, "write denyoom", 1, 1, 1, read_set, "string", "Set the string value of a key"},
    {"setex", 4, "write denyoom", 1, 1, 1, read_setex, "string", "Set the value and expiration of a key"},
    {"setnx", 3, "write denyoom fast", 1, 1, 1, read_setnx, "string",
     "Set the value of a key, only if the key does not exist"},
    {"setrange", 4, "write denyoom", 1, 1, 1, read_setrange, "string",
     "Overwrite part of a string at key starting at the specified offset"},
    {"strlen", 2, "readonly fast", 1, 1, 1, read_strlen, "string", "Get the length of the value stored in a key"},
    {"ttl", 2, "readonly fast", 1, 1, 1, read_ttl, "generic", "Get the time to live for a key in seconds"},
    {"type", 2, "readonly fast", 1, 1, 1, read_type, "generic", "Determine the type stored at key"},
    {"unlink", -2, "write fast", 1, -1, 1, read_del, "generic",
     "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking."},
});
static_assert(std::ranges::is_sorted(table, {}, &command_spec::name));

/// Where each name of the table is: every command is looked up, and with half the places free that takes one comparison of texts, mostly.
class name_index {
public:
    constexpr name_index() {
        for (std::size_t row = 0; row < table.size(); ++row) {
            auto at = hash(table[row].name);
            while (rows_[at % rows_.size()] != none) { ++at; }
            rows_[at % rows_.size()] = static_cast<std::uint8_t>(row);
        }
    }
    constexpr const command_spec* find(std::string_view lower) const noexcept {
        for (auto at = hash(lower);; ++at) {
            const auto row = rows_[at % rows_.size()];
            if (row == none || table[row].name == lower) { return row == none ? nullptr : &table[row]; }
        }
    }

private:
    /// FNV-1a.
    static constexpr std::uint32_t hash(std::string_view text) noexcept {
        std::uint32_t out = 0x811c9dc5;
        for (const char c : text) { out = (out ^ static_cast<unsigned char>(c)) * 0x01000193; }
        return out ^ (out >> 16);
    }

    static constexpr std::uint8_t none = 255;
    std::array<std::uint8_t, std::bit_ceil(table.size() * 2)> rows_ = [] {
        std::array<std::uint8_t, std::bit_ceil(table.size() * 2)> out{};
        out.fill(none);
        return out;
    }();
    static_assert(table.size() < none);
};
constexpr name_index names;

bool is_container(std::string_view name) noexcept {
    return name == "client" || name == "command" || name == "config";
}

std::string upper(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') { c = static_cast<char>(c - ('a' - 'A')); }
    }
    return out;
}

/// Redis quotes at most 128 bytes of an unknown command and about as many of its arguments.
std::string unknown_command(arguments args) {
    std::string text = "unknown command '";
    text.append(resp::up_to_zero(args[0]).substr(0, 128)).append("', with args beginning with: ");
    std::string quoted;
    for (std::size_t i = 1; i < args.size() && quoted.size() < 128; ++i) {
        const std::size_t room = 128 - quoted.size();
        quoted.append("'").append(resp::up_to_zero(args[i]).substr(0, room)).append("' ");
    }
    return text + quoted;
}

}  // namespace

std::span<const command_spec> command_table() noexcept { return table; }

const command_spec* find_command(std::string_view name, std::string_view subcommand) noexcept {
    std::array<char, 32> lower;
    if (name.size() + 1 + subcommand.size() > lower.size()) { return nullptr; }
    auto* end = lower.data();
    for (const char c : name) {
        if (c == '|') { return nullptr; }  // "config|get" is not a word that a client may use
        *end++ = resp::to_lower(c);
    }
    if (!subcommand.empty() && is_container({lower.data(), end})) {
        *end++ = '|';
        end = std::transform(subcommand.begin(), subcommand.end(), end, resp::to_lower);
    }
    return names.find({lower.data(), end});
}

command call::error(std::string_view text) const {
    resp::append_error(out, text);
    return {};
}

command call::invalid_expire_time() const {
    return error("invalid expire time in '" + std::string(spec.name) + "' command");
}

command read_command(arguments args, std::int64_t now, client_state& client, server_state& server,
                     std::string& out, std::size_t room) {
    ++server.commands;
    const command_spec* const base = find_command(args[0]);
    const bool has_subcommand = base != nullptr && is_container(base->name) && args.size() > 1;
    const command_spec* const spec =
        has_subcommand ? (args[1].empty() ? nullptr : find_command(args[0], args[1])) : base;
    if (spec == nullptr) {
        if (base == nullptr) {
            resp::append_error(out, unknown_command(args));
        } else {
            std::string text = "unknown subcommand '";
            text.append(resp::up_to_zero(args[1]).substr(0, 128)).append("'. Try ");
            resp::append_error(out, text + upper(base->name) + " HELP.");
        }
        return {};
    }
    client.command = spec->name;
    const auto given = static_cast<int>(args.size());
    if ((spec->arity > 0 && given != spec->arity) || given < -spec->arity) {
        resp::append_error(out, "wrong number of arguments for '" + std::string(spec->name) + "' command");
        return {};
    }
    call c{*spec, args, now, client, server, out, room};
    const command result = spec->read(c);
    if (c.overflows()) {
        ++server.oversized;
        out.resize(c.start);
        out.append(room < server.limits.reply_bytes ? reply_memory_in_use : reply_too_large);
    }
    return result;
}

}  // namespace kv
