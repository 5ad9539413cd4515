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
    if (args.size() == 4 && resp::is_word(args[2], "type")) {
        const auto type = args[3];
        if (!resp::is_word(type, "normal") && !resp::is_word(type, "master") && !resp::is_word(type, "replica") &&
            !resp::is_word(type, "slave") && !resp::is_word(type, "pubsub")) {
            return c.error("Unknown client type '" + std::string(resp::up_to_zero(type)) + "'");
        }
    } else if (args.size() > 3 && resp::is_word(args[2], "id")) {
        if (std::ranges::any_of(args.subspan(3), [](auto wanted) { return !resp::to_integer(wanted); })) {
            return c.error("Invalid client ID");
        }
    } else if (args.size() != 2) {
        return c.syntax_error();
    }
    if (c.server.fronts > 1) {  // each knows its own clients
        command out;
        out.to = command::route::all;
        out.form = reply_form::clients;
        out.request.op = kv_op::clients;
        return out;
    }
    std::string text;
    list_clients(c.server, args, c.room, text);
    resp::append_bulk(c.out, text);
    return {};
}

void list_clients(const server_state& server, arguments args, std::size_t most, std::string& text) {
    // What gets longer than that will be replaced by an error in any case: see call::overflows().
    const auto add = [&](const client_state& client) {
        if (text.size() <= most) { text += describe(client); }
    };
    if (args.size() > 3 && resp::is_word(args[2], "id")) {
        for (const auto wanted : args.subspan(3)) {
            const auto found = server.clients.find(static_cast<std::uint64_t>(*resp::to_integer(wanted)));
            if (found != server.clients.end()) { add(*found->second); }
        }
    } else if (args.size() == 2 || resp::is_word(args[3], "normal")) {
        for (const auto& [id, client] : server.clients) { add(*client); }
    }
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
