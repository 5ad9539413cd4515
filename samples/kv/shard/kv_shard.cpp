// Commands on one key (kv_shard_numbers.cpp has those that count), and how dead keys go away without ever stopping the worker.
#include "shard/kv_shard.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace kv {

kv_shard::kv_shard(numasio::node_context& context)
    : memory_(context.memory()), secret_(fresh_secret()), table_(memory_, context.memory_limit().value) {}

kv_reply kv_shard::operator()(const kv_request& request) noexcept {
    if (request.now > now_) { now_ = request.now; }  // lanes are in order, producers among each other are not
    memory_.take_returns();
    // A little housekeeping with each request: it keeps pace with the load and never adds up to a pause.
    if (expiring_ != 0 || table_.size() != live_) { sweep(1, 1); }
    table_.shrink();
    return serve(request);
}

kv_reply kv_shard::serve(const kv_request& request) noexcept {
    switch (request.op) {
        case kv_op::get: {
            kv_reply reply;
            if (entry* e = find(request.key)) { reply.value = kv_value(*e->value); }
            return reply;
        }
        case kv_op::getdel: return getdel(request);
        case kv_op::getex: return getex(request);
        case kv_op::getrange: return getrange(request);
        case kv_op::strlen: {
            entry* const e = find(request.key);
            return count(e != nullptr ? e->value->size : 0);
        }
        case kv_op::exists: return count(find(request.key) != nullptr ? 1 : 0);
        case kv_op::del: return count(remove(request.key) ? 1 : 0);
        case kv_op::set: return set(request);
        case kv_op::setrange: return setrange(request);
        case kv_op::append: return append(request);
        case kv_op::incr: return incr(request);
        case kv_op::incrbyfloat: return incrbyfloat(request);
        case kv_op::expire: return expire(request);
        case kv_op::ttl: return ttl(request);
        case kv_op::persist: return persist(request);
        case kv_op::mget:
        case kv_op::mexists:
        case kv_op::mdel: return read_part(request);
        case kv_op::mset: return set_many(request);
        case kv_op::rename: return rename(request);
        case kv_op::stage: return stage(request);
        case kv_op::stage_one: return stage_one(request);
        case kv_op::peek: return peek(request);
        case kv_op::commit: commit(static_cast<entry*>(request.staged)); return {};
        case kv_op::discard: discard(static_cast<entry*>(request.staged)); return {};
        case kv_op::dbsize: return count(static_cast<std::int64_t>(live_));
        case kv_op::flushall: return flush();
        case kv_op::keys: return keys(request);
        case kv_op::scan: return scan(request);
        case kv_op::facts: {
            kv_reply reply = count(static_cast<std::int64_t>(live_));
            reply.expiring = static_cast<std::int64_t>(expiring_);
            reply.used = static_cast<std::int64_t>(memory_.used());
            return reply;
        }
        case kv_op::sweep: {
            const auto freed = sweep(static_cast<std::size_t>(request.number), sweep_enough);
            kv_reply reply = count(static_cast<std::int64_t>(freed));
            reply.expiring = static_cast<std::int64_t>(expiring_ + (table_.size() - live_));
            return reply;
        }
        case kv_op::locate: {
            kv_reply reply;
            reply.staged = this;
            return reply;
        }
        case kv_op::claim:
        case kv_op::let_go:
        case kv_op::clients: return {};
    }
    return {};
}

kv_reply kv_shard::getdel(const kv_request& request) noexcept {
    kv_reply reply;
    if (entry* e = find(request.key)) {
        reply.value = kv_value(*e->value);
        remove(request.key);
    }
    return reply;
}

kv_reply kv_shard::getex(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    kv_reply reply;
    if (e == nullptr) { return reply; }
    if (request.if_found != kv_status::ok) { return just(request.if_found); }
    reply.value = kv_value(*e->value);
    if ((request.flags & no_ttl) != 0) { set_deadline(*e, 0); }
    else if (request.number != 0) {
        if (request.number <= now_) { erase(table_.find(request.key, hash)); }
        else { set_deadline(*e, request.number); }
    }
    return reply;
}

kv_reply kv_shard::getrange(const kv_request& request) noexcept {
    kv_reply reply;
    reply.value = kv_value::empty();
    entry* const e = find(request.key);
    if (e == nullptr) { return reply; }
    const std::int64_t size = e->value->size;
    auto first = request.number;
    auto last = request.last;
    if (first < 0 && last < 0 && first > last) { return reply; }
    // Negative ones count from the end; what lies outside is not there.
    if (first < 0) { first = std::max(first + size, std::int64_t{0}); }
    if (last < 0) { last = std::max(last + size, std::int64_t{0}); }
    last = std::min(last, size - 1);
    if (first > last) { return reply; }
    reply.value = kv_value(*e->value, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first + 1));
    return reply;
}

kv_reply kv_shard::set(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    kv_reply reply;
    if ((request.flags & want_old) != 0 && e != nullptr) { reply.value = kv_value(*e->value); }
    if (((request.flags & if_absent) != 0 && e != nullptr) || ((request.flags & if_present) != 0 && e == nullptr)) {
        reply.status = kv_status::absent;
        return reply;
    }
    if (e == nullptr) {
        if (add(request.key, request.value, request.number) == nullptr) { return just(kv_status::out_of_memory); }
    } else {
        if (!replace(*e, request.value)) { return just(kv_status::out_of_memory); }
        if ((request.flags & keep_ttl) == 0) { set_deadline(*e, request.number); }
    }
    reply.number = 1;  // SETNX's
    return reply;
}

kv_reply kv_shard::setrange(const kv_request& request) noexcept {
    entry* const e = find(request.key);
    blob* const old = e != nullptr ? e->value : nullptr;
    const std::size_t had = old != nullptr ? old->size : 0;
    if (request.value.empty()) { return count(static_cast<std::int64_t>(had)); }
    const auto most = max_value_bytes - static_cast<std::int64_t>(request.value.size());
    if (request.number > most) { return just(kv_status::too_long); }
    const auto first = static_cast<std::size_t>(request.number);
    const std::size_t size = std::max(had, first + request.value.size());
    const bool in_place = old != nullptr && size <= old->capacity && old->only_ours();
    blob* const target = in_place ? old : make_value(old != nullptr ? old->view() : std::string_view(), size);
    if (target == nullptr) { return just(kv_status::out_of_memory); }
    if (first > had) { std::memset(target->bytes() + had, 0, first - had); }
    request.value.copy(target->bytes() + first, request.value.size());
    target->size = static_cast<std::uint32_t>(size);
    if (e == nullptr) {
        if (add(request.key, target, 0) == nullptr) { return just(kv_status::out_of_memory); }
    } else if (!in_place) {
        e->value = target;
        memory_.drop(old);
    }
    return count(static_cast<std::int64_t>(size));
}

kv_reply kv_shard::append(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    if (e == nullptr) {
        if (add(request.key, request.value, 0) == nullptr) { return just(kv_status::out_of_memory); }
        return count(static_cast<std::int64_t>(request.value.size()));
    }
    blob* const old = e->value;
    const std::size_t size = old->size + request.value.size();
    if (size > static_cast<std::size_t>(max_value_bytes)) { return just(kv_status::too_long); }
    blob* target = old;
    if (size > old->capacity || !old->only_ours()) {
        // Twice the size makes many appends cheap; where memory is short, what is needed will do.
        target = make_value(old->view(), size * 2);
        if (target == nullptr) { target = make_value(old->view(), size); }
        if (target == nullptr) { return just(kv_status::out_of_memory); }
        e->value = target;
        memory_.drop(old);
    }
    request.value.copy(target->bytes() + target->size, request.value.size());
    target->size = static_cast<std::uint32_t>(size);
    return count(static_cast<std::int64_t>(size));
}

kv_reply kv_shard::expire(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    if (e == nullptr) { return count(0); }
    const std::int64_t had = e->deadline;
    const std::int64_t wanted = request.number;
    if ((request.flags & if_absent) != 0 && had != 0) { return count(0); }
    if ((request.flags & if_present) != 0 && had == 0) { return count(0); }
    if ((request.flags & if_later) != 0 && (had == 0 || wanted <= had)) { return count(0); }
    if ((request.flags & if_sooner) != 0 && had != 0 && wanted >= had) { return count(0); }
    if (wanted <= now_) {
        erase(table_.find(request.key, hash));
    } else {
        set_deadline(*e, wanted);
    }
    return count(1);
}

kv_reply kv_shard::ttl(const kv_request& request) noexcept {
    entry* const e = find(request.key);
    if (e == nullptr) { return count(-2); }
    return count(e->deadline == 0 ? -1 : e->deadline - now_);
}

kv_reply kv_shard::persist(const kv_request& request) noexcept {
    entry* const e = find(request.key);
    if (e == nullptr || e->deadline == 0) { return count(0); }
    set_deadline(*e, 0);
    return count(1);
}

/// Constant time: everything stored so far belongs to a past epoch and is swept out bit by bit.
kv_reply kv_shard::flush() noexcept {
    ++epoch_;
    live_ = 0;
    expiring_ = 0;
    return {};
}

// --- keys -----------------------------------------------------------------------------------------

entry* kv_shard::find(std::string_view key, std::uint64_t hash) noexcept {
    entry** const link = table_.find(key, hash);
    if (*link == nullptr) { return nullptr; }
    if (!is_dead(**link)) { return *link; }
    erase(link);
    return nullptr;
}

bool kv_shard::remove(std::string_view key) noexcept {
    const auto hash = key_hash(key, secret_);
    if (find(key, hash) == nullptr) { return false; }
    erase(table_.find(key, hash));
    return true;
}

void kv_shard::erase(entry** link) noexcept {
    entry* const e = table_.unlink(link);
    if (e->epoch == epoch_) {
        --live_;
        if (e->deadline != 0) { --expiring_; }
    }
    free_entry(e);
}

void kv_shard::set_deadline(entry& e, std::int64_t deadline) noexcept {
    if ((e.deadline != 0) != (deadline != 0)) { deadline != 0 ? ++expiring_ : --expiring_; }
    e.deadline = deadline;
}

/// Frees the dead entries of the next `buckets` buckets in turn, up to the bucket with which there are `enough`: to free
/// one costs ten times more than to look at a bucket. Returns how many there were.
std::size_t kv_shard::sweep(std::size_t buckets, std::size_t enough) noexcept {
    std::size_t freed = 0;
    for (std::size_t i = 0; i < buckets && freed < enough; ++i) {
        if (next_swept_ >= table_.buckets()) { next_swept_ = 0; }
        table_.each_in_bucket(next_swept_++, [&](entry** link) {
            if (!is_dead(**link)) { return &(*link)->next; }
            erase(link);
            ++freed;
            return link;
        });
    }
    return freed;
}

// --- memory ---------------------------------------------------------------------------------------

/// Tries again while something dead can be freed: all that a FLUSHALL left (each entry is freed once), and a
/// bounded look at keys that may have expired.
template <class Allocate>
auto kv_shard::with_sweep(Allocate allocate) noexcept {
    constexpr std::size_t step = 512;
    bool looked_for_expired = false;
    for (;;) {
        if (auto* const block = allocate()) { return block; }
        const bool dead = table_.size() != live_;
        if (!dead && (expiring_ == 0 || std::exchange(looked_for_expired, true))) {
            // The table's own segments may split what became free.
            if (!table_.shrink()) { return decltype(allocate()){nullptr}; }
            while (table_.shrink()) {}
            continue;
        }
        sweep(step, std::numeric_limits<std::size_t>::max());
    }
}

blob* kv_shard::make_value(std::string_view bytes, std::size_t capacity) noexcept {
    blob* const made = with_sweep([&] { return memory_.make_blob(bytes.size(), capacity); });
    if (made != nullptr) { bytes.copy(made->bytes(), bytes.size()); }
    return made;
}

/// A complete entry that is not in the table yet; takes `value` in any case.
entry* kv_shard::make_entry(std::string_view key, std::uint64_t hash, blob* value) noexcept {
    if (value == nullptr) { return nullptr; }
    void* const block = with_sweep([&] { return memory_.allocate(sizeof(entry) + key.size()); });
    if (block == nullptr) {
        memory_.drop(value);
        return nullptr;
    }
    auto* const made = ::new (block)
        entry{nullptr, hash, 0, value, static_cast<std::uint32_t>(key.size()), epoch_};
    key.copy(made->key_bytes(), key.size());
    return made;
}

entry* kv_shard::add(std::string_view key, std::string_view value, std::int64_t deadline) noexcept {
    return add(key, make_value(value, value.size()), deadline);
}
/// Takes `value` in any case.
entry* kv_shard::add(std::string_view key, blob* value, std::int64_t deadline) noexcept {
    entry* const made = make_entry(key, key_hash(key, secret_), value);
    if (made == nullptr) { return nullptr; }
    table_.insert(made);
    ++live_;
    set_deadline(*made, deadline);
    return made;
}

bool kv_shard::replace(entry& e, std::string_view bytes) noexcept {
    blob* const old = e.value;
    // In place where nobody is reading it and not much would be wasted.
    if (bytes.size() <= old->capacity && old->capacity <= bytes.size() * 2 + 64 && old->only_ours()) {
        bytes.copy(old->bytes(), bytes.size());
        old->size = static_cast<std::uint32_t>(bytes.size());
        return true;
    }
    blob* const fresh = make_value(bytes, bytes.size());
    if (fresh == nullptr) { return false; }
    e.value = fresh;
    memory_.drop(old);
    return true;
}

void kv_shard::free_entry(entry* e) noexcept {
    memory_.drop(e->value);
    memory_.free(e, sizeof(entry) + e->key_size);
}

}  // namespace kv
