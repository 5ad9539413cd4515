// Connection, configuration and INFO.
#include "server/readers.hpp"

#include "resp/number.hpp"
#include "resp/pattern.hpp"
#include "resp/reply_text.hpp"

#include <limits>

namespace kv {
namespace {

void append_lines(std::string& out, std::initializer_list<std::string_view> lines) {
    resp::append_array(out, lines.size());
    for (const auto line : lines) { resp::append_simple(out, line); }
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out) { c = resp::to_lower(c); }
    return out;
}

}  // namespace

command read_ping(call& c) {
    if (c.args.size() > 2) { return c.error("wrong number of arguments for 'ping' command"); }
    if (c.args.size() == 2) { resp::append_bulk(c.out, c.args[1]); }
    else { resp::append_simple(c.out, "PONG"); }
    return {};
}

command read_echo(call& c) {
    resp::append_bulk(c.out, c.args[1]);
    return {};
}

command read_quit(call& c) {
    resp::append_simple(c.out, "OK");
    c.client.closing = true;
    return {};
}

/// A browser that was led to this port sends HTTP. As Redis does, we hang up before its body is read.
command read_http(call& c) {
    c.client.closing = true;
    return {};
}

command read_select(call& c) {
    const auto index = resp::to_integer(c.args[1]);
    if (!index) { return c.not_an_integer(); }
    if (*index < std::numeric_limits<int>::min() || *index > std::numeric_limits<int>::max()) {
        return c.error("value is out of range, value must between -2147483648 and 2147483647");
    }
    if (*index != 0) { return c.error("DB index is out of range"); }
    resp::append_simple(c.out, "OK");
    return {};
}

command read_config_get(call& c) {
    std::vector<std::pair<std::string_view, std::string_view>> hits;
    for (const auto& [name, value] : c.server.config) {
        for (const auto pattern : c.args.subspan(2)) {
            if (!resp::matches(lower(pattern), name)) { continue; }
            // Redis repeats a name as the client wrote it, and has its own writing for what a pattern finds.
            const bool is_pattern = pattern.find_first_of("*?[") != pattern.npos;
            hits.emplace_back(is_pattern ? std::string_view(name) : pattern, value);
            break;
        }
    }
    resp::append_array(c.out, hits.size() * 2);
    for (const auto& [name, value] : hits) {
        resp::append_bulk(c.out, name);
        resp::append_bulk(c.out, value);
    }
    return {};
}

command read_config_help(call& c) {
    append_lines(c.out, {"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "GET <pattern>",
                         "    Return parameters matching the glob-like <pattern> and their values.", "HELP",
                         "    Prints this help."});
    return {};
}

command read_info(call& c) {
    command out;
    out.to = command::route::all;
    out.form = reply_form::info;
    out.request.op = kv_op::facts;
    out.request.now = c.now;
    if (c.args.size() > 1) { out.request.key = c.args[1]; }  // the section, for info_text()
    return out;
}

std::string info_text(const server_state& server, const front_figures& fronts, const kv_reply& shards, std::string_view section) {
    const auto up = std::chrono::steady_clock::now() - server.started;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(up).count();
    const auto wanted = lower(section);
    std::string out;
    const auto begin = [&](std::string_view name) {
        const bool all = wanted.empty() || wanted == "all" || wanted == "default" || wanted == "everything";
        if (!all && wanted != lower(name)) { return false; }
        if (!out.empty()) { out += "\r\n"; }
        out.append("# ").append(name).append("\r\n");
        return true;
    };
    const auto line = [&](std::string_view name, auto value) {
        out.append(name).append(":").append(std::to_string(value)).append("\r\n");
    };
    if (begin("Server")) {
        out += "redis_version:7.0.0\r\nredis_mode:standalone\r\nserver_name:numasio-kv\r\n";
        line("tcp_port", server.port);
        line("uptime_in_seconds", seconds);
        line("numasio_workers", server.workers);
        line("numasio_fronts", server.fronts);
    }
    if (begin("Clients")) {
        line("connected_clients", fronts.clients);
        line("maxclients", server.limits.clients);
    }
    if (begin("Memory")) {
        line("used_memory", shards.used);
        line("maxmemory", server.worker_memory * server.workers);
        out += "maxmemory_policy:noeviction\r\n";
        line("query_buffers", fronts.query_bytes);
        line("reply_memory_used", fronts.reply_bytes);
        line("reply_memory_limit", fronts.reply_limit);
    }
    if (begin("Stats")) {
        line("total_connections_received", server.connections->accepted.load());
        line("total_commands_processed", fronts.commands);
        line("rejected_connections", server.connections->refused.load());
        line("busy_replies", fronts.busy);
        line("oversized_replies", fronts.oversized);
        line("calls_between_workers", fronts.crossed);
    }
    if (begin("Keyspace") && shards.number > 0) {
        out += "db0:keys=" + std::to_string(shards.number) + ",expires=" + std::to_string(shards.expiring) +
               ",avg_ttl=0\r\n";
    }
    return out;
}

void fill_config(server_state& server) {
    const auto& limits = server.limits;
    server.config = {{"appendonly", "no"},
                     {"client-query-buffer-limit", std::to_string(limits.query_bytes)},
                     {"databases", "1"},
                     {"maxclients", std::to_string(limits.clients)},
                     {"maxmemory", std::to_string(server.worker_memory * server.workers)},
                     {"maxmemory-policy", "noeviction"},
                     {"port", std::to_string(server.port)},
                     {"proto-max-bulk-len", std::to_string(limits.parser.bulk_bytes)},
                     {"save", ""},
                     {"timeout", "0"}};
}

}  // namespace kv
