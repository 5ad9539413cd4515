# Mutants: mutant HEADER CHECK WHAT SEARCH REPLACE. SEARCH occurs exactly once in the header, which is in numasio/detail where it has no folder.
# spin_mutant MODEL WHAT OPTIONS: the model with OPTIONS.
# shellcheck shell=bash

source "$here/mutants.calls.sh"
source "$here/mutants.pool.sh"

# --- ready_set.hpp, lane_marks.hpp -----------------------------------------------------------------
mutant parker.hpp ready_set '[ready-1] [ready-2] no fences' \
    'void fence() noexcept { Atomics::full_fence(state_); }' 'void fence() noexcept {}'
mutant ready_set.hpp ready_set '[ready-2] no fence in retire()' \
    'marks_.clear(lane);
        bell.fence();' \
    'marks_.clear(lane);'
mutant ready_set.hpp ready_set '[ready-2] fence before the mark is cleared' \
    'marks_.clear(lane);
        bell.fence();' \
    'bell.fence();
        marks_.clear(lane);'
mutant ready_set.hpp ready_set 'retire() leaves the mark' \
    'marks_.clear(lane);' ''
mutant ready_set.hpp ready_set 'announce() writes although the mark stands' \
    'if (marks_.is_set(lane)) { return false; }' ''
mutant ready_set.hpp ready_set 'announce() marks nothing' \
    'marks_.set(lane);' ''
mutant ready_set.hpp ready_set 'announce() does not say that it marked' \
    'marks_.set(lane);
        return true;' \
    'marks_.set(lane);
        return false;'
mutant ready_set.hpp ready_set 'any() sees nothing' \
    'bool any() const noexcept { return marks_.any(); }' 'bool any() const noexcept { return false; }'
mutant lane_marks.hpp ready_set 'set() looks, then writes' \
    'at(lane).fetch_or(bit(lane), Atomics::relaxed);' \
    'at(lane).store(at(lane).load(Atomics::relaxed) | bit(lane), Atomics::relaxed);'
mutant lane_marks.hpp ready_set 'clear() looks, then writes' \
    'at(lane).fetch_and(~bit(lane), Atomics::relaxed);' \
    'at(lane).store(at(lane).load(Atomics::relaxed) & ~bit(lane), Atomics::relaxed);'
mutant lane_marks.hpp ready_set 'clear() clears every mark' \
    'fetch_and(~bit(lane), Atomics::relaxed)' 'fetch_and(0, Atomics::relaxed)'
mutant ready_set.hpp reply_gate '[ready-2] no fence in retire(): a reply is left behind' \
    'marks_.clear(lane);
        bell.fence();' \
    'marks_.clear(lane);'

# --- inline_ring.hpp, lane_credit.hpp ---------------------------------------------------------------
mutant cell_state.hpp inline_ring 'publish() relaxed: a request is read before it is there' \
    'word_.store(turn | queued, Atomics::release)' 'word_.store(turn | queued, Atomics::relaxed)'
mutant cell_state.hpp inline_ring 'finish() relaxed: a reply is read before it is there' \
    'word_.store(turn | done, Atomics::release)' 'word_.store(turn | done, Atomics::relaxed)'
mutant cell_state.hpp inline_ring 'has_ended_since() relaxed' \
    'const auto word = word_.load(Atomics::acquire);' 'const auto word = word_.load(Atomics::relaxed);'
mutant cell_state.hpp inline_ring 'has_ended_since() of any turn: what was delivered is delivered again' \
    '(word & ~mask) >= turn && ' ''
mutant cell_state.hpp inline_ring 'set_free() does nothing: what was stopped is delivered again' \
    'word_.store(turn() | free, Atomics::relaxed);' ''
mutant cell_state.hpp close 'is_published() of any turn: the worker never leaves' \
    'const auto now = word_.load(Atomics::relaxed) ^ turn;' 'const auto now = word_.load(Atomics::relaxed) & mask;'
mutant inline_ring.hpp inline_ring 'the worker stays in its first round' \
    'for (auto one = at(next_); n < limit && cells_[one.slot].state.is_published(one.turn); one = at(next_), ++n) {' \
    'for (auto one = at(next_ &= 8ull * last_ + 7); n < limit && cells_[one.slot].state.is_published(one.turn); one = at(next_ &= 8ull * last_ + 7), ++n) {'
mutant cell_state.hpp inline_ring 'a move that fails acquires nothing: what was taken back is delivered before it is there' \
    'Atomics::acquire, Atomics::acquire);' 'Atomics::acquire, Atomics::relaxed);'
mutant inline_ring.hpp inline_ring 'the worker tells relaxed' \
    'ended_to_.store(turn, Atomics::release);' 'ended_to_.store(turn, Atomics::relaxed);'
mutant inline_ring.hpp inline_ring 'the drain hears relaxed' \
    'closely ? 0 : ended_to_.load(Atomics::acquire);' 'closely ? 0 : ended_to_.load(Atomics::relaxed);'
mutant inline_ring.hpp inline_ring 'the worker tells of the one that it is at' \
    'serve(one, [this, one] { tell(one.turn); });' 'serve(one, [this] { tell(next_); });'
mutant inline_ring.hpp inline_ring 'the worker does not tell of the last one' \
    ' tell(next_);' ''
mutant inline_ring.hpp inline_ring 'revoke() does not say that ends are out of order' \
    'out_of_order_.store(1, Atomics::release);' ''
mutant inline_ring.hpp inline_ring 'recycle() gives places back behind a stuck request' \
    'return cells_[slot].state.set_free(); }' 'cells_[slot].state.set_free(); }'
mutant inline_ring.hpp inline_ring 'recycle() keeps the place' \
    'credit_.recycle();' ''
mutant lane_credit.hpp inline_ring 'a place comes back relaxed' \
    'recycled_.store(recycled_.load(Atomics::relaxed) + 1, Atomics::release);' \
    'recycled_.store(recycled_.load(Atomics::relaxed) + 1, Atomics::relaxed);'
mutant lane_credit.hpp inline_ring 'take() relaxed' \
    'recycled_.load(Atomics::acquire)' 'recycled_.load(Atomics::relaxed)'
mutant lane_credit.hpp inline_ring 'a place too many' \
    'if (taken_ - came_back_ == places_) { return false; }' ''
mutant lane_credit.hpp inline_ring 'a dropped place does not come back' \
    'dropped_.fetch_add(1, Atomics::release);' ''

# --- work_hold.hpp ------------------------------------------------------------------------------
mutant work_hold.hpp work_hold '[hold-3] no fence after begin()' \
    'lane.fence();
        if (!lane.due()) { release(lane); }' \
    'if (!lane.due()) { release(lane); }'
mutant work_hold.hpp work_hold '[hold-3] no look after begin()' \
    'if (!lane.due()) { release(lane); }' ''
mutant work_hold.hpp work_hold '[hold-3] ends what another producer has found held' \
    'if (!lane.due()) { release(lane); }' 'if (!lane.due()) { end(lane); }'
mutant work_hold.hpp work_hold '[hold-3] the look before begin() is told' \
    'state_.store(held, Atomics::release);
        // [hold-3] Pairs with [hold-4]: hold the work BEFORE looking whether a drain was faster, and found nothing to end.
        lane.fence();
        if (!lane.due()) { release(lane); }' \
    'lane.fence();
                const bool over = !lane.due();
                state_.store(held, Atomics::release);
                if (over) { release(lane); }'
mutant work_hold.hpp work_hold '[hold-4] no fence before the look' \
    'lane.fence();
        if (state_.load(Atomics::relaxed) != held || !end(lane)) { return; }' \
    'if (state_.load(Atomics::relaxed) != held || !end(lane)) { return; }'
mutant work_hold.hpp work_hold '[hold-2] no fence after end()' \
    'lane.fence();
        if (lane.due()) { take(lane); }' \
    'if (lane.due()) { take(lane); }'
mutant work_hold.hpp work_hold '[hold-2] no last look' \
    'if (lane.due()) { take(lane); }' ''
mutant work_hold.hpp work_hold 'the work is never ended' \
    'if (state_.load(Atomics::relaxed) != held || !end(lane)) { return; }' 'return;'
mutant work_hold.hpp work_hold 'begin() is not told' \
    'state_.store(held, Atomics::release);
        // [hold-3]' \
    'state_.store(none, Atomics::release);
                // [hold-3]'
mutant work_hold.hpp work_hold 'begin() is told before it is done' \
    'lane.begin();
        state_.store(held, Atomics::release);' \
    'state_.store(held, Atomics::release);
                lane.begin();'
mutant work_hold.hpp work_hold 'begin() is told relaxed' \
    'state_.store(held, Atomics::release);' 'state_.store(held, Atomics::relaxed);'
mutant work_hold.hpp work_hold 'end() is told relaxed' \
    'state_.store(none, Atomics::release);' 'state_.store(none, Atomics::relaxed);'
mutant work_hold.hpp work_hold 'end() is told before it is done' \
    'lane.end();
        state_.store(none, Atomics::release);' \
    'state_.store(none, Atomics::release);
        lane.end();'
mutant work_hold.hpp work_hold 'move() relaxed' \
    'compare_exchange_strong(from, to, Atomics::acquire, Atomics::relaxed)' \
    'compare_exchange_strong(from, to, Atomics::relaxed, Atomics::relaxed)'
mutant work_hold.hpp work_hold 'move() looks, then writes' \
    'return state_.compare_exchange_strong(from, to, Atomics::acquire, Atomics::relaxed);' \
    'if (state_.load(Atomics::acquire) != from) { return false; }
        state_.store(to, Atomics::relaxed);
        return true;'

# --- the Spin models ----------------------------------------------------------------------------
spin_mutant sleep_wake.pml '[wake-1] no fence' '-DPRODUCERS=2 -DNO_WAKE_1'
spin_mutant sleep_wake.pml '[wake-2] no fence' '-DPRODUCERS=2 -DNO_WAKE_2'
spin_mutant sleep_wake.pml 'no last look' '-DPRODUCERS=2 -DNO_LAST_LOOK'
spin_mutant sleep_wake.pml 'no doorbell' '-DPRODUCERS=2 -DNO_DOORBELL'
spin_mutant sleep_wake.pml '[wake-1] no fence: no_lost_wakeup' '-DPRODUCERS=2 -DNO_WAKE_1 --ltl no_lost_wakeup'
spin_mutant shutdown.pml '[close-1] no fence' '-DPRODUCERS=2 -DINTAKE_ONLY -DNO_CLOSE_1'
spin_mutant shutdown.pml '[close-1] no revoke' '-DPRODUCERS=2 -DINTAKE_ONLY -DNO_REVOKE'
spin_mutant shutdown.pml '[close-3] no last sweep' '-DPRODUCERS=2 -DINTAKE_ONLY -DEARLY_LEAVE'
spin_mutant shutdown.pml '[drain-2] no last look' '-DPRODUCERS=2 -DNO_LAST_LOOK'
spin_mutant shutdown.pml '[cut-1] not counted in' '-DPRODUCERS=2 -DNO_COUNT_IN'
spin_mutant shutdown.pml '[cut-3] looks at the cut after the pass' '-DPRODUCERS=2 -DLATE_CUT_LOOK'
spin_mutant cyclic_ports.pml 'a full lane waits' '-DNO_STOP -DFULL_LANE_WAITS'
spin_mutant cyclic_ports.pml 'a full lane waits, 3 workers' '-DNO_STOP -DWORKERS=3 -DCALLS=1 -DFULL_LANE_WAITS'
spin_mutant cyclic_ports.pml 'a full lane waits: answered' '-DNO_STOP -DCELL=1 -DFULL_LANE_WAITS --ltl answered'
spin_mutant cyclic_ports.pml 'a reply needs a place in the lane back' '-DNO_STOP -DREPLY_NEEDS_PLACE'
spin_mutant cyclic_ports.pml 'a place comes back when its request has run' '-DNO_STOP -DEARLY_PLACE'
spin_mutant cyclic_ports.pml '[close-1] looks only once, before it publishes' '-DCALLS=1 -DONE_LOOK'
spin_mutant cyclic_ports.pml '[close-3] no last sweep' '-DCALLS=1 -DEARLY_LEAVE'

# --- waiting_line.hpp ---------------------------------------------------------------------------
mutant waiting_line.hpp waiting_line '[line-1] no fence in form()' \
    'look for a place.
        Atomics::full_fence(stands_);' \
    'look for a place.'
mutant waiting_line.hpp waiting_line 'form() does nothing' \
    'stands_.store(1, Atomics::relaxed);' ''
mutant waiting_line.hpp waiting_line '[line-2] no fence in has_heard()' \
    'waits for one.
        Atomics::full_fence(stands_);' \
    'waits for one.'
mutant waiting_line.hpp waiting_line 'has_heard() hears of nobody' \
    'return stands_.load(Atomics::relaxed) != 0;' 'return false;'
mutant waiting_line.hpp waiting_line 'stands() acquires nothing' \
    'return stands_.load(Atomics::acquire) != 0;' 'return stands_.load(Atomics::relaxed) != 0;'
mutant waiting_line.hpp waiting_line 'dissolve() releases nothing' \
    'stands_.store(0, Atomics::release);' 'stands_.store(0, Atomics::relaxed);'
mutant waiting_line.hpp waiting_line 'dissolve() does nothing' \
    'stands_.store(0, Atomics::release);' ''

# --- read_epochs.hpp ----------------------------------------------------------------------------
mutant read_epochs.hpp read_epochs '[read-1] no fence between the mark and the look' \
    'Atomics::release);
        Atomics::light_fence();  // [read-1]' \
    'Atomics::release);'
mutant read_epochs.hpp read_epochs '[read-1] fence before the mark' \
    'mine.since.store(now_.load(Atomics::acquire), Atomics::release);
        Atomics::light_fence();  // [read-1]' \
    'Atomics::light_fence();
        mine.since.store(now_.load(Atomics::acquire), Atomics::release);'
mutant read_epochs.hpp read_epochs 'a mark does not release' \
    'mine.since.store(now_.load(Atomics::acquire), Atomics::release);' 'mine.since.store(now_.load(Atomics::acquire), Atomics::relaxed);'
mutant read_epochs.hpp read_epochs 'no mark' \
    'mine.since.store(now_.load(Atomics::acquire), Atomics::release);' ''
mutant read_epochs.hpp read_epochs 'an epoch without what was replaced before it' \
    'now_.load(Atomics::acquire)' 'now_.load(Atomics::relaxed)'
mutant read_epochs.hpp read_epochs 'leave() does not release' \
    'mine.since.store(0, Atomics::release)' 'mine.since.store(0, Atomics::relaxed)'
mutant read_epochs.hpp read_epochs 'leave() leaves the mark' \
    'static void leave(mark& mine) noexcept { mine.since.store(0, Atomics::release); }' 'static void leave(mark&) noexcept {}'
mutant read_epochs.hpp read_epochs '[read-1] no fence without a mark' \
    'unmarked_.fetch_add(1, Atomics::relaxed);
        Atomics::light_fence();  // [read-1]' \
    'unmarked_.fetch_add(1, Atomics::relaxed);'
mutant read_epochs.hpp read_epochs 'who has no mark is not counted' \
    'unmarked_.fetch_add(1, Atomics::relaxed);' 'unmarked_.fetch_add(0, Atomics::relaxed);'
mutant read_epochs.hpp read_epochs 'leave_unmarked() does not release' \
    'unmarked_.fetch_sub(1, Atomics::release)' 'unmarked_.fetch_sub(1, Atomics::relaxed)'
mutant read_epochs.hpp read_epochs 'leave_unmarked() does not count' \
    'unmarked_.fetch_sub(1, Atomics::release)' 'unmarked_.fetch_sub(0, Atomics::release)'
mutant read_epochs.hpp read_epochs 'retire() does not release' \
    'now_.fetch_add(1, Atomics::acq_rel)' 'now_.fetch_add(1, Atomics::relaxed)'
mutant read_epochs.hpp read_epochs 'retire() begins no epoch' \
    'now_.fetch_add(1, Atomics::acq_rel) + 1' 'now_.fetch_add(0, Atomics::acq_rel)'
mutant read_epochs.hpp read_epochs '[read-2] no fence' \
    'return Atomics::heavy_fence();' 'return true;'
mutant read_epochs.hpp read_epochs 'has_left() does not acquire' \
    'reader.since.load(Atomics::acquire)' 'reader.since.load(Atomics::relaxed)'
mutant read_epochs.hpp read_epochs 'has_left() takes the epoch before for a later one' \
    'since >= replaced' 'since + 1 >= replaced'
mutant read_epochs.hpp read_epochs 'has_left() waits for later readers' \
    'since == 0 || since >= replaced' 'since == 0'
mutant read_epochs.hpp read_epochs 'unmarked_have_left() does not acquire' \
    'unmarked_.load(Atomics::acquire)' 'unmarked_.load(Atomics::relaxed)'
