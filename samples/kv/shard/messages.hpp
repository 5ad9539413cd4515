// What travels between the control plane and a worker: one request, one reply.
#pragma once

#include "shard/blob.hpp"

#include <cstdint>
#include <string_view>

namespace kv {

enum class kv_op : std::uint8_t {
    get, getdel, getex, getrange, strlen, exists, del, set, setrange, append, incr, incrbyfloat, expire, ttl,
    persist,                                                             // one key
    mget, mexists, mdel, mset,                                           // the worker's part of many keys
    rename,                                                              // both keys are this worker's
    peek, stage, stage_one, commit, discard,                             // the steps of what spans several workers
    dbsize, flushall, facts, sweep, keys, scan,                          // the whole shard
    claim, let_go, clients,                                              // not the shard's: see shard_desk
    locate                                                               // where the shard itself is: reactor_front
};

/// What a request claims at its worker, for the requests of the same command that follow (front: reactor).
enum class claim_kind : std::uint8_t {
    none,
    read,   ///< its keys: others may read them
    write,  ///< its keys, alone
    whole,  ///< all that the worker has
    ends    ///< nothing more: the claim under which it is served ends with it
};

/// Bits of kv_request::flags.
enum : std::uint8_t {
    if_absent = 1,    ///< SET NX, MSETNX, RENAMENX, EXPIRE NX (the key has no deadline)
    if_present = 2,   ///< SET XX, EXPIRE XX
    if_later = 4,     ///< EXPIRE GT
    if_sooner = 8,    ///< EXPIRE LT
    want_old = 16,    ///< SET GET
    keep_ttl = 32,    ///< SET KEEPTTL
    no_ttl = 64,      ///< GETEX PERSIST
    no_match = 128    ///< SCAN for a type of which there is no key
};

enum class kv_status : std::uint8_t {
    ok,
    absent,         ///< no such key, or a condition did not hold
    not_a_number,
    not_a_float,
    not_finite,     ///< INCRBYFLOAT
    invalid_time,   ///< GETEX: out of range
    overflow,
    too_long,       ///< longer than one value may be
    no_such_key,    ///< RENAME
    out_of_memory,  ///< and nothing was changed
    no_room,        ///< SCAN: for its next keys, on the control plane
    lost            ///< the worker did not answer
};

/// True where it may change a key, but for a flush, which knows no keys.
constexpr bool writes(kv_op op) noexcept {
    switch (op) {
        case kv_op::getdel:
        case kv_op::getex:
        case kv_op::del:
        case kv_op::set:
        case kv_op::setrange:
        case kv_op::append:
        case kv_op::incr:
        case kv_op::incrbyfloat:
        case kv_op::expire:
        case kv_op::persist:
        case kv_op::mdel:
        case kv_op::mset:
        case kv_op::rename: return true;
        default: return false;
    }
}

/// A worker's part of a command with many keys: which arguments are its own, and where values go.
struct kv_part {
    const std::string_view* arguments = nullptr;
    const std::uint32_t* keys = nullptr;  ///< indices into `arguments`; a pair's value follows its key
    std::uint32_t count = 0;
    kv_value* values = nullptr;           ///< MGET: parallel to `keys`
};

/// Where a worker writes what SCAN finds, and how far it came. Belongs to the command; ours until we reply.
struct scan_page {
    char* text = nullptr;       ///< the keys, as RESP
    std::size_t room = 0;       ///< bytes there
    std::uint64_t next = 0;     ///< point to go on from: see key_table::at()
    bool ended = false;         ///< there was nothing more on this worker
    std::size_t size = 0;       ///< bytes written
    std::size_t needed = 0;     ///< bytes that the next bucket's keys take, where there was no room for them
    std::int64_t keys = 0;      ///< written
    std::int64_t looked_at = 0; ///< keys, whether they matched or not
};

/// Views point into the connection's input buffer, which the connection keeps until the reply is there.
struct kv_request {
    kv_op op = kv_op::get;
    std::uint8_t flags = 0;
    kv_status if_found = kv_status::ok;  ///< GETEX: what is wrong with its time, which counts only where the key is there
    claim_kind claims = claim_kind::none;
    std::uint32_t claim = 0;    ///< the claim under which it is served: what the reply to the one that claims has
    std::int64_t now = 0;       ///< steady milliseconds, from the control plane: all workers agree
    std::int64_t number = 0;    ///< INCR: how much; SET, EXPIRE, GETEX, stage_one: the deadline (0: none); GETRANGE, SETRANGE: the first byte; SCAN: the cursor
    std::int64_t last = 0;      ///< GETRANGE: the last byte; scan: how many keys to look at
    std::string_view key;       ///< KEYS, SCAN: the pattern
    std::string_view value;     ///< RENAME: the new key
    kv_part part;
    void* staged = nullptr;     ///< commit, discard: what `stage` replied; scan: the scan_page; facts: front_figures, clients: std::string, both of the command
};

struct kv_reply {
    kv_status status = kv_status::ok;
    std::uint32_t claim = 0;    ///< of a request that claims
    std::int64_t number = 0;    ///< peek: the deadline
    std::int64_t expiring = 0;  ///< facts: keys with a deadline; sweep: what is left to sweep
    std::int64_t used = 0;      ///< facts: bytes of keys, values and table
    kv_value value;
    void* staged = nullptr;
};

/// True where a key may have to be swept out later.
inline bool leaves_something_to_sweep(const kv_request& request) noexcept {
    switch (request.op) {
        case kv_op::set:
        case kv_op::expire:
        case kv_op::getex:
        case kv_op::stage_one: return request.number != 0;
        case kv_op::rename:  // a deadline that a key has already goes along
        case kv_op::flushall: return true;
        default: return false;
    }
}

inline kv_reply just(kv_status status) noexcept {
    kv_reply reply;
    reply.status = status;
    return reply;
}
inline kv_reply count(std::int64_t number) noexcept {
    kv_reply reply;
    reply.number = number;
    return reply;
}

/// A sweep ends when it has freed this many entries: some 300 µs.
inline constexpr std::size_t sweep_enough = 256;

/// One value may have this many bytes: our proto-max-bulk-len.
inline constexpr std::int64_t max_value_bytes = 16 << 20;

}  // namespace kv
