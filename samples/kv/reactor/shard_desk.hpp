// Where requests of all workers come to one worker's shard: served at once, or behind those who claim the same keys.
#pragma once

#include "server/key_locks.hpp"
#include "server/server_state.hpp"
#include "server/shard_calls.hpp"
#include "shard/kv_shard.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace kv {

/// A call from one worker to another, or to itself. Belongs to the worker that calls; the other's until it has served it.
struct shard_call {
    kv_request request;
    kv_reply reply;
    reply_address to;          ///< without anybody: nobody waits for the reply
    std::uint32_t from = 0;
    std::uint32_t worker = 0;
    shard_call* next = nullptr;
};

/// Who takes what was served back to its caller.
class served_calls {
public:
    virtual void served(shard_call& call) = 0;

protected:
    ~served_calls() = default;
};

/// Workers hand over to one another without a common order, so a command that touches several of them claims its keys on each (or all of its shard), one
/// worker after the other, and keeps them until it has been served on the last: then there is a moment at which it held all, and
/// that is when it happens for everybody. Whatever else touches a claimed key stands in line, also what this worker's own clients ask for.
/// Where nobody claims, which is nearly always, a request costs one look at an empty table.
/// Threads: the worker's. Lifetime: its arguments outlive it.
class shard_desk {
public:
    shard_desk(kv_shard& shard, server_state& state, served_calls& done) noexcept : shard_(shard), state_(state), done_(done) {}
    shard_desk(const shard_desk&) = delete;
    shard_desk& operator=(const shard_desk&) = delete;

    /// Serves the request now. False: somebody is in its way, and nothing has happened; accept() has it stand in line.
    bool serve(const kv_request& request, kv_reply& reply) {
        if (!locks_.empty() && touches_keys(request.op) && !is_clear(request)) { return false; }
        reply = execute(request);
        return true;
    }
    /// Serves the call, now or when its turn comes: then done.served(call).
    void accept(shard_call& call);

private:
    static bool touches_keys(kv_op op) noexcept;
    std::vector<key_locks::wanted> touched_by(const kv_request& request) const;
    bool is_clear(const kv_request& request);
    kv_reply execute(const kv_request& request);
    void finish(shard_call& call, std::uint32_t claim = 0);
    void go_on(shard_call& call, std::unique_ptr<key_claim> line);
    void go_on_with_granted();

    kv_shard& shard_;
    server_state& state_;
    served_calls& done_;
    key_locks locks_;
    std::vector<shard_call*> granted_;  ///< that came to the front of all their lines, the first one first
    std::unordered_map<shard_call*, std::unique_ptr<key_claim>> waiting_;
    std::unordered_map<std::uint32_t, std::unique_ptr<key_claim>> claims_;
    std::uint32_t last_claim_ = 0;
};

}  // namespace kv
