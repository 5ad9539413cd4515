// A worker's part of a command with many keys; MSET in two steps, so that all of it happens or nothing.
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

/// Builds complete entries for all pairs and keeps them aside, linked in order; from there on commit()
/// needs no memory. With several workers each stages first, and only when all could does any commit.
kv_reply kv_shard::stage(const kv_request& request) noexcept {
    const kv_part& part = request.part;
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
            set_deadline(*e, 0);
            free_entry(made);
        } else {
            made->epoch = epoch_;  // there may have been a FLUSHALL since
            table_.insert(made);
            ++live_;
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
