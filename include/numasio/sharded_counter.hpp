// A counter that many threads add to and few read: each thread counts in memory of its own.
#pragma once

#include <numasio/detail/thread_row.hpp>

#include <cstdint>
#include <new>

namespace numasio {

/// Counts events, or what is there of something (add() what comes, subtract() what goes, on whatever thread). A thread adds with a plain load and
/// store in its own pages; a worker's are on its node.
/// Thread safety: distinct objects safe, shared objects safe, but for the destructor. Not for signal handlers; in a forked child not before exec.
/// Lifetime: what a thread added stays counted when it ends.
class sharded_counter {
public:
    /// Zero. Threads: any. Blocks: for a lock that threads take at their first add() and at their end. Cost: 8 bytes for each thread that adds.
    /// Fails: throws std::length_error where the process has 8,000 of them.
    sharded_counter() : place_(detail::take_counter_place()) {}
    ~sharded_counter() { detail::give_back_counter_place(place_); }
    sharded_counter(const sharded_counter&) = delete;
    sharded_counter& operator=(const sharded_counter&) = delete;

    /// Threads: any. Blocks: never, but at a thread's first for the lock; workers had theirs at their start. Fails: never. Cost: a load and a store of the
    /// thread's own (bench/results: bench_counter); the first maps 64 KiB, of which only what is used becomes memory. A thread that can have none, and one that is
    /// ending, pays an atomic add.
    [[gnu::always_inline]] void add(std::int64_t n = 1) noexcept { add_word(static_cast<std::uint64_t>(n)); }
    /// add(-n).
    [[gnu::always_inline]] void subtract(std::int64_t n = 1) noexcept { add_word(-static_cast<std::uint64_t>(n)); }

    /// One thread's share, for code that counts often and keeps it: a worker's service, in its constructor.
    /// Thread safety: its thread only. Lifetime: shorter than its thread's and its counter's.
    class local {
    public:
        /// Blocks: never. Fails: never. Cost: a plain load and store (bench/results: bench_counter).
        [[gnu::always_inline]] void add(std::int64_t n = 1) noexcept { detail::thread_row::add(*word_, static_cast<std::uint64_t>(n)); }
        /// add(-n).
        [[gnu::always_inline]] void subtract(std::int64_t n = 1) noexcept { detail::thread_row::add(*word_, -static_cast<std::uint64_t>(n)); }

    private:
        friend sharded_counter;
        explicit local(std::uint64_t& word) noexcept : word_(&word) {}
        std::uint64_t* word_;
    };
    /// The calling thread's share. Threads: any. Blocks: as add(). Fails: throws std::bad_alloc where the thread can have none; a worker has one. Cost: as add().
    local here() {
        auto* const row = detail::row_of_this_thread != nullptr ? detail::row_of_this_thread : detail::try_row();
        if (row == nullptr) { throw std::bad_alloc(); }
        return local(row->counters()[place_]);
    }

    /// The sum, modulo 2^64: with each add() that happened before this, and perhaps some that are under way. Not one instant's:
    /// of two adds under way on two threads the later may be in it and the earlier not.
    /// Threads: any. Blocks: for the lock. Fails: never. Cost: a cache line of each thread that counts.
    std::int64_t value() const noexcept { return static_cast<std::int64_t>(detail::count_all(place_)); }

private:
    [[gnu::always_inline]] void add_word(std::uint64_t n) noexcept {
        auto* const row = detail::row_of_this_thread;
        if (row == nullptr) [[unlikely]] { return detail::count_first(place_, n); }
        row->count(place_, n);
    }

    const std::uint32_t place_;
};

}  // namespace numasio
