// Closing the intake: every request that was accepted ends exactly once, whoever meets whom on the way.
#include "search.hpp"

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/ready_set.hpp>
#include <numasio/detail/slot_list.hpp>

namespace numasio::model {
namespace {

using detail::no_slot;

/// The parts of a lane that a close touches, with the lane's own states and lists.
template <std::uint32_t Capacity>
struct model_lane {
    struct cell {
        detail::basic_cell_state<relacy_atomics> state;
        rl::var<std::uint32_t> next;
        rl::var<std::uint32_t> request;
    };
    cell cells[Capacity];
    detail::basic_slot_list<relacy_atomics> completed_elsewhere;
    model_ring<Capacity> requests, replies;
    std::uint32_t accepted = 0, ran = 0;

    auto link() {
        return [this](std::uint32_t slot) { return cells[slot].next(info()); };
    }

    void publish(std::uint32_t slot) {
        cells[slot].request(info()).store(slot);
        ++accepted;
        cells[slot].state.publish();
        requests.push(slot);
    }
    bool revoke(std::uint32_t slot) {
        if (!cells[slot].state.try_stop()) { return false; }
        completed_elsewhere.push(slot, link());
        return true;
    }
    void stop_queued() {
        for (std::uint32_t slot = 0; slot < Capacity; ++slot) { revoke(slot); }
    }
    bool serve(bool aborted) {
        bool any = false;
        for (std::uint32_t slot = 0; requests.pop(slot); any = true) {
            auto& c = cells[slot];
            if (!aborted && c.state.try_run()) {
                require(c.request(info()).load() == slot, "a request arrives whole");
                ++ran;
                c.state.finish();
                replies.push(slot);
            } else if (c.state.try_return_cancelled() || c.state.try_stop()) {
                replies.push(slot);
            }
        }
        return any;
    }

    /// When all threads have ended: everything that was accepted has come back, by one way.
    void require_each_ended_once() {
        std::uint32_t ended[Capacity] = {};
        std::uint32_t slot = 0;
        while (replies.pop(slot)) { ++ended[slot]; }
        for (slot = completed_elsewhere.take_all(); slot != no_slot;) {
            ++ended[slot];
            slot = cells[slot].next(info()).load();
        }
        for (slot = 0; slot < Capacity; ++slot) {
            require(ended[slot] == (slot < accepted ? 1u : 0u), "every accepted request ends exactly once");
        }
    }
};

/// Producers as port::start(), the worker as serving_loop::turn(), the stop as bridge_core::stop_workers(). With
/// `Deadline` the stop takes back what is queued, as behind a worker that does not come back in time.
template <int Producers, std::uint32_t Requests, bool Deadline>
struct closing : rl::test_suite<closing<Producers, Requests, Deadline>, Producers + 2> {
    model_lane<Requests> lanes[Producers];
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_ready_set<relacy_atomics> ready{Producers};
    checked_atomic<std::uint32_t> open{1};
    checked_atomic<std::uint32_t> closed{0};
    checked_atomic<std::uint32_t> abort{0};

    void thread(unsigned index) {
        if (index < Producers) { produce(index); }
        else if (index == Producers) { work(); }
        else { stop(); }
    }

    void produce(std::uint32_t index) {
        auto& lane = lanes[index];
        for (std::uint32_t slot = 0; slot < Requests; ++slot) {
            if (open.load(rl::mo_acquire) == 0) { return; }
            lane.publish(slot);
            ready.announce(index, bell);
            // [close-1]
            if (closed.load(rl::mo_relaxed) != 0) { lane.revoke(slot); }
        }
    }

    void work() {
        for (;;) {
            const bool last = closed.load(rl::mo_acquire) != 0;
            if (last) { bell.fence(); }  // [close-3]
            if (last ? sweep_all() : sweep_marked()) { continue; }
            if (last) { return; }
            idle();
        }
    }
    bool sweep_all() {
        bool any = false;
        for (auto& lane : lanes) { any |= serve(lane); }
        return any;
    }
    bool sweep_marked() {
        std::uint64_t marks[1] = {};
        ready.collect(marks, bell);
        bool any = false;
        for (int p = 0; p < Producers; ++p) { any |= (marks[0] >> p & 1) != 0 && serve(lanes[p]); }
        return any;
    }
    bool serve(model_lane<Requests>& lane) { return lane.serve(Deadline && abort.load(rl::mo_relaxed) != 0); }
    void idle() {
        bell.prepare();
        if (ready.any() || closed.load(rl::mo_relaxed) != 0) { bell.cancel(); }
        else { bell.park(); }
    }

    void stop() {
        open.store(0, rl::mo_release);
        closed.store(1, rl::mo_seq_cst);  // [close-2]
        bell.ring();
        if (!Deadline) { return; }
        abort.store(1, rl::mo_relaxed);
        for (auto& lane : lanes) { lane.stop_queued(); }
    }

    void after() {
        for (auto& lane : lanes) { lane.require_each_ended_once(); }
    }
};

}  // namespace

bool hunt_close() {
    return explore_random<closing<2, 1, false>>("close 2x1", 50'000) &&
           explore_random<closing<2, 1, true>>("close 2x1, deadline", 50'000);
}

#ifndef NUMASIO_HUNT
bool check_close(bool deep) {
    return hunt_close() && explore_few<closing<1, 1, false>>("close 1x1", deep ? 3 : 2) &&
           explore_few<closing<1, 1, true>>("close 1x1, deadline", deep ? 3 : 2) &&
           explore_random<closing<3, 2, false>>("close 3x2", deep ? 1'000'000 : 30'000) &&
           explore_random<closing<3, 2, true>>("close 3x2, deadline", deep ? 1'000'000 : 30'000);
}
#endif

}  // namespace numasio::model
