// What a worker of a task pool does between its last task and its next: search, fall asleep, lead, wake.
#pragma once

#include <numasio/detail/idle_workers.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace numasio::hot_path {

/// By the worker's own thread. `Side` is the worker:
///   idle(), bell(), lead(), end()   its node's idle_workers, its own bell, its pool's lead and end
///   place()                         its own, on the node
///   has_work()                      is there something for it to do?
///   is_wanted()                     … but for what others have posted to themselves?
///   has_more()                      is there a task that any worker of the node may run?
///   is_over()                       is the pool over? Then all were told to leave, this one too.
///   run_io()                        runs the io_context until something has come, or the bell
///   wake(place)                     rings one of its node that was claimed
///   hand_lead_on()                  claims a sleeper of any node, and rings it
template <class Side>
class task_idling {
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};  // as idle_workers'

public:
    explicit task_idling(Side& side) noexcept : side_(side) {}

    bool searches() const noexcept { return searching_; }
    /// False: enough others do.
    bool begin_search() noexcept {
        if (!searching_) { searching_ = side_.idle().begin_search(); }
        return searching_;
    }
    /// By one that leaves.
    void end_search() noexcept {
        if (std::exchange(searching_, false)) { side_.idle().end_search(); }
    }
    /// Before a task is run.
    void found_task() noexcept {
        if (!std::exchange(searching_, false)) { return; }
        const auto sleeper = side_.idle().end_search_with_task([this] { return side_.has_more(); });
        if (sleeper != nobody) { return side_.wake(sleeper); }
        // give_lead() has left it to this worker, whose next sleep may be long in coming.
        if (side_.lead().is_free()) { hand_lead_on(); }
    }
    /// By one that looks no more for others' tasks: those are another's that it was woken or counted on for, and those that it `gave_back`.
    void leave_search(bool gave_back) noexcept {
        const bool searched = searching_;
        end_search();
        if (!searched && !gave_back) { return; }
        const auto sleeper = side_.idle().after_publishing();
        if (sleeper != nobody) { side_.wake(sleeper); }
    }

    /// Until somebody rings, or there is something to do.
    void sleep() noexcept {
        end_search();
        const bool leads = side_.lead().take();
        side_.bell().prepare(leads);
        if (leads) { side_.idle().set_last_resort(side_.place()); }
        side_.end().falls_asleep();
        side_.idle().announce(side_.place());  // [idle-2] is in it: what is published from now on rings
        // [lead-1] Pairs with [lead-2]: a lead that was dropped before its owner could see this sleeper is not left lying.
        if (side_.has_work() || side_.is_over() || (!leads && side_.lead().is_free())) {
            wake_by_itself();
        } else if (leads) {
            sleep_leading();
        } else {
            await_ring();
        }
        if (leads) {
            side_.idle().set_last_resort(nobody);
            give_lead();
        }
    }

    /// As sleep(), until the time is over at the longest; then it searches again. What workers of its node post to themselves meanwhile rings nobody. It never leads.
    /// False: another naps.
    bool nap(std::chrono::nanoseconds time) noexcept {
        if (!side_.idle().begin_nap()) { return false; }
        end_search();
        side_.bell().prepare(false);
        side_.end().falls_asleep();
        side_.idle().announce(side_.place());
        if (!side_.is_wanted()) { side_.bell().sleep_for(time); }
        wake_by_itself();
        side_.idle().end_nap();
        return true;
    }

    /// By who has the lead and has something else to do: another sleeper goes on.
    void give_lead() noexcept {
        side_.lead().drop();
        // One that searches sleeps again, and leads then; or it finds a task.
        if (!searching_) { hand_lead_on(); }
    }

private:
    void hand_lead_on() noexcept {
        side_.idle().fence();  // [lead-2]
        side_.hand_lead_on();
    }
    void wake_by_itself() noexcept {
        if (!side_.idle().retract(side_.place())) { return await_ring(); }  // claimed: a ring is about to come
        side_.bell().cancel();
        side_.end().wakes();
        searching_ = true;
    }
    void await_ring() noexcept {
        while (!side_.bell().is_rung()) { side_.bell().sleep(); }
        searching_ = true;
    }
    void sleep_leading() noexcept {
        while (!side_.bell().is_rung()) {
            side_.run_io();
            if (!side_.bell().is_rung() && side_.has_work()) { return wake_by_itself(); }
        }
        searching_ = true;
    }

    Side& side_;
    bool searching_ = false;
};

}  // namespace numasio::hot_path
