// When a task pool that is joined is over: all its workers sleep, and nothing is left that could wake one.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::hot_path {

/// Threads: any; falls_asleep() and is_over() by workers.
template <class Atomics>
class basic_task_end {
public:
    /// Before any of them runs.
    void begin(std::uint32_t workers) noexcept { awake_.store(workers, Atomics::relaxed); }

    void join(bool is_joined) noexcept { joined_.store(is_joined ? 1 : 0, Atomics::release); }
    bool is_joined() const noexcept { return joined_.load(Atomics::relaxed) != 0; }
    void pause(bool is_paused) noexcept { paused_.store(is_paused ? 1 : 0, Atomics::relaxed); }
    bool is_paused() const noexcept { return paused_.load(Atomics::relaxed) != 0; }

    /// By the worker, which has nothing in its hands, before it is announced.
    void falls_asleep() noexcept { awake_.fetch_sub(1, Atomics::release); }  // [end-1]
    /// By who has claimed the sleeper, before the ring; by one that wakes by itself, before it takes a task.
    void wakes() noexcept {
        awake_.fetch_add(one_wakes + 1, Atomics::relaxed);
        Atomics::full_fence(meeting_);  // [end-2]
    }

    /// By a worker that has announced its sleep. `nothing_left()`: no work is tracked, and then: no task is queued.
    template <class NothingLeft>
    bool is_over(NothingLeft&& nothing_left) noexcept {
        // Acquire: what who joins has queued before.
        if (joined_.load(Atomics::acquire) == 0 || is_paused()) { return false; }
        const auto before = awake_.load(Atomics::acquire);  // [end-1] Pairs with falls_asleep(): what the sleepers have done and queued
        if (before % one_wakes != 0 || !nothing_left()) { return false; }
        // [end-2] Pairs with wakes(): a task that was not found because somebody has woken and taken it.
        Atomics::full_fence(meeting_);
        return awake_.load(Atomics::relaxed) == before;
    }

private:
    static constexpr std::uint64_t one_wakes = std::uint64_t{1} << 32;

    alignas(64) typename Atomics::template atomic<std::uint64_t> awake_{0};  // above 32 bits: how often one woke
    typename Atomics::template atomic<std::uint32_t> meeting_{0};
    typename Atomics::template atomic<std::uint32_t> joined_{0};
    typename Atomics::template atomic<std::uint32_t> paused_{0};
};

}  // namespace numasio::hot_path
