// Splitting and merging buckets.
#include "shard/key_table.hpp"

#include <algorithm>

namespace kv {

key_table::key_table(shard_memory& memory, std::size_t limit)
    : memory_(&memory), max_segments_(std::max<std::size_t>(16, limit / (segment_buckets * sizeof(entry)))) {
    directory_ = static_cast<entry***>(memory_->allocate(max_segments_ * sizeof(entry**)));
    if (directory_ == nullptr) { throw std::bad_alloc(); }
    std::fill_n(directory_, max_segments_, nullptr);
    directory_[0] = new_segment();
    if (directory_[0] == nullptr) { throw std::bad_alloc(); }
}

entry** key_table::new_segment() noexcept {
    auto* segment = static_cast<entry**>(memory_->allocate(segment_buckets * sizeof(entry*)));
    if (segment != nullptr) { std::fill_n(segment, segment_buckets, nullptr); }
    return segment;
}

void key_table::insert(entry* added) noexcept {
    entry*& head = bucket(index_of(added->hash));
    added->next = head;
    head = added;
    if (++size_ > buckets()) { split_one(); }
}

entry* key_table::unlink(entry** link) noexcept {
    entry* const out = *link;
    *link = out->next;
    --size_;
    return out;
}

void key_table::split_one() noexcept {
    const std::size_t fresh = buckets();
    if (fresh / segment_buckets >= max_segments_) { return; }
    entry**& segment = directory_[fresh / segment_buckets];
    if (segment == nullptr && (segment = new_segment()) == nullptr) { return; }
    entry* chain = bucket(split_);
    bucket(split_) = nullptr;
    bucket(fresh) = nullptr;
    while (chain != nullptr) {
        entry* const moved = chain;
        chain = chain->next;
        entry*& head = bucket((moved->hash & (round_ * 2 - 1)) == fresh ? fresh : split_);
        moved->next = head;
        head = moved;
    }
    if (++split_ == round_) {
        round_ *= 2;
        split_ = 0;
    }
}

void key_table::merge_one() noexcept {
    if (split_ == 0) {
        round_ /= 2;
        split_ = round_;
    }
    --split_;
    const std::size_t last = buckets();  // the bucket that is given up; its partner is split_
    entry** tail = &bucket(split_);
    while (*tail != nullptr) { tail = &(*tail)->next; }
    *tail = bucket(last);
    if (last % segment_buckets == 0) {
        entry**& segment = directory_[last / segment_buckets];
        memory_->free(segment, segment_buckets * sizeof(entry*));
        segment = nullptr;
    }
}

}  // namespace kv
