// The sleep/wake handshake between producers and one worker: at most one doorbell for each sleep.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/platform.hpp>

#include <chrono>
#include <cstdint>

namespace numasio::detail {

/// How the handshake sleeps: a futex on the state word.
struct futex_waiter {
    static void wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
        std_atomics::may_pause();
        futex_wait(word, expected);
    }
    static void wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::nanoseconds time) noexcept {
        std_atomics::may_pause();
        futex_wait_for(word, expected, time);
    }
    static void wake_one(std::atomic<std::uint32_t>& word) noexcept {
        std_atomics::may_pause();
        futex_wake_one(word);
    }
};

/// Consumer: prepare(); look for work once more; then park() or cancel().
/// Producer: publish work; then ring().
/// Either the consumer's last look sees the work or ring() sees the consumer asleep, because a full fence
/// stands on both sides between the write and the read ([wake-1], [wake-2]).
template <class Atomics, class Waiter>
class basic_parker {
public:
    /// Consumer. [wake-1] Pairs with [wake-2]: announce the sleep BEFORE the last look for work.
    void prepare() noexcept {
        state_.store(sleeping, Atomics::relaxed);
        Atomics::full_fence(state_);
    }
    /// Consumer: the last look found work.
    void cancel() noexcept { state_.store(awake, Atomics::relaxed); }

    /// Consumer: sleeps until rung, perhaps less. The caller looks for work again in any case.
    void park() noexcept {
        Waiter::wait(state_, sleeping);
        state_.store(awake, Atomics::relaxed);
    }

    /// Producer, after publishing. [wake-2] Pairs with [wake-1]. True if this call woke the consumer.
    bool ring() noexcept {
        Atomics::full_fence(state_);
        if (state_.load(Atomics::relaxed) != sleeping) { return false; }
        // Of several producers one takes the doorbell; the exchange also ends a sleep not yet begun. Relaxed: it
        // carries no work. The consumer finds that by its next look, behind the fence of the next prepare() at last.
        if (state_.exchange(awake, Atomics::relaxed) != sleeping) { return false; }
        Waiter::wake_one(state_);
        return true;
    }

    /// Either side: the handshake's full fence on its own.
    void fence() noexcept { Atomics::full_fence(state_); }
    bool is_sleeping() const noexcept { return state_.load(Atomics::relaxed) == sleeping; }

private:
    static constexpr std::uint32_t awake = 0;     // running, or about to look for work again
    static constexpr std::uint32_t sleeping = 1;  // in park(), or between prepare() and park()
    typename Atomics::template atomic<std::uint32_t> state_{awake};
};

using parker = basic_parker<std_atomics, futex_waiter>;

}  // namespace numasio::detail
