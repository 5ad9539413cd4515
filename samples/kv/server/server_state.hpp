// What commands about the server and its clients look at. Each front has its own, so plain values.
#pragma once

#include "resp/input_buffer.hpp"
#include "resp/request_parser.hpp"
#include "server/expiry_clock.hpp"
#include "server/key_locks.hpp"
#include "shard/messages.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kv {

using steady_time = std::chrono::steady_clock::time_point;

/// The bounds of one connection and of all together: nothing that a client does can grow past them.
struct server_limits {
    resp::parser_limits parser{.bulk_bytes = max_value_bytes};
    std::size_t clients = 10'000;           ///< as Redis's maxclients
    std::size_t query_bytes = 32 << 20;     ///< one command; Redis: client-query-buffer-limit
    std::size_t in_flight = 256;            ///< commands of one connection; beyond it we stop reading
    std::size_t unsent_bytes = 1 << 20;     ///< replies of one connection; beyond it we stop reading
    std::size_t total_query_bytes = 256 << 20;  ///< large commands of all connections
    /// One reply; what is sent from a worker's memory does not count. Room for the longest ECHO twice.
    std::size_t reply_bytes = 32 << 20;
    std::size_t total_reply_bytes = 128 << 20;  ///< replies of all connections, made and not yet sent
    /// Replies that each connection may have in any case: one of the longest that are copied, with room to spare.
    std::size_t reply_allowance = 8 << 10;
};

struct client_state {
    std::uint64_t id = 0;
    std::string address;  ///< "127.0.0.1:50112"
    std::string local;
    int descriptor = -1;
    std::string name;     ///< CLIENT SETNAME
    resp::metered name_charge;
    steady_time since = std::chrono::steady_clock::now();
    steady_time active = since;
    std::string_view command = "NULL";
    bool closing = false; ///< no command after this one
};

/// Counted where they are accepted and where they are closed. Threads: any.
struct connection_counts {
    std::atomic<std::uint64_t> accepted{0};  ///< ever
    std::atomic<std::uint64_t> refused{0};   ///< of these: beyond limits.clients
    std::atomic<std::size_t> open{0};
};

/// What INFO tells of a front.
struct front_figures {
    std::uint64_t clients = 0;
    std::uint64_t query_bytes = 0, reply_bytes = 0, reply_limit = 0;
    std::uint64_t commands = 0, busy = 0, oversized = 0, crossed = 0;

    front_figures& operator+=(const front_figures& other) noexcept {
        clients += other.clients;
        query_bytes += other.query_bytes;
        reply_bytes += other.reply_bytes;
        reply_limit += other.reply_limit;
        commands += other.commands;
        busy += other.busy;
        oversized += other.oversized;
        crossed += other.crossed;
        return *this;
    }
};

struct server_state {
    server_limits limits;
    expiry_clock clock;
    steady_time started = std::chrono::steady_clock::now();
    std::uint16_t port = 0;
    std::uint32_t workers = 1;
    std::uint64_t worker_memory = 0;        ///< bytes, of each worker
    std::shared_ptr<connection_counts> connections = std::make_shared<connection_counts>();
    std::uint64_t commands = 0;
    std::uint64_t busy = 0;                 ///< commands refused because a lane was full
    std::uint64_t crossed = 0;              ///< calls to other workers, where this front lives on one
    std::uint64_t oversized = 0;            ///< replies replaced by an error, for want of reply memory
    bool may_expire = false;                ///< a key may be waiting to be swept out
    key_locks locks;
    std::uint64_t flushes = 0;              ///< FLUSHALLs handed over
    std::map<std::uint64_t, const client_state*> clients;
    resp::memory_meter query_memory;
    resp::memory_meter reply_memory;
    std::vector<std::pair<std::string, std::string>> config;  ///< CONFIG GET, lower case, sorted
    std::uint32_t fronts = 1;               ///< of the server

    front_figures figures() const noexcept {
        return {clients.size(), query_memory.used, reply_memory.used, reply_memory.limit, commands, busy, oversized, crossed};
    }
};

}  // namespace kv
