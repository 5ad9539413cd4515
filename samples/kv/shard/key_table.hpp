// A hash table that grows and shrinks one bucket at a time: no operation ever rehashes the whole.
#pragma once

#include "shard/key_hash.hpp"
#include "shard/shard_memory.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace kv {

/// A key, its value and its deadline. The key's bytes follow.
struct entry {
    entry* next;
    std::uint64_t hash;
    std::int64_t deadline;  ///< milliseconds; 0: none
    blob* value;
    std::uint32_t key_size;
    std::uint32_t epoch;    ///< FLUSHALLs seen when it was stored; an older one is dead

    char* key_bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    std::string_view key() noexcept { return {key_bytes(), key_size}; }
};

/// A hash from its other end. Buckets are told apart by low bits: by their reversed hashes, the keys of a bucket are
/// neighbours at any size of the table, and a split cuts a bucket's stretch in two.
constexpr std::uint64_t reversed(std::uint64_t hash) noexcept {
    hash = ((hash >> 1) & 0x5555555555555555) | ((hash & 0x5555555555555555) << 1);
    hash = ((hash >> 2) & 0x3333333333333333) | ((hash & 0x3333333333333333) << 2);
    hash = ((hash >> 4) & 0x0f0f0f0f0f0f0f0f) | ((hash & 0x0f0f0f0f0f0f0f0f) << 4);
    return __builtin_bswap64(hash);
}

/// Linear hashing (Litwin 1980) over segments of 512 buckets: with each insertion beyond one entry a bucket, the
/// next bucket in turn is split; with deletions it is merged again. The work of one operation is bounded
/// whatever the size, and growing takes 4 KiB at a time, never a second table. Where even that is not to be
/// had, chains get longer and nothing fails.
/// Threads: the worker's only. Owns neither entries nor values.
class key_table {
public:
    static constexpr std::size_t segment_buckets = 512;

    /// `limit` is all memory there is; it bounds the directory (1/4096 of it).
    /// Fails: throws std::bad_alloc where not even an empty table fits.
    key_table(shard_memory& memory, std::size_t limit);
    key_table(const key_table&) = delete;
    key_table& operator=(const key_table&) = delete;

    /// The link that points to the entry, or to null: what unlink() takes. Valid until the next change.
    entry** find(std::string_view key, std::uint64_t hash) noexcept {
        entry** link = &bucket(index_of(hash));
        while (*link != nullptr && ((*link)->hash != hash || (*link)->key() != key)) { link = &(*link)->next; }
        return link;
    }
    void insert(entry* added) noexcept;
    entry* unlink(entry** link) noexcept;
    /// Merges a bucket where the table has become too large for what is left. Moves links.
    /// False where there is nothing to merge.
    bool shrink() noexcept {
        if (buckets() <= segment_buckets || size_ >= buckets() / 4) { return false; }
        merge_one();
        return true;
    }

    /// Calls `visit(link)` for each entry of bucket `number`; visit returns the link to go on from.
    template <class Visit>
    void each_in_bucket(std::size_t number, Visit visit) {
        for (entry** link = &bucket(number); *link != nullptr;) { link = visit(link); }
    }

    /// The bucket whose stretch of reversed hashes has `point` in it, and where the next stretch begins; 0: it is the last.
    /// Who goes from point to point, and takes of each bucket what is not before the point, meets each key once that
    /// was there all the time, however the table grows and shrinks meanwhile.
    struct stretch {
        std::size_t bucket;
        std::uint64_t end;
    };
    stretch at(std::uint64_t point) const noexcept {
        const std::size_t i = index_of(reversed(point));
        const int bits = std::countr_zero(round_) + (i < split_ || i >= round_ ? 1 : 0);
        const std::uint64_t width = std::uint64_t{1} << (64 - bits);
        return {i, (point & ~(width - 1)) + width};
    }

    std::size_t buckets() const noexcept { return round_ + split_; }
    std::size_t size() const noexcept { return size_; }

private:
    entry*& bucket(std::size_t i) noexcept { return directory_[i / segment_buckets][i % segment_buckets]; }
    std::size_t index_of(std::uint64_t hash) const noexcept {
        const std::size_t i = hash & (round_ - 1);
        return i < split_ ? hash & (round_ * 2 - 1) : i;
    }
    entry** new_segment() noexcept;
    void split_one() noexcept;
    void merge_one() noexcept;

    shard_memory* memory_;
    entry*** directory_;
    std::size_t max_segments_;
    std::size_t round_ = segment_buckets;  ///< buckets at the start of this round; a power of two
    std::size_t split_ = 0;                ///< buckets of this round that are split already
    std::size_t size_ = 0;
};

}  // namespace kv
