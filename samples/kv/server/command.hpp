// A command after it was read: answered already, or work for one worker, for some, or for all.
#pragma once

#include "server/server_state.hpp"
#include "shard/messages.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// How the workers' replies become the client's.
enum class reply_form : std::uint8_t {
    done,          ///< +OK, or null where the shard says `absent`
    value,         ///< a bulk string or null
    old_value,     ///< SET … GET: the same, whether the key was set or not
    number,        ///< an integer; of several workers the sum
    type,          ///< +string or +none
    seconds,       ///< milliseconds rounded to seconds; negative ones as they are
    values,        ///< an array in the order of the keys
    keys,          ///< an array of what each worker has written
    scan,          ///< the next cursor, and an array
    clients,       ///< a bulk string of what each worker has written
    info           ///< INFO, with the sum of the shards' facts
};

struct command {
    enum class route : std::uint8_t { answered, one, some, all };

    route to = route::answered;
    reply_form form = reply_form::done;
    std::uint8_t step = 1;      ///< route some: keys are the arguments 1, 1+step, …
    kv_request request;
};

using arguments = std::span<const std::string_view>;

struct call;

/// One row of the table of commands. `name` is "get", or "config|get" for a subcommand.
struct command_spec {
    std::string_view name;
    int arity;                  ///< with the name; negative: at least
    std::string_view flags;     ///< for COMMAND: "write denyoom fast"
    int first_key, last_key, key_step;
    command (*read)(call&);
    std::string_view group;
    std::string_view summary;
};

/// Everything that reading a command may look at. An answer goes to `out`.
struct call {
    const command_spec& spec;
    arguments args;
    std::int64_t now;           ///< the expiry clock's
    client_state& client;
    server_state& server;
    std::string& out;
    std::size_t room;           ///< bytes that the answer may have
    std::size_t start = out.size();

    /// A reader whose answer is longer than its command looks at this in its loops: the answer will be replaced
    /// by an error in any case.
    bool overflows() const noexcept { return out.size() - start > room; }
    command error(std::string_view text) const;
    command syntax_error() const { return error("syntax error"); }
    command not_an_integer() const { return error("value is not an integer or out of range"); }
    command invalid_expire_time() const;
};

/// Finds the command, checks the number of its arguments, reads them. All that Redis 7.0 rejects before it
/// looks at a key is answered here, with Redis's texts; an answer of more than `room` bytes becomes an error.
command read_command(arguments args, std::int64_t now, client_state& client, server_state& server,
                     std::string& out, std::size_t room = std::numeric_limits<std::size_t>::max());

/// Sorted by name.
std::span<const command_spec> command_table() noexcept;
const command_spec* find_command(std::string_view name, std::string_view subcommand = {}) noexcept;

/// The text of INFO; `section` empty: all of it. `fronts`: of all of them.
std::string info_text(const server_state& server, const front_figures& fronts, const kv_reply& shards, std::string_view section);

/// Adds CLIENT LIST's lines of this front's clients, up to some more than `most` bytes. `args` were read without an error before.
void list_clients(const server_state& server, arguments args, std::size_t most, std::string& text);

/// CONFIG GET's table, made from the state's limits.
void fill_config(server_state& server);

}  // namespace kv
