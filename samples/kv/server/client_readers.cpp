// CLIENT: who is connected, and what a connection calls itself.
#include "server/readers.hpp"

#include "resp/number.hpp"
#include "resp/reply_text.hpp"

#include <algorithm>

namespace kv {
namespace {

std::string describe(const client_state& client) {
    const auto now = std::chrono::steady_clock::now();
    const auto seconds = [&](steady_time from) {
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - from).count());
    };
    std::string out = "id=" + std::to_string(client.id);
    out.append(" addr=").append(client.address).append(" laddr=").append(client.local);
    out.append(" fd=").append(std::to_string(client.descriptor)).append(" name=").append(client.name);
    out.append(" age=").append(seconds(client.since)).append(" idle=").append(seconds(client.active));
    out.append(" flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 cmd=").append(client.command);
    return out.append(" user=default redir=-1 resp=2\n");
}

}  // namespace

command read_client_id(call& c) {
    resp::append_integer(c.out, static_cast<std::int64_t>(c.client.id));
    return {};
}

command read_client_getname(call& c) {
    if (c.client.name.empty()) { resp::append_null(c.out); }
    else { resp::append_bulk(c.out, c.client.name); }
    return {};
}

command read_client_setname(call& c) {
    const auto name = c.args[2];
    if (std::ranges::any_of(name, [](char ch) { return ch < '!' || ch > '~'; })) {
        return c.error("Client names cannot contain spaces, newlines or special characters.");
    }
    // Redis has no bound for it. What does not fit with every connection is kept with the large commands.
    constexpr std::size_t free_of_charge = 256;
    const std::size_t charged = name.size() > free_of_charge ? name.size() : 0;
    if (!c.server.query_memory.has_room(charged)) { return c.error("-OOM query memory is in use, try again"); }
    c.client.name = std::string(name);
    c.client.name_charge = resp::metered(c.server.query_memory, charged);
    resp::append_simple(c.out, "OK");
    return {};
}

command read_client_info(call& c) {
    resp::append_bulk(c.out, describe(c.client));
    return {};
}

command read_client_list(call& c) {
    const auto args = c.args;
    std::string text;
    // False where the answer will be an error in any case: see call::overflows().
    const auto add = [&](const client_state& client) {
        text += describe(client);
        return text.size() <= c.room;
    };
    const auto add_all = [&] {
        for (const auto& [id, client] : c.server.clients) {
            if (!add(*client)) { return; }
        }
    };
    if (args.size() == 4 && resp::is_word(args[2], "type")) {
        const auto type = args[3];
        const bool normal = resp::is_word(type, "normal");
        if (!normal && !resp::is_word(type, "master") && !resp::is_word(type, "replica") &&
            !resp::is_word(type, "slave") && !resp::is_word(type, "pubsub")) {
            return c.error("Unknown client type '" + std::string(resp::up_to_zero(type)) + "'");
        }
        if (normal) { add_all(); }
    } else if (args.size() > 3 && resp::is_word(args[2], "id")) {
        for (const auto wanted : args.subspan(3)) {
            const auto id = resp::to_integer(wanted);
            if (!id) { return c.error("Invalid client ID"); }
            const auto found = c.server.clients.find(static_cast<std::uint64_t>(*id));
            if (found != c.server.clients.end() && !add(*found->second)) { break; }
        }
    } else if (args.size() != 2) {
        return c.syntax_error();
    } else {
        add_all();
    }
    resp::append_bulk(c.out, text);
    return {};
}

command read_client_help(call& c) {
    constexpr std::string_view lines[] = {
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GETNAME", "    Return the name of the current connection.",
        "ID", "    Return the ID of the current connection.",
        "INFO", "    Return information about the current client connection.",
        "LIST [options ...]", "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Return clients of specified type.",
        "    * ID <client-id> [<client-id> ...]", "      Return clients of specified IDs only.",
        "SETNAME <name>", "    Assign the name <name> to the current connection.",
        "HELP", "    Prints this help."};
    resp::append_array(c.out, std::size(lines));
    for (const auto line : lines) { resp::append_simple(c.out, line); }
    return {};
}

}  // namespace kv
