// A cell's life: of run, cancel and stop exactly one wins, and a late cancel never hits the cell's next request.
#include "search.hpp"

#include <numasio/detail/cell_state.hpp>

namespace numasio::model {
namespace {

using cell_state = detail::basic_cell_state<relacy_atomics>;

/// Not the first: the cell was used before.
constexpr auto turn = cell_state::turn_of(7);

/// One published request; worker, caller and stop reach for it once each.
struct one_winner : rl::test_suite<one_winner, 3> {
    cell_state state;
    bool ran = false, returned = false, cancelled = false, stopped = false;

    void before() { state.publish(turn); }

    void thread(unsigned index) {
        if (index == 0) {
            ran = state.try_run(turn);
            if (ran) {
                state.finish(turn);
            } else {
                returned = state.try_return_cancelled(turn);
            }
        } else if (index == 1) {
            cancelled = state.try_cancel(turn);
        } else {
            stopped = state.try_stop();
        }
    }

    void after() {
        require(ran + returned + stopped <= 1, "at most one of run, return and stop ends a request");
        require(ran + returned + stopped >= 1, "a stop or the worker's look ends a request");
        require(!(ran && cancelled), "a request that was cancelled does not run");
        require(!returned || cancelled, "only a cancelled request is returned unrun");
        require(state.get() == (stopped ? cell_state::stopped : cell_state::done), "the last state names the end");
        require(state.has_ended_since(turn), "and whose it is");
        require(!state.has_ended_since(cell_state::turn_after(turn)), "nobody else's");
    }
};

/// A worker that does not come back: a stop ends the request, cancelled or not.
struct no_worker : rl::test_suite<no_worker, 2> {
    cell_state state;
    bool stopped = false;

    void before() { state.publish(turn); }
    void thread(unsigned index) {
        if (index == 0) { state.try_cancel(turn); }
        else { stopped = state.try_stop(); }
    }
    void after() { require(stopped && state.get() == cell_state::stopped, "a stop ends what did not run"); }
};

/// Two requests in a row through one cell, under a cancellation of the first that may come at any time and a stop
/// that finds the cell without going through the ring. Whoever ends a request delivers it and frees the cell.
struct cell_life : rl::test_suite<cell_life, 4> {
    static constexpr std::uint32_t requests = 2;

    cell_state state;
    rl::var<std::uint32_t> request;
    checked_atomic<std::uint32_t> is_free{1};
    model_ring<requests> ring;
    int ended[requests] = {};
    int ran[requests] = {};
    bool cancelled_first = false;

    static constexpr std::uint64_t turn_of(std::uint32_t r) { return cell_state::turn_of(r + 1); }

    void thread(unsigned index) {
        switch (index) {
            case 0: return produce();
            case 1: return work();
            case 2: cancelled_first = state.try_cancel(turn_of(0)); return;
            default:
                if (state.try_stop()) { deliver(cell_state::stopped); }
        }
    }

    void produce() {
        for (std::uint32_t r = 0; r < requests; ++r) {
            while (is_free.load(rl::mo_acquire) == 0) { rl::yield(1, info()); }
            is_free.store(0, rl::mo_relaxed);
            request(info()).store(r);
            state.publish(turn_of(r));
            ring.push(r);
        }
    }

    /// As lane::serve(): an entry may be of a request that a stop has ended, even of a cell that is used again.
    void work() {
        for (std::uint32_t taken = 0, entry = 0; taken < requests;) {
            if (!ring.pop(entry)) {
                rl::yield(1, info());
                continue;
            }
            ++taken;
            const auto found = state.turn();
            if (state.try_run(found)) {
                const auto r = request(info()).load();
                require(++ran[r] == 1, "a request runs once");
                state.finish(found);
                deliver(cell_state::done);
            } else if (state.try_return_cancelled(found)) {
                const auto r = request(info()).load();
                require(r == 0, "a cancellation hits the request that it names");
                deliver(cell_state::done);
            }
        }
    }

    void deliver(cell_state::value how) {
        require(state.get() == how, "a delivered cell is done or stopped");
        const auto r = request(info()).load();
        require(++ended[r] == 1, "a request ends once");
        require(state.turn() == turn_of(r), "each request has a turn of its own");
        is_free.store(1, rl::mo_release);
    }

    void after() {
        for (const int n : ended) { require(n == 1, "every request ends"); }
        require(!(cancelled_first && ran[0] != 0), "a request that was cancelled does not run");
        require(state.get() == cell_state::done || state.get() == cell_state::stopped, "the cell is free again");
    }
};

/// A stop that scans cells sees every request whose producer did not see the closing ([close-1], [close-2]):
/// the scan may not fail on a turn of long ago.
struct scan : rl::test_suite<scan, 2> {
    cell_state state;
    rl::var<std::uint32_t> request;
    checked_atomic<std::uint32_t> closing{0};
    checked_atomic<std::uint32_t> meeting{0};
    bool seen = false, stopped = false;

    void thread(unsigned index) {
        if (index == 0) {
            state.set_free();  // the cell was used before
            request(info()).store(7);
            state.publish(turn);
            relacy_atomics::full_fence(meeting);
            seen = closing.load(rl::mo_relaxed) != 0;
        } else {
            closing.store(1, rl::mo_seq_cst);
            relacy_atomics::full_fence(meeting);
            stopped = state.try_stop();
            if (stopped) { require(request(info()).load() == 7, "a stopped request is whole"); }
        }
    }
    void after() { require(seen || stopped, "the producer sees the closing or the stop sees the request"); }
};

}  // namespace

bool hunt_cell_state() {
    return explore_random<one_winner>("cell state, one winner", 20'000) &&
           explore_random<no_worker>("cell state, no worker", 5'000) &&
           explore_random<scan>("cell state, scan", 5'000) &&
           explore_random<cell_life>("cell state, two lives", 100'000);
}

#ifndef NUMASIO_HUNT
bool check_cell_state(bool deep) {
    return hunt_cell_state() && explore_all<one_winner>("cell state, one winner") &&
           explore_all<no_worker>("cell state, no worker") && explore_all<scan>("cell state, scan") &&
           explore_few<cell_life>("cell state, two lives", deep ? 3 : 2) &&
           (!deep || explore_random<cell_life>("cell state, two lives", 3'000'000));
}
#endif

}  // namespace numasio::model
