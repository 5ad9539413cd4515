// How a worker of a task pool sleeps: on a futex, or in the pool's io_context, where it looks after everybody's timers and sockets.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/parker.hpp>

#include <chrono>
#include <cstdint>

namespace numasio::hot_path {

/// Sleeper: prepare(); announce itself (idle_workers); look once more; sleep() until is_rung(), or cancel(). Ringer: whoever claimed the sleeper, once.
template <class Atomics, class Context, class Waiter>
class basic_task_bell {
public:
    explicit basic_task_bell(Context& io) : io_(io) {}

    /// Before it is announced. `leads`: the sleep is in the io_context.
    void prepare(bool leads) noexcept {
        leads_.store(leads ? 1 : 0, Atomics::relaxed);
        // Before the announcement: a ring that comes from now on stops the context that follows, an earlier one wakes it for nothing.
        if (leads) { io_.restart(); }
        word_.store(sleeping, Atomics::relaxed);
    }
    /// Nobody has claimed the sleeper.
    void cancel() noexcept { word_.store(awake, Atomics::relaxed); }
    bool is_rung() const noexcept { return word_.load(Atomics::acquire) == awake; }

    /// Returns when rung; perhaps by itself.
    void sleep() noexcept { Waiter::wait(word_, sleeping); }
    /// The same, or when `time` is over.
    void sleep_for(std::chrono::nanoseconds time) noexcept { Waiter::wait_for(word_, sleeping, time); }
    /// By who leads. False: it is rung, and is not to wait in the context.
    bool may_enter() noexcept {
        if (!io_.stopped()) { return true; }
        io_.restart();
        return !is_rung();  // a ring before the restart is forgotten with it
    }

    /// [bell-1] Pairs with is_rung(): what the ringer did is seen by who finds the bell rung.
    void ring() noexcept {
        const bool leads = leads_.load(Atomics::relaxed) != 0;  // the sleeper's next sleep may be of the other kind
        word_.store(awake, Atomics::release);
        if (leads) { io_.stop(); }
        // Also of one that leads: it may have come out by itself, and wait for the ring that it was promised.
        Waiter::wake_one(word_);
    }

private:
    static constexpr std::uint32_t awake = 0;
    static constexpr std::uint32_t sleeping = 1;

    Context& io_;
    typename Atomics::template atomic<std::uint32_t> word_{awake};
    typename Atomics::template atomic<std::uint32_t> leads_{0};
};

}  // namespace numasio::hot_path
