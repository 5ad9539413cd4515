# Mutants: mutant HEADER CHECK WHAT SEARCH REPLACE. SEARCH occurs exactly once in the header.
# # --- work_hold.hpp ------------------------------------------------------------------------------
mutant work_hold.hpp work_hold '[hold-3] no fence after begin()' \
    'lane.fence();
        if (!lane.due()) { end(lane); }' \
    'if (!lane.due()) { end(lane); }'
mutant work_hold.hpp work_hold '[hold-3] no look after begin()' \
    'if (!lane.due()) { end(lane); }' ''
mutant work_hold.hpp work_hold '[hold-3] the look before begin() is told' \
    'state_.store(held, Atomics::release);
        // [hold-3] Pairs with [hold-4]: hold the work BEFORE looking whether a drain was faster, and found nothing to end.
        lane.fence();
        if (!lane.due()) { end(lane); }' \
    'lane.fence();
                const bool over = !lane.due();
                state_.store(held, Atomics::release);
                if (over) { end(lane); }'
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
spin_mutant MODEL WHAT OPTIONS: the model with OPTIONS.
# shellcheck shell=bash

# --- parker.hpp ---------------------------------------------------------------------------------
mutant parker.hpp sleep_wake '[wake-1] no fence in prepare()' \
    'state_.store(sleeping, Atomics::relaxed);
        Atomics::full_fence(state_);' \
    'state_.store(sleeping, Atomics::relaxed);'
mutant parker.hpp sleep_wake '[wake-1] fence before the announcement' \
    'state_.store(sleeping, Atomics::relaxed);
        Atomics::full_fence(state_);' \
    'Atomics::full_fence(state_);
        state_.store(sleeping, Atomics::relaxed);'
mutant parker.hpp sleep_wake 'no announcement' \
    'state_.store(sleeping, Atomics::relaxed);' ''
mutant parker.hpp sleep_wake 'cancel() leaves the announcement' \
    'void cancel() noexcept { state_.store(awake, Atomics::relaxed); }' 'void cancel() noexcept {}'
mutant parker.hpp sleep_wake 'park() leaves the announcement after a signal' \
    'Waiter::wait(state_, sleeping);
        state_.store(awake, Atomics::relaxed);' \
    'Waiter::wait(state_, sleeping);'
mutant parker.hpp sleep_wake 'park() does not sleep' \
    'Waiter::wait(state_, sleeping);' 'Waiter::wait(state_, awake);'
mutant parker.hpp sleep_wake '[wake-2] no fence in ring()' \
    'Atomics::full_fence(state_);
        if (state_' \
    'if (state_'
mutant parker.hpp sleep_wake '[wake-2] fence after the look' \
    'Atomics::full_fence(state_);
        if (state_.load(Atomics::relaxed) != sleeping) { return false; }' \
    'if (state_.load(Atomics::relaxed) != sleeping) { return false; }
        Atomics::full_fence(state_);'
mutant parker.hpp sleep_wake 'ring() writes although nobody sleeps' \
    'if (state_.load(Atomics::relaxed) != sleeping) { return false; }' ''
mutant parker.hpp sleep_wake 'every producer takes the doorbell' \
    'if (state_.exchange(awake, Atomics::relaxed) != sleeping) { return false; }' \
    'state_.exchange(awake, Atomics::relaxed);'
mutant parker.hpp sleep_wake 'look and write instead of an exchange' \
    'if (state_.exchange(awake, Atomics::relaxed) != sleeping) { return false; }' \
    'if (state_.load(Atomics::relaxed) != sleeping) { return false; }
        state_.store(awake, Atomics::relaxed);'
mutant parker.hpp sleep_wake 'ring() leaves the announcement' \
    'state_.exchange(awake, Atomics::relaxed)' 'state_.exchange(sleeping, Atomics::relaxed)'
mutant parker.hpp sleep_wake 'no wake' 'Waiter::wake_one(state_);' ''
mutant parker.hpp sleep_wake 'wake before the exchange' \
    'if (state_.exchange(awake, Atomics::relaxed) != sleeping) { return false; }
        Waiter::wake_one(state_);' \
    'Waiter::wake_one(state_);
        if (state_.exchange(awake, Atomics::relaxed) != sleeping) { return false; }'
mutant parker.hpp sleep_wake '[close-3] fence() does nothing' \
    'void fence() noexcept { Atomics::full_fence(state_); }' 'void fence() noexcept {}'
mutant parker.hpp close '[wake-2] no fence in ring(): the worker sleeps through a mark' \
    'Atomics::full_fence(state_);
        if (state_' \
    'if (state_'
mutant parker.hpp close '[close-3] fence() does nothing: the last sweep misses a request' \
    'void fence() noexcept { Atomics::full_fence(state_); }' 'void fence() noexcept {}'

# --- cell_state.hpp -----------------------------------------------------------------------------
mutant cell_state.hpp cell_state 'publish() relaxed' \
    'word_.store(generation() | queued, Atomics::release)' 'word_.store(generation() | queued, Atomics::relaxed)'
mutant cell_state.hpp cell_state 'try_run() looks, then writes' \
    'return move(queued, running);' \
    'if (get() != queued) { return false; }
        word_.store(generation() | running, Atomics::release);
        return true;'
mutant cell_state.hpp cell_state 'try_return_cancelled() takes what was not cancelled' \
    'return move(cancelled, done);' 'return move(cancelled, done) || move(queued, done);'
mutant cell_state.hpp cell_state 'try_return_cancelled() looks, then writes' \
    'return move(cancelled, done);' \
    'if (get() != cancelled) { return false; }
        word_.store(generation() | done, Atomics::release);
        return true;'
mutant cell_state.hpp cell_state 'finish() does not write' \
    'word_.store(generation() | done, Atomics::relaxed);' ''
mutant cell_state.hpp cell_state 'try_cancel() of any generation' \
    'auto expected = generation | queued;' 'auto expected = (generation = this->generation()) | queued;'
mutant cell_state.hpp cell_state 'try_cancel() looks, then writes' \
    'return word_.compare_exchange_strong(expected, generation | cancelled, Atomics::relaxed, Atomics::relaxed);' \
    'if (word_.load(Atomics::relaxed) != expected) { return false; }
        word_.store(generation | cancelled, Atomics::relaxed);
        return true;'
mutant cell_state.hpp cell_state 'try_stop() of what is queued only' \
    'return move(queued, stopped) || move(cancelled, stopped);' 'return move(queued, stopped);'
mutant cell_state.hpp cell_state 'try_stop() of what was cancelled only' \
    'return move(queued, stopped) || move(cancelled, stopped);' 'return move(cancelled, stopped);'
mutant cell_state.hpp cell_state 'try_stop() looks in the other order' \
    'return move(queued, stopped) || move(cancelled, stopped);' 'return move(cancelled, stopped) || move(queued, stopped);'
mutant cell_state.hpp cell_state 'try_stop() takes what runs' \
    'return move(queued, stopped) ||' 'return move(running, stopped) || move(queued, stopped) ||'
mutant cell_state.hpp cell_state 'recycle() keeps the generation' \
    'word_.store(generation() + (mask + 1), Atomics::relaxed);' 'word_.store(generation(), Atomics::relaxed);'
mutant cell_state.hpp cell_state 'recycle() keeps the state' \
    'word_.store(generation() + (mask + 1), Atomics::relaxed);' \
    'word_.store(word_.load(Atomics::relaxed) + (mask + 1), Atomics::relaxed);'
mutant cell_state.hpp cell_state 'move() relaxed' \
    '(expected & ~mask) | to, Atomics::acquire,' '(expected & ~mask) | to, Atomics::relaxed,'
mutant cell_state.hpp cell_state 'move() loses the generation' \
    '(expected & ~mask) | to, Atomics' 'to, Atomics'

# --- slot_list.hpp ------------------------------------------------------------------------------
mutant slot_list.hpp slot_list 'push() relaxed' 'slot, Atomics::release' 'slot, Atomics::relaxed'
mutant slot_list.hpp slot_list 'push() looks, then writes' \
    '} while (!head_.compare_exchange_weak(head, slot, Atomics::release, Atomics::relaxed));' \
    '} while (false);
        head_.store(slot, Atomics::release);'
mutant slot_list.hpp slot_list 'push() gives up where another was faster' \
    '} while (!head_' '} while (false && !head_'
mutant slot_list.hpp slot_list 'push() links once, not at each try' \
    'do {
            next(slot) = head;
        } while' \
    'next(slot) = head;
        do {
        } while'
mutant slot_list.hpp slot_list 'take_all() relaxed' \
    'head_.exchange(no_slot, Atomics::acquire)' 'head_.exchange(no_slot, Atomics::relaxed)'
mutant slot_list.hpp slot_list 'take_all() looks, then writes' \
    'return head_.exchange(no_slot, Atomics::acquire);' \
    'const auto first = head_.load(Atomics::acquire);
        head_.store(no_slot, Atomics::relaxed);
        return first;'
mutant slot_list.hpp slot_list 'take_all() leaves the chain' \
    'head_.exchange(no_slot, Atomics::acquire)' 'head_.load(Atomics::acquire)'
mutant slot_list.hpp slot_list 'take_all() writes although the list is empty' \
    'if (empty()) { return no_slot; }' ''

# --- reply_gate.hpp -----------------------------------------------------------------------------
mutant reply_gate.hpp reply_gate '[cut-1] not counted in' \
    'posting_.fetch_add(1, Atomics::seq_cst);' 'posting_.fetch_add(0, Atomics::seq_cst);'
mutant reply_gate.hpp reply_gate '[cut-1] counted in by acq_rel' \
    'posting_.fetch_add(1, Atomics::seq_cst);' 'posting_.fetch_add(1, Atomics::acq_rel);'
mutant reply_gate.hpp reply_gate '[cut-1] no look at the cut' \
    'cut_.load(Atomics::seq_cst) == 0 && ' ''
mutant reply_gate.hpp reply_gate '[cut-1] acquire look at the cut' \
    'cut_.load(Atomics::seq_cst)' 'cut_.load(Atomics::acquire)'
mutant reply_gate.hpp reply_gate '[drain-1] the publisher does not release' \
    'held_.exchange(1, Atomics::acq_rel) == 0) { post' 'held_.exchange(1, Atomics::acquire) == 0) { post'
mutant reply_gate.hpp reply_gate '[drain-1] the poster does not acquire the last drain' \
    'held_.exchange(1, Atomics::acq_rel) == 0) { post' 'held_.exchange(1, Atomics::release) == 0) { post'
mutant reply_gate.hpp reply_gate 'the poster looks, then writes' \
    'held_.exchange(1, Atomics::acq_rel) == 0) { post(); }' \
    'held_.load(Atomics::acquire) == 0) { held_.exchange(1, Atomics::acq_rel); post(); }'
mutant reply_gate.hpp reply_gate '[drain-1] everybody posts' \
    'held_.exchange(1, Atomics::acq_rel) == 0) { post' '(held_.exchange(1, Atomics::acq_rel), true)) { post'
mutant reply_gate.hpp reply_gate '[cut-1] counted out relaxed' \
    'posting_.fetch_sub(1, Atomics::release);' 'posting_.fetch_sub(1, Atomics::relaxed);'
mutant reply_gate.hpp reply_gate '[cut-3] looks at the cut after the pass' \
    'const bool last = is_cut();
        if (pass() != 0) { return false; }' \
    'if (pass() != 0) { return false; }
        const bool last = is_cut();'
mutant reply_gate.hpp reply_gate '[cut-3] nobody abandons' \
    'if (last) {
            abandon();' \
    'if (last) {'
mutant reply_gate.hpp reply_gate '[cut-3] abandons without a cut' 'const bool last = is_cut();' 'const bool last = true;'
mutant reply_gate.hpp reply_gate '[drain-2] no last look' '!(more() || is_cut())' '!is_cut()'
mutant reply_gate.hpp reply_gate '[drain-2] the last look does not see a cut' '!(more() || is_cut())' '!more()'
mutant reply_gate.hpp reply_gate '[drain-2] the last look before giving up' \
    'held_.exchange(0, Atomics::acq_rel);
        return !(more() || is_cut()) ||' \
    'const bool some = more() || is_cut();
        held_.exchange(0, Atomics::acq_rel);
        return !some ||'
mutant reply_gate.hpp reply_gate '[drain-2] the drain is never given up' \
    'held_.exchange(0, Atomics::acq_rel);' ''
mutant reply_gate.hpp reply_gate '[drain-2] giving up does not acquire' \
    'held_.exchange(0, Atomics::acq_rel);' 'held_.exchange(0, Atomics::release);'
mutant reply_gate.hpp reply_gate '[drain-2] giving up does not release' \
    'held_.exchange(0, Atomics::acq_rel);' 'held_.exchange(0, Atomics::acquire);'
mutant reply_gate.hpp reply_gate '[drain-2] comes back without asking' \
    '|| held_.exchange(1, Atomics::acquire) != 0;' '|| (held_.exchange(1, Atomics::acquire), false);'
mutant reply_gate.hpp reply_gate '[drain-2] comes back relaxed' \
    '|| held_.exchange(1, Atomics::acquire) != 0;' '|| held_.exchange(1, Atomics::relaxed) != 0;'
mutant reply_gate.hpp reply_gate '[drain-2] never comes back' \
    '|| held_.exchange(1, Atomics::acquire) != 0;' '|| true;'
mutant reply_gate.hpp reply_gate '[cut-2] release store' \
    'cut_.store(1, Atomics::seq_cst);' 'cut_.store(1, Atomics::release);'
mutant reply_gate.hpp reply_gate '[cut-2] does not wait for who is posting' \
    'while (posting_.load(Atomics::seq_cst) != 0) { yield(); }' ''
mutant reply_gate.hpp reply_gate '[cut-2] acquire look at who is posting' \
    'posting_.load(Atomics::seq_cst)' 'posting_.load(Atomics::acquire)'
mutant reply_gate.hpp reply_gate '[cut-2] does not release to the drain' \
    'if (held_.exchange(1, Atomics::acq_rel) != 0) { return false; }' \
    'if (held_.exchange(1, Atomics::acquire) != 0) { return false; }'
mutant reply_gate.hpp reply_gate '[cut-2] does not acquire the last drain' \
    'if (held_.exchange(1, Atomics::acq_rel) != 0) { return false; }' \
    'if (held_.exchange(1, Atomics::release) != 0) { return false; }'
mutant reply_gate.hpp reply_gate '[cut-2] looks for a drain without taking it' \
    'if (held_.exchange(1, Atomics::acq_rel) != 0) { return false; }' \
    'if (held_.load(Atomics::acquire) != 0) { return false; }'
mutant reply_gate.hpp reply_gate '[cut-2] abandons what a leaving drain would have come back for' \
    'if (!more()) { return true; }
        post();
        return false;' \
    'return true;'
mutant reply_gate.hpp reply_gate '[cut-3] relaxed look at the cut' \
    'return cut_.load(Atomics::acquire) != 0;' 'return cut_.load(Atomics::relaxed) != 0;'

# --- ready_set.hpp ------------------------------------------------------------------------------
mutant ready_set.hpp ready_set '[ready-1] no fence in announce()' \
    'bell.fence();
        auto& marks' \
    'auto& marks'
mutant ready_set.hpp ready_set '[ready-1] fence after the look' \
    'bell.fence();
        auto& marks = words_[lane / lanes_per_word].marks;
        const std::uint64_t bit = std::uint64_t{1} << lane % lanes_per_word;
        if ((marks.load(Atomics::relaxed) & bit) != 0) { return false; }' \
    'auto& marks = words_[lane / lanes_per_word].marks;
        const std::uint64_t bit = std::uint64_t{1} << lane % lanes_per_word;
        if ((marks.load(Atomics::relaxed) & bit) != 0) { return false; }
        bell.fence();'
mutant ready_set.hpp ready_set '[ready-2] no fence in collect()' \
    'if (taken) { bell.fence(); }' ''
mutant ready_set.hpp ready_set '[ready-2] fence before the marks are taken' \
    'to[i] |= words_[i].marks.exchange(0, Atomics::relaxed);
                taken = true;' \
    'bell.fence();
                to[i] |= words_[i].marks.exchange(0, Atomics::relaxed);'
mutant ready_set.hpp ready_set 'announce() writes although the mark stands' \
    'if ((marks.load(Atomics::relaxed) & bit) != 0) { return false; }' ''
mutant ready_set.hpp ready_set 'announce() looks, then writes' \
    'marks.fetch_or(bit, Atomics::relaxed);' 'marks.store(marks.load(Atomics::relaxed) | bit, Atomics::relaxed);'
mutant ready_set.hpp ready_set 'announce() marks nothing' \
    'marks.fetch_or(bit, Atomics::relaxed);' ''
mutant ready_set.hpp ready_set 'announce() does not ring' \
    'return bell.ring();' 'return false;'
mutant ready_set.hpp ready_set 'announce() rings and does not mark first' \
    'marks.fetch_or(bit, Atomics::relaxed);
        return bell.ring();' \
    'const bool rang = bell.ring();
        marks.fetch_or(bit, Atomics::relaxed);
        return rang;'
mutant ready_set.hpp ready_set 'collect() looks, then writes' \
    'to[i] |= words_[i].marks.exchange(0, Atomics::relaxed);' \
    'to[i] |= words_[i].marks.load(Atomics::relaxed);
                words_[i].marks.store(0, Atomics::relaxed);'
mutant ready_set.hpp ready_set 'collect() forgets what was left' \
    'to[i] |= words_' 'to[i] = words_'
mutant ready_set.hpp ready_set 'any() sees nothing' \
    '{ return true; }' '{}'

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
