// How a worker of a task pool sleeps: on a futex, or in the pool's io_context, where it looks after everybody's timers and sockets.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/platform.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>

namespace numasio::hot_path {

/// Sleeper: prepare(); announce itself (idle_workers); look once more; sleep() until is_rung(), or cancel(). Ringer: whoever claimed the sleeper, once.
class task_bell {
public:
    explicit task_bell(boost::asio::io_context& io) : io_(io) {}

    /// Before it is announced. `leads`: the sleep is in the io_context.
    void prepare(bool leads) noexcept {
        leads_.store(leads, std::memory_order_relaxed);
        // Before the announcement: a ring that comes from now on stops the context that follows, an earlier one wakes it for nothing.
        if (leads) { io_.restart(); }
        word_.store(sleeping, std::memory_order_relaxed);
    }
    /// Nobody has claimed the sleeper.
    void cancel() noexcept { word_.store(awake, std::memory_order_relaxed); }
    bool is_rung() const noexcept { return word_.load(std::memory_order_acquire) == awake; }

    /// Returns when rung; perhaps by itself.
    void sleep() noexcept {
        detail::std_atomics::may_pause();
        detail::futex_wait(word_, sleeping);
    }
    /// [bell-1] Pairs with [bell-2]: what the ringer did is seen by who finds the bell rung.
    void ring() noexcept {
        const bool leads = leads_.load(std::memory_order_relaxed);
        word_.store(awake, std::memory_order_release);
        detail::std_atomics::may_pause();
        if (leads) { io_.stop(); }
        // Also of one that leads: it may have come out by itself, and wait for the ring that it was promised.
        detail::futex_wake_one(word_);
    }

private:
    static constexpr std::uint32_t awake = 0;
    static constexpr std::uint32_t sleeping = 1;

    boost::asio::io_context& io_;
    detail::std_atomics::atomic<std::uint32_t> word_{awake};
    std::atomic<bool> leads_{false};
};

}  // namespace numasio::hot_path
