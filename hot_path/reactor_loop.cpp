// Turns, sleeps, and the end of a reactor worker.
#include "hot_path/reactor_loop.hpp"

#include "src/platform/descriptor.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <limits>

namespace numasio::hot_path {
namespace {

using operation_memory = detail::operation_allocator<std::byte>;

constexpr std::size_t most_arrivals = 64;  // of what came from outside, before others have their turn

int another_number_of(int bell) {
    error_code ec;
    platform::descriptor ours(bell);
    auto theirs = ours.duplicate(ec);
    ours.release();
    if (ec) { throw boost::system::system_error(ec, "another descriptor of the eventfd"); }
    return theirs.release();
}

}  // namespace

reactor_loop::reactor_loop(detail::reactor_group& group, std::size_t index, const idle_plan& idle)
    : group_(group), index_(index), core_(*group.cores[index]),
      spin_ns_(idle.strategy == idle_strategy::spin_then_park ? idle.spin.count() : 0), never_sleeps_(idle.strategy == idle_strategy::busy_spin),
      // A number of its own: threads may ring while this one closes, and a number that was closed may be another file's.
      bell_(*core_.inner, another_number_of(core_.bell_descriptor())) {
    core_.turns = this;
}

template <class Run>
std::size_t reactor_loop::guarded(Run run) noexcept {
    try {
        return run(*core_.inner);
    } catch (...) {
        core_.note_failure(std::current_exception());
        return 1;
    }
}

bool reactor_loop::serve() noexcept {
    listen_to_bell();
    queue_turn();
    while (!leaves_) {
        core_.inner->restart();  // where a handler has stopped it, or thrown
        guarded([](auto& io) { return io.run(); });
    }
    for (const auto& listener : core_.listeners) { listener->close(); }
    const bool in_time = finish();
    core_.resumes = false;
    return in_time;
}

void reactor_loop::queue_turn() noexcept {
    boost::asio::post(core_.inner->get_executor(), detail::function_in_memory(operation_memory(turn_memory_), [this] { turn(); }));
}

void reactor_loop::turn() noexcept {
    core_.turns_done.add();
    if (core_.is_ending()) {
        leaves_ = true;
        core_.inner->stop();
        return;
    }
    const bool active = core_.run_arrivals(most_arrivals) != 0 || core_.activity.get() != seen_;
    seen_ = core_.activity.get();
    if (stays_awake(active)) { return queue_turn(); }
    announce_sleep();
    if (core_.has_arrivals() || core_.is_ending()) {
        core_.bell.cancel();
        return queue_turn();
    }
    asleep_ = true;
    core_.resumes = spin_ns_ != 0;  // one that sleeps at once stays announced while it serves its sockets
}

void reactor_loop::announce_sleep() noexcept {
    core_.sleeps.add();
    core_.resting_at.store(core_.activity.get(), std::memory_order_relaxed);
    core_.bell.prepare();  // [wake-1] Pairs with [wake-2] in reactor_core::ring(): announced BEFORE the last look
}

bool reactor_loop::stays_awake(bool active) noexcept {
    if (never_sleeps_) { return true; }
    if (spin_ns_ == 0) { return core_.has_arrivals(); }
    if (active) {
        idle_since_ = 0;
        return true;
    }
    const auto now = detail::steady_ns();
    if (idle_since_ == 0) { idle_since_ = now; }
    return now - idle_since_ < spin_ns_;
}

void reactor_loop::wake() noexcept {
    asleep_ = false;
    core_.resumes = false;
    core_.bell.cancel();
}

void reactor_loop::resume() noexcept {
    wake();
    queue_turn();
}

void reactor_loop::listen_to_bell() noexcept {
    if (bell_is_heard_) { return; }
    bell_is_heard_ = true;
    bell_.async_read_some(boost::asio::buffer(&rings_, sizeof rings_),
                          boost::asio::bind_allocator(operation_memory(bell_memory_), [this](const error_code& ec, std::size_t) { bell_rang(ec); }));
}

void reactor_loop::bell_rang(const error_code& ec) noexcept {
    bell_is_heard_ = false;
    if (ec || is_deaf_) { return; }
    listen_to_bell();
    if (!asleep_) { return; }  // a late one: something else has ended that sleep
    wake();
    turn();
}

// --- the end ------------------------------------------------------------------------------------------

bool reactor_loop::is_late() const noexcept { return detail::reactor_core::now_ns() >= core_.ends_by(); }

bool reactor_loop::finish() noexcept {
    for (;;) {
        core_.turns_done.add();
        core_.inner->restart();
        while (!is_late() && run_ready()) {}
        if (is_late()) { return false; }
        const bool waits_inside = something_waits_inside();
        announce_sleep();
        if (core_.has_arrivals()) {
            core_.bell.cancel();
            continue;
        }
        if (!waits_inside && group_.rests(index_)) {
            core_.bell.cancel();
            return true;
        }
        const auto until = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(core_.ends_by()));
        guarded([&](auto& io) { return io.run_one_until(until); });
        core_.bell.cancel();
        if (!group_.goes_on(index_)) { return true; }
    }
}

/// One of what came from outside and one of what is ready here. False: there was nothing.
bool reactor_loop::run_ready() noexcept {
    const auto from_outside = core_.run_arrivals(1);
    return guarded([](auto& io) { return io.poll_one(); }) + from_outside != 0;
}

/// An operation, a timer, a handler: all that the io_context counts, but for the bell.
bool reactor_loop::something_waits_inside() noexcept {
    error_code ignored;
    is_deaf_ = true;  // also where it has rung a moment ago
    bell_.cancel(ignored);
    while (bell_is_heard_ && !is_late()) { guarded([](auto& io) { return io.poll_one(); }); }
    is_deaf_ = false;
    if (bell_is_heard_) { return true; }
    core_.inner->restart();
    guarded([](auto& io) { return io.poll_one(); });
    const bool none = core_.inner->stopped();
    core_.inner->restart();
    listen_to_bell();
    return !none;
}

}  // namespace numasio::hot_path
