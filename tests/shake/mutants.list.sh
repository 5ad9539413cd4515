# Mutants for the shaken schedule: mutant FILE WHAT SEARCH REPLACE. All are of interleavings: no test sees an order that this processor keeps.
# shellcheck shell=bash
mutant hot_path/serving_loop.cpp 'no last look between announcing the sleep and sleeping' \
    'if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return core_.bell.cancel(); }' ''
mutant hot_path/serving_loop.cpp '[ready-2] no last look into a lane whose mark goes' \
    'core_.ready.retire(place, core_.bell);
        const auto n = serve(*core_.lanes[place]);
        if (n != 0) { core_.ready.announce(place); }
        served += n;' \
    'core_.ready.retire(place, core_.bell);'
mutant include/numasio/detail/reply_gate.hpp '[drain-2] no last look' '!(more() || is_cut())' '(static_cast<void>(more), !is_cut())'
mutant include/numasio/detail/work_hold.hpp '[hold-2] no last look' 'if (lane.due()) { take(lane); }' ''
mutant include/numasio/detail/cell_state.hpp 'try_run() looks, then writes' \
    'return move(turn, queued, running);' \
    'if (get() != queued) { return false; }
        word_.store(turn | running, Atomics::release);
        return true;'
mutant include/numasio/detail/cell_state.hpp 'try_stop() looks, then writes' \
    'return move(turn(), queued, stopped) || move(turn(), cancelled, stopped);' \
    'if (get() != queued && get() != cancelled) { return false; }
        word_.store(turn() | stopped, Atomics::release);
        return true;'
mutant include/numasio/detail/lane_marks.hpp 'set() looks, then writes' \
    'at(lane).fetch_or(bit(lane), Atomics::relaxed);' \
    'at(lane).store(at(lane).load(Atomics::relaxed) | bit(lane), Atomics::relaxed);'
