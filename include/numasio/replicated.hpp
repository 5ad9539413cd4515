// A value that every node reads in its own memory, and that is seldom replaced.
#pragma once

#include <numasio/cache_padded.hpp>
#include <numasio/detail/replica_memory.hpp>
#include <numasio/detail/thread_row.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace numasio {

/// Configuration, routes, prices: what workers read with each request, and the control plane replaces now and then. Each executor node has a copy in its
/// own memory; readers take no lock and write nothing that another thread writes; a copy is destroyed when the last reader has left it.
/// T is copied once for each node and publish(), with the node's memory as allocator where T takes one (T::allocator_type, as std::pmr's containers
/// have it); what else T allocates comes from the heap.
/// Thread safety: distinct objects safe, shared objects safe, but for the destructor, beside which nobody reads or publishes. In a forked child not before exec.
template <std::copy_constructible T>
class replicated {
    struct copy {
        T value;
        std::uint64_t version;
    };

public:
    /// What a thread looks at. Lifetime: a scope on the thread that called read(), shorter than the thread's and the replicated's; not across a co_await: while it
    /// lives no copy is destroyed that could be the one it looks at. A newer value is seen by the next read(). A thread may have several, and end them in any order.
    class reading {
    public:
        reading(const reading&) = delete;
        reading& operator=(const reading&) = delete;
        ~reading() {
            if (row_ == nullptr) [[unlikely]] {
                detail::epochs_of_readers.leave_unmarked();
            } else if (row_->inner_reads == 0) [[likely]] {
                detail::read_epochs::leave(row_->reading);
            } else {
                --row_->inner_reads;
            }
        }
        const T& operator*() const noexcept { return seen_->value; }
        const T* operator->() const noexcept { return &seen_->value; }
        /// Of the value: 1 is the constructor's, each publish() is one more.
        std::uint64_t version() const noexcept { return seen_->version; }

    private:
        friend replicated;
        [[gnu::always_inline]] explicit reading(const replicated& from) noexcept : row_(detail::row_of_this_thread) {
            if (row_ == nullptr) [[unlikely]] { row_ = detail::try_row(); }
            if (row_ == nullptr) [[unlikely]] {
                detail::epochs_of_readers.enter_unmarked();
            } else if (!detail::read_epochs::is_in(row_->reading)) [[likely]] {
                detail::epochs_of_readers.enter(row_->reading);
            } else {
                ++row_->inner_reads;
            }
            const std::size_t place = row_ == nullptr || row_->node_place >= from.shown_.size() ? 0 : row_->node_place;
            seen_ = from.shown_[place].load(std::memory_order_acquire);
        }
        detail::thread_row* row_;
        const copy* seen_;
    };

    /// A copy of `first` for each executor node of `machine`, in `per_node` bytes of its nearest memory: room for two copies at least, since readers may be in
    /// the old one while the new one is made, and 12 KiB of bookkeeping. Best effort goes on where the memory cannot be bound, and placements() tells.
    /// Threads: any. Blocks: until the memory is touched. Fails: throws as node_region's constructor with options; errc::not_this_machine for a topology of another
    /// machine, and under strict enforcement where the nodes could not be discovered; std::invalid_argument where `per_node` has no room for the bookkeeping,
    /// std::bad_alloc where it has none for a copy; what copying throws.
    replicated(const topology& machine, bytes per_node, const T& first, enforcement enforce = enforcement::best_effort)
        : memory_(detail::replica_memory(machine, per_node, enforce)), shown_(places(memory_)) {
        detail::prepare_light_fences();
        auto made = make_copies(first, 1);
        for (auto& s : shown_) { s.store(made.front(), std::memory_order_relaxed); }
        show(std::move(made));
    }
    ~replicated() {
        destroy(now_);
        for (const auto& old : retired_) { destroy(old.all); }
    }
    replicated(const replicated&) = delete;
    replicated& operator=(const replicated&) = delete;

    /// The value as it is now on the calling worker's node; on other threads the first node's copy.
    /// Threads: any. Blocks: never; a thread's first takes a lock, workers had theirs at their start. Fails: never. Cost: some ten instructions, of which two write, to the
    /// thread's own cache line; with a full fence where the kernel refuses membarrier(2).
    [[gnu::always_inline]] reading read() const noexcept { return reading(*this); }

    /// Replaces the value on every node. A reader sees the old value or the new one, whole; on two nodes for a moment one each. Returns the new version.
    /// Threads: any, one after the other; also one that reads. Blocks: for other publishers. Cost: a copy for each node, and a system call that interrupts the processors on
    /// which this process runs for about a microsecond.
    /// Fails: throws std::bad_alloc where a node's memory has no room beside the copies that are still read; what copying throws. Then the value is what it was.
    std::uint64_t publish(const T& next) {
        const std::lock_guard lock(publishing_);
        return replace(next);
    }
    /// publish() of what `change(T&)` makes of the value as it is; no other publish() comes between.
    /// Fails: as publish(); what `change` throws.
    template <std::invocable<T&> Change>
    std::uint64_t update(Change&& change) {
        const std::lock_guard lock(publishing_);
        T next(now_.front()->value);
        std::forward<Change>(change)(next);
        return replace(next);
    }

    /// Destroys old values that nobody reads any more, as publish() does too. Returns how many are left, each of them on every node.
    /// Threads: any. Blocks: for publishers. Fails: never. Cost: as publish() without the copies; nothing where there is no old value.
    std::size_t reclaim() noexcept {
        const std::lock_guard lock(publishing_);
        return reclaim_some();
    }

    /// What was asked and got of each node's memory. Threads: any. Fails: std::bad_alloc.
    std::vector<region_placement> placements() const {
        std::vector<region_placement> all;
        for (const auto& m : memory_) { all.push_back(m->region.placed()); }
        return all;
    }

private:
    using copies = std::vector<copy*>;  // one for each node, as memory_ has them
    using replicas = std::vector<std::unique_ptr<detail::node_replica>>;
    struct replaced {
        copies all;
        std::uint64_t since;  // as read_epochs::retire() has it
    };

    static std::size_t places(const replicas& memory) {
        std::uint32_t last = 0;
        for (const auto& m : memory) { last = std::max(last, m->place); }
        return last + 1;
    }
    copy* make_copy(detail::node_replica& where, const T& value, std::uint64_t version) {
        node_allocator<copy> allocator(&where.heap);
        auto* const room = allocator.allocate(1);
        try {
            return ::new (room) copy{std::make_obj_using_allocator<T>(allocator, value), version};
        } catch (...) {
            allocator.deallocate(room, 1);
            throw;
        }
    }
    copies make_copies(const T& value, std::uint64_t version) {
        copies made(memory_.size(), nullptr);
        try {
            for (std::size_t i = 0; i < made.size(); ++i) { made[i] = make_copy(*memory_[i], value, version); }
        } catch (...) {
            destroy(made);
            throw;
        }
        return made;
    }
    void destroy(const copies& all) noexcept {
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i] == nullptr) { continue; }
            all[i]->~copy();
            node_allocator<copy>(&memory_[i]->heap).deallocate(all[i], 1);
        }
    }

    // With the lock, or before and after all others.
    void show(copies made) noexcept {
        for (std::size_t i = 0; i < made.size(); ++i) { shown_[memory_[i]->place].store(made[i], std::memory_order_release); }
        shown_[0].store(made.front(), std::memory_order_release);
        now_ = std::move(made);
    }
    std::uint64_t replace(const T& next) {
        reclaim_some();
        retired_.reserve(retired_.size() + 1);
        const auto version = now_.front()->version + 1;
        auto made = make_copies(next, version);
        retired_.push_back({std::move(now_), 0});
        show(std::move(made));
        retired_.back().since = detail::epochs_of_readers.retire();
        reclaim_some();
        return version;
    }
    std::size_t reclaim_some() noexcept {
        if (retired_.empty() || !detail::read_epochs::meet_readers()) { return retired_.size(); }
        std::erase_if(retired_, [&](const replaced& old) {
            if (!detail::readers_have_left(old.since)) { return false; }
            destroy(old.all);
            return true;
        });
        return retired_.size();
    }

    const replicas memory_;
    // By a thread's node_place; 0: of threads that are no worker's. Places between those of the machine's nodes show the first node's copy, too.
    std::vector<std::atomic<const copy*>> shown_;
    std::mutex publishing_;
    copies now_;
    std::vector<replaced> retired_;
};

}  // namespace numasio
