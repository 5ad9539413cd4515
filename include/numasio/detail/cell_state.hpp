// One request's life as one word: who may run it, cancel it, stop it. Exactly one of them wins.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// free → queued → running → done        the worker ran it
///         queued → cancelled → done     the caller cancelled it; the worker returns it unrun
///         queued | cancelled → stopped  the bridge stopped; whoever won this completes it
/// The upper bits count generations, so that a late cancellation cannot hit the cell's next request.
template <class Atomics>
class basic_cell_state {
public:
    enum value : std::uint64_t { free = 0, queued = 1, running = 2, cancelled = 3, done = 4, stopped = 5 };

    /// Producer, owning the filled cell. Releases it to whom finds it published.
    void publish() noexcept { word_.store(generation() | queued, Atomics::release); }

    /// Worker: the right to run.
    bool try_run() noexcept { return move(queued, running); }
    /// Worker: the right to return a cancelled request unrun.
    bool try_return_cancelled() noexcept { return move(cancelled, done); }
    /// Worker, after running: releases the reply to whom finds it ended.
    void finish() noexcept { word_.store(generation() | done, Atomics::release); }

    /// Worker: a producer has published the request of that generation, and it has not been run. Acquires nothing: who takes it does.
    bool is_published(std::uint64_t generation) const noexcept {
        const auto word = word_.load(Atomics::relaxed);
        const auto now = word & mask;
        return (word & ~mask) == generation && (now == queued || now == cancelled || now == stopped);
    }
    static constexpr std::uint64_t generation_after(std::uint64_t generation) noexcept { return generation + (mask + 1); }
    /// Drain: it is to be delivered. Acquires what came with it.
    bool has_ended() const noexcept {
        const auto now = static_cast<value>(word_.load(Atomics::acquire) & mask);
        return now == done || now == stopped;
    }

    /// Caller: true if the request will never run. Safe on a cell that has long been used again. Relaxed: it
    /// hands nothing over, and publish() still reaches who ends the request (a read-modify-write passes it on).
    bool try_cancel(std::uint64_t generation) noexcept {
        auto expected = generation | queued;
        return word_.compare_exchange_strong(expected, generation | cancelled, Atomics::relaxed, Atomics::relaxed);
    }

    /// Stopping side: true if the caller of this must now complete the request with errc::stopped.
    bool try_stop() noexcept { return move(queued, stopped) || move(cancelled, stopped); }

    /// Delivering side, owning the finished cell: ends the generation.
    void recycle() noexcept { word_.store(generation_after(generation()), Atomics::relaxed); }

    /// Producer, owning the free cell: what a later try_cancel() must name.
    std::uint64_t generation() const noexcept { return word_.load(Atomics::relaxed) & ~mask; }

    /// Who was handed the cell by a ring or a list, which has ordered all that came before.
    value get() const noexcept { return static_cast<value>(word_.load(Atomics::relaxed) & mask); }

private:
    static constexpr std::uint64_t mask = 7;

    // Acquires what publish() released, and as a read-modify-write passes it on to who finds the cell ended.
    bool move(value from, value to) noexcept {
        auto expected = generation() | from;
        return word_.compare_exchange_strong(expected, (expected & ~mask) | to, Atomics::acquire, Atomics::relaxed);
    }

    typename Atomics::template atomic<std::uint64_t> word_{free};
};

using cell_state = basic_cell_state<std_atomics>;

}  // namespace numasio::detail
