# Mutants of what a call and its reply pass through: sleep and wake, cell, slots, the way back. Part of mutants.list.sh, which says how they are written.
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
    'word_.store(turn | queued, Atomics::release)' 'word_.store(turn | queued, Atomics::relaxed)'
mutant cell_state.hpp cell_state 'try_run() looks, then writes' \
    'return move(turn, queued, running);' \
    'if (word_.load(Atomics::relaxed) != (turn | queued)) { return false; }
        word_.store(turn | running, Atomics::release);
        return true;'
mutant cell_state.hpp cell_state 'try_return_cancelled() looks, then writes' \
    'return move(turn, cancelled, done);' \
    'if (get() != cancelled) { return false; }
        word_.store(turn | done, Atomics::release);
        return true;'
mutant cell_state.hpp cell_state 'finish() does not write' \
    'word_.store(turn | done, Atomics::release);' ''
mutant cell_state.hpp cell_state 'try_cancel() of any turn' \
    'auto expected = turn | queued;
        return' \
    'auto expected = (turn = this->turn()) | queued;
        return'
mutant cell_state.hpp cell_state 'try_cancel() looks, then writes' \
    'return word_.compare_exchange_strong(expected, turn | cancelled, Atomics::relaxed, Atomics::relaxed);' \
    'if (word_.load(Atomics::relaxed) != expected) { return false; }
        word_.store(turn | cancelled, Atomics::relaxed);
        return true;'
mutant cell_state.hpp cell_state 'try_stop() of what is queued only' \
    'return move(turn(), queued, stopped) || move(turn(), cancelled, stopped);' 'return move(turn(), queued, stopped);'
mutant cell_state.hpp cell_state 'try_stop() of what was cancelled only' \
    'return move(turn(), queued, stopped) || move(turn(), cancelled, stopped);' 'return move(turn(), cancelled, stopped);'
mutant cell_state.hpp cell_state 'try_stop() looks in the other order' \
    'return move(turn(), queued, stopped) || move(turn(), cancelled, stopped);' 'return move(turn(), cancelled, stopped) || move(turn(), queued, stopped);'
mutant cell_state.hpp cell_state 'try_stop() takes what runs' \
    'return move(turn(), queued, stopped) ||' 'return move(turn(), running, stopped) || move(turn(), queued, stopped) ||'
mutant cell_state.hpp cell_state 'move() relaxed' \
    'turn | to, Atomics::acquire,' 'turn | to, Atomics::relaxed,'
mutant cell_state.hpp cell_state 'move() loses the turn' \
    'turn | to, Atomics::acquire' 'to, Atomics::acquire'

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
    '{ post(); }
        posting_.fetch_sub(1, Atomics::release);' '{ post(); }
        posting_.fetch_sub(1, Atomics::relaxed);'
mutant reply_gate.hpp reply_gate '[cut-4] who goes on is not counted' \
    'posting_.fetch_add(1, Atomics::relaxed);
        post();
        posting_.fetch_sub(1, Atomics::release);' \
    'post();'
mutant reply_gate.hpp reply_gate '[cut-4] who goes on is counted out relaxed' \
    '        post();
        posting_.fetch_sub(1, Atomics::release);' \
    '        post();
        posting_.fetch_sub(1, Atomics::relaxed);'
mutant reply_gate.hpp reply_gate '[cut-4] who posts the last drain is not counted' 'go_on(post);' 'post();'
mutant reply_gate.hpp reply_gate '[cut-4] the last drain does not wait for who posts' \
    'while (posting_.load(Atomics::acquire) != 0) { yield(); }' 'static_cast<void>(yield);'
mutant reply_gate.hpp reply_gate '[cut-4] relaxed look at who posts' \
    'posting_.load(Atomics::acquire)' 'posting_.load(Atomics::relaxed)'
mutant reply_gate.hpp reply_gate '[cut-3] looks at the cut after the pass' \
    'const bool last = is_cut();
        if (pass() != 0) { return false; }' \
    'if (pass() != 0) { return false; }
        const bool last = is_cut();'
mutant reply_gate.hpp reply_gate '[cut-3] nobody fails the rest' \
    'if (last) {
            end_rest();' \
    'if (last) {'
mutant reply_gate.hpp reply_gate '[cut-3] fails the rest without a cut' 'const bool last = is_cut();' 'const bool last = true;'
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
mutant reply_gate.hpp reply_gate '[cut-2] leaves what a leaving drain would have come back for' \
    'if (!more()) { return true; }
        go_on(post);
        return false;' \
    'return true;'
mutant reply_gate.hpp reply_gate '[cut-3] relaxed look at the cut' \
    'return cut_.load(Atomics::acquire) != 0;' 'return cut_.load(Atomics::relaxed) != 0;'
