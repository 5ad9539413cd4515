// One request's life as one word: who may run it, cancel it, stop it. Exactly one of them wins.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// free → queued → running → done        the worker ran it
///         queued → cancelled → done     the caller cancelled it; the worker returns it unrun
///         queued | cancelled → stopped  the bridge stopped; whoever won this completes it
/// The upper bits name the turn: each request that goes through the cell has a later one. So a look at the word tells whose it is, a late
/// cancellation cannot hit the cell's next request, and a cell that was delivered may stay as it is until then.
template <class Atomics>
class basic_cell_state {
public:
    enum value : std::uint64_t { free = 0, queued = 1, running = 2, cancelled = 3, done = 4, stopped = 5 };

    static constexpr std::uint64_t turn_of(std::uint64_t number) noexcept { return number * (mask + 1); }
    static constexpr std::uint64_t number_of(std::uint64_t turn) noexcept { return turn / (mask + 1); }
    static constexpr std::uint64_t turn_after(std::uint64_t turn) noexcept { return turn + turn_of(1); }

    /// Producer, owning the filled cell. Releases it to whom finds it published.
    void publish(std::uint64_t turn) noexcept { word_.store(turn | queued, Atomics::release); }

    /// Worker: the right to run.
    bool try_run(std::uint64_t turn) noexcept { return move(turn, queued, running); }
    /// Worker: the right to return a cancelled request unrun.
    bool try_return_cancelled(std::uint64_t turn) noexcept { return move(turn, cancelled, done); }
    /// Worker, after running: releases the reply to whom finds it ended.
    void finish(std::uint64_t turn) noexcept { word_.store(turn | done, Atomics::release); }

    /// Worker: a producer has published the request of that turn, and it has not been run. Acquires nothing: who takes it does.
    bool is_published(std::uint64_t turn) const noexcept {
        const auto now = word_.load(Atomics::relaxed) ^ turn;
        return now == queued || now == cancelled || now == stopped;
    }
    /// Drain: the request of that turn, or of a later one, is to be delivered. Acquires what came with it.
    bool has_ended_since(std::uint64_t turn) const noexcept {
        const auto word = word_.load(Atomics::acquire);
        return (word & ~mask) >= turn && ((word & mask) == done || (word & mask) == stopped);
    }

    /// Caller: true if the request will never run. Safe on a cell that has long been used again. Relaxed: it
    /// hands nothing over, and publish() still reaches who ends the request (a read-modify-write passes it on).
    bool try_cancel(std::uint64_t turn) noexcept {
        auto expected = turn | queued;
        return word_.compare_exchange_strong(expected, turn | cancelled, Atomics::relaxed, Atomics::relaxed);
    }

    /// Stopping side: true if the caller of this must now complete the request with errc::stopped.
    bool try_stop() noexcept { return move(turn(), queued, stopped) || move(turn(), cancelled, stopped); }

    /// Delivering side, owning the finished cell, where has_ended_since() looks at it again before its next request.
    void set_free() noexcept { word_.store(turn() | free, Atomics::relaxed); }

    /// Of the request that is in the cell, or was last.
    std::uint64_t turn() const noexcept { return word_.load(Atomics::relaxed) & ~mask; }

    /// Who was handed the cell by a ring or a list, which has ordered all that came before.
    value get() const noexcept { return static_cast<value>(word_.load(Atomics::relaxed) & mask); }

private:
    static constexpr std::uint64_t mask = 7;

    // Acquires what publish() released, and as a read-modify-write passes it on to who finds the cell ended. Where it fails, too: a worker tells
    // the drain of what others have stopped.
    bool move(std::uint64_t turn, value from, value to) noexcept {
        auto expected = turn | from;
        return word_.compare_exchange_strong(expected, turn | to, Atomics::acquire, Atomics::acquire);
    }

    typename Atomics::template atomic<std::uint64_t> word_{free};
};

using cell_state = basic_cell_state<std_atomics>;

/// What to do where there is nothing to do.
struct nothing {
    void operator()() const noexcept {}
};

/// A request on its way: its cell, and the turn of that.
struct ticket {
    std::uint32_t slot = 0;
    std::uint64_t turn = 0;
};

}  // namespace numasio::detail
