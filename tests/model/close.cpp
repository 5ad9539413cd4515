// Closing the intake: every request that was accepted ends exactly once, whoever meets whom on the way.
#include "search.hpp"

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/inline_ring.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/ready_set.hpp>

namespace numasio::model {
namespace {

/// The parts of a lane that a close touches: its ring and the states of its cells.
template <std::uint32_t Capacity>
struct model_lane {
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request;
    };
    struct no_arena {} nowhere;
    using ring_type = detail::basic_inline_ring<relacy_atomics, cell>;
    cell cells[ring_type::cells_for(Capacity)];
    ring_type ring{cells, Capacity, nowhere};
    std::uint32_t accepted = 0, ran = 0;

    std::uint32_t publish() {
        require(ring.reserve(), "there is room");
        const auto one = ring.claim();
        cells[one.slot].request(info()).store(one.slot);
        ++accepted;
        ring.publish(one);
        return one.slot;
    }
    void stop_queued() {
        for (std::uint32_t slot = 0; slot < Capacity; ++slot) { ring.revoke(slot); }
    }
    bool serve(bool aborted) {
        return ring.consume(Capacity, [&](detail::ticket one, auto) {
                   auto& c = cells[one.slot];
                   if (!aborted && c.state.try_run(one.turn)) {
                       require(c.request(info()).load() == one.slot, "a request arrives whole");
                       ++ran;
                       c.state.finish(one.turn);
                   } else if (!c.state.try_return_cancelled(one.turn)) {
                       c.state.try_stop();
                   }
               }) != 0;
    }

    /// When all threads have ended: everything that was accepted has ended, and is found.
    void require_each_ended_once() {
        std::uint32_t ended[Capacity] = {};
        ring.take_ended(Capacity + 1, false, [&](std::uint32_t slot) {
            ++ended[slot];
            ring.recycle(slot, false);
        });
        for (std::uint32_t slot = 0; slot < Capacity; ++slot) {
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
        for (std::uint32_t n = 0; n < Requests; ++n) {
            if (open.load(rl::mo_acquire) == 0) { return; }
            const auto slot = lane.publish();
            bell.fence();
            if (ready.announce(index)) { bell.ring(); }
            // [close-1]
            if (closed.load(rl::mo_relaxed) != 0) { lane.ring.revoke(slot); }
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
        bool any = false;
        ready.for_each([&](std::uint32_t p) {
            bool some = serve(lanes[p]);
            if (!some) {
                ready.retire(p, bell);
                some = serve(lanes[p]);
                if (some) { ready.announce(p); }
            }
            any |= some;
        });
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
