// What a reactor worker does all day: turns of its io_context, a look to its inbox in each, and sleeps that a bell ends.
#pragma once

#include "hot_path/reactor_group.hpp"

#include <numasio/detail/reply_poster.hpp>
#include <numasio/plan.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace numasio::hot_path {

/// While the worker is awake a turn is queued in its io_context behind what is ready there, so that the inbox is looked at once in each round of the queue, however busy
/// the rest is. With nothing to do it spins, turn by turn, each with a look at the sockets; then it announces its sleep, looks to the inbox once more ([wake-1]) and queues no
/// turn: the io_context sleeps. A sleep ends with the bell, or with anything else that comes by the worker's executor.
/// Threads: the worker's own, where core.inner is.
class reactor_loop final : public detail::reactor_turns {
public:
    /// Fails: throws system_error where there is no descriptor; std::bad_alloc.
    reactor_loop(detail::reactor_group& group, std::size_t index, const idle_plan& idle);

    /// Until it is told to end; then what is left, until the deadline. True: nothing is left.
    bool serve() noexcept;

    void resume() noexcept override;

private:
    void turn() noexcept;
    bool stays_awake(bool active) noexcept;
    void announce_sleep() noexcept;
    void queue_turn() noexcept;
    void wake() noexcept;
    void listen_to_bell() noexcept;
    void bell_rang(const error_code& ec) noexcept;

    bool finish() noexcept;
    bool run_ready() noexcept;
    bool something_waits_inside() noexcept;
    bool is_late() const noexcept;
    template <class Run>
    std::size_t guarded(Run run) noexcept;

    detail::reactor_group& group_;
    const std::size_t index_;
    detail::reactor_core& core_;
    const std::int64_t spin_ns_;
    const bool never_sleeps_;
    std::uint64_t seen_ = 0;         // the core's activity at the last turn
    std::int64_t idle_since_ = 0;    // 0: not idle, as far as is known
    bool asleep_ = false;            // announced
    bool leaves_ = false;
    bool bell_is_heard_ = false;     // a read is pending
    bool is_deaf_ = false;           // none is to follow it

    std::uint64_t rings_ = 0;        // what the bell's descriptor counted
    detail::operation_block turn_memory_;
    detail::operation_block bell_memory_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> bell_;
};

}  // namespace numasio::hot_path
