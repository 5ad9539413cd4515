// The service: one worker's share of the keys, in the memory of that worker's node.
#pragma once

#include "shard/key_table.hpp"
#include "shard/messages.hpp"
#include "shard/shard_memory.hpp"

#include <numasio/node_context.hpp>

namespace kv {

/// Built by numasio on its pinned worker, called there for each request, never from anywhere else: no
/// lock, no atomic (but for values that come home), no heap, no system call.
/// Running out of memory is kv_status::out_of_memory, and the request has changed nothing.
class kv_shard {
public:
    explicit kv_shard(numasio::node_context& context);
    kv_shard(const kv_shard&) = delete;
    kv_shard& operator=(const kv_shard&) = delete;
    // No destructor: the arena goes as a whole, and until then replies may still hold values in it.

    kv_reply operator()(const kv_request& request) noexcept;

private:
    kv_reply serve(const kv_request& request) noexcept;
    kv_reply getdel(const kv_request& request) noexcept;
    kv_reply getex(const kv_request& request) noexcept;
    kv_reply getrange(const kv_request& request) noexcept;
    kv_reply set(const kv_request& request) noexcept;
    kv_reply setrange(const kv_request& request) noexcept;
    kv_reply append(const kv_request& request) noexcept;
    kv_reply expire(const kv_request& request) noexcept;
    kv_reply ttl(const kv_request& request) noexcept;
    kv_reply persist(const kv_request& request) noexcept;
    kv_reply flush() noexcept;

    // Numbers (kv_shard_numbers.cpp).
    kv_reply incr(const kv_request& request) noexcept;
    kv_reply incrbyfloat(const kv_request& request) noexcept;

    // Many keys at once (kv_shard_many.cpp).
    kv_reply read_part(const kv_request& request) noexcept;
    kv_reply set_many(const kv_request& request) noexcept;
    kv_reply rename(const kv_request& request) noexcept;
    kv_reply peek(const kv_request& request) noexcept;
    kv_reply stage(const kv_request& request) noexcept;
    kv_reply stage_one(const kv_request& request) noexcept;
    void commit(entry* staged) noexcept;
    void discard(entry* staged) noexcept;

    // Which keys there are (kv_shard_scan.cpp).
    kv_reply keys(const kv_request& request) noexcept;
    kv_reply scan(const kv_request& request) noexcept;

    // Keys.
    entry* find(std::string_view key, std::uint64_t hash) noexcept;
    entry* find(std::string_view key) noexcept { return find(key, key_hash(key, secret_)); }
    bool remove(std::string_view key) noexcept;
    void erase(entry** link) noexcept;
    bool is_dead(const entry& e) const noexcept {
        return e.epoch != epoch_ || (e.deadline != 0 && e.deadline <= now_);
    }
    void set_deadline(entry& e, std::int64_t deadline) noexcept;
    std::size_t sweep(std::size_t buckets, std::size_t enough) noexcept;

    // Memory. Null = used up, even after the dead were swept out.
    entry* make_entry(std::string_view key, std::uint64_t hash, blob* value) noexcept;
    blob* make_value(std::string_view bytes, std::size_t capacity) noexcept;
    template <class Allocate>
    auto with_sweep(Allocate allocate) noexcept;
    entry* add(std::string_view key, std::string_view value, std::int64_t deadline) noexcept;
    entry* add(std::string_view key, blob* value, std::int64_t deadline) noexcept;
    bool replace(entry& e, std::string_view bytes) noexcept;
    void free_entry(entry* e) noexcept;

    shard_memory memory_;
    hash_secret secret_;
    key_table table_;
    std::int64_t now_ = 0;
    std::uint32_t epoch_ = 0;
    std::size_t live_ = 0;      ///< entries of this epoch, expired ones that nobody met yet included
    std::size_t expiring_ = 0;  ///< of these: with a deadline
    std::size_t next_swept_ = 0;
};

}  // namespace kv
