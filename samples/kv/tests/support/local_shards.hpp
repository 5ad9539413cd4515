// The service without threads: shards in this process, called directly, as a worker would call them.
#pragma once

#include "server/command.hpp"
#include "server/fan_out.hpp"
#include "shard/kv_shard.hpp"

#include <numasio/node_memory.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kv::test {

/// One shard in memory of its own.
class local_shard {
public:
    explicit local_shard(std::size_t bytes);

    kv_reply operator()(const kv_request& request) { return shard_(request); }
    std::uint64_t used() const noexcept { return memory_.used().value; }

private:
    std::vector<std::byte> bytes_;
    numasio::node_memory memory_;
    numasio::node_context context_;
    kv_shard shard_;
};

/// Commands as text in, replies as RESP out; keys spread over `shards` as a port would spread them.
class local_shards {
public:
    explicit local_shards(std::uint32_t shards, std::size_t bytes_each = 8 << 20);

    /// "+OK\r\n" for {"SET", "a", "1"}.
    std::string operator()(const std::vector<std::string>& words);

    std::int64_t now = 1'000'000;  ///< milliseconds
    std::function<void()> between_steps;  ///< called once, when a command of several steps is half done
    server_state server;
    client_state client;  ///< gives back to the server's meters: goes first

private:
    kv_reply call(std::uint32_t shard, const kv_request& request) { return (*shards_[shard])(request); }
    std::vector<std::unique_ptr<local_shard>> shards_;
};

/// What a reply's text is: bulk() of a value, for expectations.
std::string bulk(std::string_view value);
inline const std::string ok = "+OK\r\n";
inline const std::string null = "$-1\r\n";
inline const std::string oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
inline std::string integer(long long n) { return ":" + std::to_string(n) + "\r\n"; }
inline std::string error(std::string_view text) { return "-ERR " + std::string(text) + "\r\n"; }

}  // namespace kv::test
