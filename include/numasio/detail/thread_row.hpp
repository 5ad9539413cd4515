// What one thread alone writes and others read: its counters and its read mark, in pages that it touched first.
#pragma once

#include <numasio/detail/read_epochs.hpp>
#include <numasio/ids.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace numasio::detail {

/// So many counters can be there at a time, in one process.
inline constexpr std::uint32_t most_sharded_counters = 8'000;

struct alignas(128) thread_row {
    static constexpr std::size_t size = std::size_t{64} << 10;

    std::uint64_t* counters() noexcept { return reinterpret_cast<std::uint64_t*>(this + 1); }
    /// By the row's thread.
    void count(std::uint32_t place, std::uint64_t n) noexcept { add(counters()[place], n); }
    static void add(std::uint64_t& counter, std::uint64_t n) noexcept {
        const std::atomic_ref word(counter);
        word.store(word.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }

    read_mark reading;
    std::uint32_t inner_reads = 0;  // besides the one that set the mark; the last of them all takes it back. By the thread alone
    std::uint32_t node_place = 0;   // of the node that the thread is a worker of; 0: it is none's
};
static_assert(sizeof(thread_row) + most_sharded_counters * sizeof(std::uint64_t) <= thread_row::size);

/// Null until the thread first needs one, and from its end on. Not inline: two libraries with this one inside have rows of their own.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local thread_row* row_of_this_thread;

/// The calling thread's row, made where it has none; null where the thread is ending, or there is no memory for it.
thread_row* try_row() noexcept;
/// The same at a worker's start, with all of its pages touched. Fails: std::bad_alloc, system_error.
void prepare_row(node_id node);
/// A small number for each node that was ever asked for; never 0. Threads: any. Blocks: for a lock. Fails: std::bad_alloc.
std::uint32_t place_of_node(node_id node);

// --- counters -------------------------------------------------------------------------------------
/// A place that is the same in all rows, and 0 in each. Threads: any. Blocks: for a lock. Fails: throws std::length_error.
std::uint32_t take_counter_place();
/// Nobody counts there any more.
void give_back_counter_place(std::uint32_t place) noexcept;
/// By a thread that has no row yet.
void count_first(std::uint32_t place, std::uint64_t n) noexcept;
/// The sum over the threads that there are and were, modulo 2^64.
std::uint64_t count_all(std::uint32_t place) noexcept;

// --- readers --------------------------------------------------------------------------------------
extern constinit read_epochs epochs_of_readers;
/// Does no thread look any more at what was replaced before that retire()? Cost: a look at each thread's mark.
bool readers_have_left(std::uint64_t replaced) noexcept;

}  // namespace numasio::detail
