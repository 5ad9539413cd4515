// A worker's part of a command with many keys; MSET and RENAME in steps, so that all of it happens or nothing.
#include "shard/kv_shard.hpp"

namespace kv {

kv_reply kv_shard::read_part(const kv_request& request) noexcept {
    const kv_part& part = request.part;
    kv_reply reply;
    for (std::uint32_t i = 0; i < part.count; ++i) {
        const std::string_view key = part.arguments[part.keys[i]];
        if (request.op == kv_op::mdel) {
            reply.number += remove(key) ? 1 : 0;
        } else if (entry* const e = find(key)) {
            ++reply.number;
            // The slot belongs to the command and is ours until we reply.
            if (request.op == kv_op::mget) { part.values[i] = kv_value(*e->value); }
        }
    }
    return reply;
}

kv_reply kv_shard::set_many(const kv_request& request) noexcept {
    kv_reply reply = stage(request);
    if (reply.status != kv_status::ok) { return reply; }
    commit(static_cast<entry*>(reply.staged));
    return count(1);  // MSETNX's
}

/// The value changes its key and is not copied.
kv_reply kv_shard::rename(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const from = find(request.key, hash);
    if (from == nullptr) { return just(kv_status::no_such_key); }
    const bool if_new = (request.flags & if_absent) != 0;
    if (request.key == request.value) { return count(if_new ? 0 : 1); }
    const auto to = key_hash(request.value, secret_);
    if (if_new && find(request.value, to) != nullptr) { return count(0); }
    from->value->holders.fetch_add(1, std::memory_order_relaxed);
    entry* const made = make_entry(request.value, to, from->value);
    if (made == nullptr) { return just(kv_status::out_of_memory); }
    made->deadline = from->deadline;
    erase(table_.find(request.key, hash));
    commit(made);
    return count(1);
}

/// RENAME between two workers: what there is to move, which stays until the target is sure.
kv_reply kv_shard::peek(const kv_request& request) noexcept {
    entry* const e = find(request.key);
    if (e == nullptr) { return just(kv_status::no_such_key); }
    kv_reply reply = count(e->deadline);
    reply.value = kv_value(*e->value);
    return reply;
}

kv_reply kv_shard::stage_one(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    if ((request.flags & if_absent) != 0 && find(request.key, hash) != nullptr) { return just(kv_status::absent); }
    entry* const made = make_entry(request.key, hash, make_value(request.value, request.value.size()));
    if (made == nullptr) { return just(kv_status::out_of_memory); }
    made->deadline = request.number;
    kv_reply reply;
    reply.staged = made;
    return reply;
}

/// Builds complete entries for all pairs and keeps them aside, linked in order; from there on commit()
/// needs no memory. With several workers each stages first, and only when all could does any commit.
kv_reply kv_shard::stage(const kv_request& request) noexcept {
    const kv_part& part = request.part;
    for (std::uint32_t i = 0; (request.flags & if_absent) != 0 && i < part.count; ++i) {
        if (find(part.arguments[part.keys[i]]) != nullptr) { return just(kv_status::absent); }
    }
    entry* first = nullptr;
    entry** last = &first;
    kv_reply reply;
    for (std::uint32_t i = 0; i < part.count; ++i) {
        const std::string_view key = part.arguments[part.keys[i]];
        const std::string_view value = part.arguments[part.keys[i] + 1];
        entry* const made = make_entry(key, key_hash(key, secret_), make_value(value, value.size()));
        if (made == nullptr) {
            discard(first);
            reply.status = kv_status::out_of_memory;
            return reply;
        }
        *last = made;
        last = &made->next;
    }
    reply.staged = first;
    return reply;
}

void kv_shard::commit(entry* staged) noexcept {
    while (staged != nullptr) {
        entry* const made = staged;
        staged = staged->next;
        if (entry* const e = find(made->key(), made->hash)) {
            std::swap(e->value, made->value);
            set_deadline(*e, made->deadline);
            free_entry(made);
        } else {
            made->epoch = epoch_;  // there may have been a FLUSHALL since
            table_.insert(made);
            ++live_;
            if (made->deadline != 0) { ++expiring_; }
        }
    }
}

void kv_shard::discard(entry* staged) noexcept {
    while (staged != nullptr) {
        entry* const made = staged;
        staged = staged->next;
        free_entry(made);
    }
}

}  // namespace kv
