# Mutants of a task pool: its queues, who sleeps, who leads, when it is over. Part of mutants.list.sh, which says how they are written.
# shellcheck shell=bash

# --- stealing_deque.hpp -------------------------------------------------------------------------
mutant stealing_deque.hpp stealing_deque 'a place too many' \
    '>= Places) { return false; }' '> Places) { return false; }'
mutant stealing_deque.hpp stealing_deque '[deque-2] push() does not release' \
    'bottom_.store(bottom + 1, Atomics::release);  // [deque-2] Pairs' 'bottom_.store(bottom + 1, Atomics::relaxed);  //'
mutant stealing_deque.hpp stealing_deque '[deque-2] lowered relaxed' \
    'bottom_.store(bottom, Atomics::release);' 'bottom_.store(bottom, Atomics::relaxed);'
mutant stealing_deque.hpp stealing_deque '[deque-3] the owner does not fence' \
    'Atomics::full_fence(meeting_);
        auto top' \
    'auto top'
mutant stealing_deque.hpp stealing_deque '[deque-3] the owner fences before it lowers' \
    'bottom_.store(bottom, Atomics::release);' 'Atomics::full_fence(meeting_); bottom_.store(bottom, Atomics::release); if (false)'
mutant stealing_deque.hpp stealing_deque '[deque-3] the thief does not fence' \
    'Atomics::full_fence(meeting_);  // [deque-3]' ''
mutant stealing_deque.hpp stealing_deque '[deque-2] the thief does not acquire' \
    'bottom_.load(Atomics::acquire);  // [deque-2]' 'bottom_.load(Atomics::relaxed);'
mutant stealing_deque.hpp stealing_deque 'the thief looks at the bottom first' \
    'auto top = top_.load(Atomics::relaxed);
        Atomics::full_fence(meeting_);  // [deque-3]
        const auto bottom = bottom_.load(Atomics::acquire);  // [deque-2]' \
    'const auto bottom = bottom_.load(Atomics::acquire);
        Atomics::full_fence(meeting_);
        auto top = top_.load(Atomics::acquire);'
mutant stealing_deque.hpp stealing_deque 'steal() looks, then writes' \
    'if (!top_.compare_exchange_strong(top, top + 1, Atomics::release, Atomics::relaxed))' \
    'if (top_.load(Atomics::relaxed) != top || (top_.store(top + 1, Atomics::release), false))'
mutant stealing_deque.hpp stealing_deque 'take_newest() takes the last without asking' \
    'top_.compare_exchange_strong(top, top + 1, Atomics::relaxed, Atomics::relaxed)' '(top_.store(top + 1, Atomics::relaxed), true)'
mutant stealing_deque.hpp stealing_deque 'take_newest() never asks' \
    'if (bottom != top) { return item; }' 'return item;'
mutant stealing_deque.hpp stealing_deque 'take_oldest() looks, then writes' \
    'top_.compare_exchange_weak(top, top + 1, Atomics::relaxed, Atomics::relaxed)' \
    'top == top_.load(Atomics::relaxed) && (top_.store(top + 1, Atomics::relaxed), true)'

# --- task_inbox.hpp -----------------------------------------------------------------------------
mutant task_inbox.hpp task_inbox '[inbox-1] push() does not release' \
    'p.turn.store(at + 1, Atomics::release);' 'p.turn.store(at + 1, Atomics::relaxed);'
mutant task_inbox.hpp task_inbox '[inbox-1] take() does not acquire' \
    'turn.load(Atomics::acquire) == at + n + 1' 'turn.load(Atomics::relaxed) == at + n + 1'
mutant task_inbox.hpp task_inbox '[inbox-1] a place is told of before it is filled' \
    'p.item = item;
                p.turn.store(at + 1, Atomics::release);' \
    'p.turn.store(at + 1, Atomics::release);
                p.item = item;'
mutant task_inbox.hpp task_inbox '[inbox-2] take() does not release' \
    'p.turn.store(at + i + last_ + 1, Atomics::release);' 'p.turn.store(at + i + last_ + 1, Atomics::relaxed);'
mutant task_inbox.hpp task_inbox '[inbox-2] push() does not acquire' \
    'p.turn.load(Atomics::acquire) - at' 'p.turn.load(Atomics::relaxed) - at'
mutant task_inbox.hpp task_inbox '[inbox-2] a place is given back before it is read' \
    'T* const item = p.item;
                p.turn.store(at + i + last_ + 1, Atomics::release);' \
    'p.turn.store(at + i + last_ + 1, Atomics::release);
                T* const item = p.item;'
mutant task_inbox.hpp task_inbox 'push() into a place that is taken' \
    'if (ahead < 0) { return false; }' ''
mutant task_inbox.hpp task_inbox 'push() looks, then writes' \
    'tail_.compare_exchange_weak(at, at + 1, Atomics::relaxed, Atomics::relaxed)' \
    '(tail_.store(at + 1, Atomics::relaxed), true)'
mutant task_inbox.hpp task_inbox 'take() looks, then writes' \
    'if (!head_.compare_exchange_weak(at, at + n, Atomics::relaxed, Atomics::relaxed)) { continue; }' \
    'head_.store(at + n, Atomics::relaxed);'
mutant task_inbox.hpp task_inbox 'a place comes back for the round that it was in' \
    'p.turn.store(at + i + last_ + 1, Atomics::release);' 'p.turn.store(at + i, Atomics::release);'
mutant task_inbox.hpp task_inbox 'take() looks at the first place only' \
    'places_[(at + n) & last_].turn.load(Atomics::acquire) == at + n + 1' 'places_[at & last_].turn.load(Atomics::acquire) == at + 1'

# --- task_intake.hpp ----------------------------------------------------------------------------
mutant task_intake.hpp task_intake 'the list is taken although the inbox is not empty' \
    'if (inbox_.size() != 0) { return n; }' ''
mutant task_intake.hpp task_intake 'the list is taken where the inbox has nothing to take' \
    'if (inbox_.size() != 0) { return n; }' 'if (inbox_.has_some()) { return n; }'
mutant task_intake.hpp task_intake 'the inbox is looked at before the lock' \
    'const std::lock_guard lock(mutex_);
            // Whoever listed a task has its older ones in the inbox, perhaps behind a place that is still being filled: they come first.
            if (inbox_.size() != 0) { return n; }' \
    'if (inbox_.size() != 0) { return n; }
            const std::lock_guard lock(mutex_);'
mutant task_intake.hpp task_intake 'push() overtakes the list' \
    'listed_.load(Atomics::relaxed) == 0 && inbox_.push(task)' 'inbox_.push(task)'
mutant task_intake.hpp task_intake 'push() lists what may be refused' \
    'if (refusable) { return false; }' ''
mutant task_intake.hpp task_intake 'push() lists without the lock' \
    'const std::lock_guard lock(mutex_);
        *end_' \
    '*end_'
mutant task_intake.hpp task_intake 'take() moves without the lock' \
    'const std::lock_guard lock(mutex_);
            //' \
    '//'
mutant task_intake.hpp task_intake 'push() does not count' \
    'listed_.store(listed_.load(Atomics::relaxed) + 1, Atomics::relaxed);' ''
mutant task_intake.hpp task_intake 'take() does not count' \
    'listed_.store(listed_.load(Atomics::relaxed) - moved, Atomics::relaxed);' ''
mutant task_intake.hpp task_intake 'an empty list ends where it did' \
    'if (rest == nullptr) { end_ = &first_; }' ''
mutant task_intake.hpp task_intake 'what is taken hangs together with the rest' \
    '*last = nullptr;' ''
mutant task_intake.hpp task_intake 'a look does not see the list' \
    'return inbox_.has_some() || listed_.load(Atomics::relaxed) != 0;' 'return inbox_.has_some();'
mutant task_intake.hpp task_intake 'the list has no size' \
    'return inbox_.size() + listed_.load(Atomics::relaxed);' 'return inbox_.size();'

# --- idle_workers.hpp ---------------------------------------------------------------------------
mutant idle_workers.hpp idle_workers '[idle-1] no fence behind a task for anybody' \
    'Atomics::full_fence(searching_);  // [idle-1] Pairs with [idle-2]' ''
mutant idle_workers.hpp idle_workers '[idle-1] no fence behind a task for one' \
    'Atomics::full_fence(searching_);  // [idle-1]
        return claim(worker)' \
    'return claim(worker)'
mutant idle_workers.hpp idle_workers '[idle-1] no fence behind a task of its own' \
    'Atomics::full_fence(searching_);  // [idle-1]
        if (searching_.load(Atomics::relaxed) != 0 || napping_' \
    'if (searching_.load(Atomics::relaxed) != 0 || napping_'
mutant idle_workers.hpp idle_workers 'a nap is never over' \
    'napping_.store(0, Atomics::relaxed);' ''
mutant idle_workers.hpp idle_workers '[idle-2] no fence behind the announcement' \
    'Atomics::full_fence(searching_);  // [idle-2] Pairs with [idle-1]' ''
mutant idle_workers.hpp idle_workers '[idle-2] fence before the announcement' \
    'asleep_[worker / 64].fetch_or(bit(worker), Atomics::release);
        Atomics::full_fence(searching_);  // [idle-2] Pairs with [idle-1]' \
    'Atomics::full_fence(searching_);
        asleep_[worker / 64].fetch_or(bit(worker), Atomics::release);'
mutant idle_workers.hpp idle_workers 'no announcement' \
    'asleep_[worker / 64].fetch_or(bit(worker), Atomics::release);' ''
mutant idle_workers.hpp idle_workers 'announce() does not release how to ring' \
    'asleep_[worker / 64].fetch_or(bit(worker), Atomics::release);' 'asleep_[worker / 64].fetch_or(bit(worker), Atomics::relaxed);'
mutant idle_workers.hpp idle_workers 'claim() does not acquire how to ring' \
    'if ((word.fetch_and(~bit(worker), Atomics::acquire) & bit(worker)) == 0) { return false; }' \
    'if ((word.fetch_and(~bit(worker), Atomics::relaxed) & bit(worker)) == 0) { return false; }'
mutant idle_workers.hpp idle_workers 'claim() looks, then writes' \
    'if ((word.fetch_and(~bit(worker), Atomics::acquire) & bit(worker)) == 0) { return false; }' \
    'word.fetch_and(~bit(worker), Atomics::acquire);'
mutant idle_workers.hpp idle_workers 'claim() makes no searcher' \
    'searching_.fetch_add(1, Atomics::relaxed);  // before the ring, behind which the worker counts on it' ''
mutant idle_workers.hpp idle_workers 'retract() is always granted' \
    '& bit(worker)) == 0) { return false; }
        searching_.fetch_add(1, Atomics::relaxed);
        return true;' \
    '& bit(worker)) == 0) {}
        searching_.fetch_add(1, Atomics::relaxed);
        return true;'
mutant idle_workers.hpp idle_workers 'retract() leaves the announcement' \
    'if ((asleep_[worker / 64].fetch_and(~bit(worker), Atomics::relaxed) & bit(worker)) == 0) { return false; }' \
    'if ((asleep_[worker / 64].load(Atomics::relaxed) & bit(worker)) == 0) { return false; }'
mutant idle_workers.hpp idle_workers 'retract() makes no searcher' \
    'searching_.fetch_add(1, Atomics::relaxed);
        return true;
    }

    // --- others' \
    'return true;
    }

    // --- others'
mutant idle_workers.hpp idle_workers 'end_search() does not count' \
    'void end_search() noexcept { searching_.fetch_sub(1, Atomics::relaxed); }' 'void end_search() noexcept {}'
mutant idle_workers.hpp idle_workers '[idle-1] what was moved is not fenced before the search is ended' \
    'Atomics::full_fence(searching_);  // [idle-1] of what' '//'
mutant idle_workers.hpp idle_workers '[idle-3] no fence' \
    'Atomics::full_fence(searching_);  // [idle-3]' '//'
mutant idle_workers.hpp idle_workers '[idle-3] fence before the search is ended' \
    'if (searching_.fetch_sub(1, Atomics::relaxed) != 1) { return nobody; }
        Atomics::full_fence(searching_);' \
    'Atomics::full_fence(searching_);
        if (searching_.fetch_sub(1, Atomics::relaxed) != 1) { return nobody; }'
mutant idle_workers.hpp idle_workers '[idle-3] nobody is woken for what more there is' \
    'return more() ? claim_any() : nobody;' 'return nobody;'
mutant idle_workers.hpp idle_workers 'claim_any() skips the first' \
    'if (worker != last && claim(worker))' 'if (worker != 0 && claim(worker))'
mutant idle_workers.hpp task_lead 'claim_any() skips the last resort' \
    'return last != nobody && !is_benched(last) && claim(last) ? last : nobody;' 'return nobody;'
mutant idle_workers.hpp idle_workers 'claim_any() wakes who is benched' \
    'asleep_[w].load(Atomics::relaxed) & ~benched_[w].load(Atomics::relaxed);' 'asleep_[w].load(Atomics::relaxed);'

# --- task_idling.hpp ----------------------------------------------------------------------------
mutant hot_path/task_idling.hpp idle_workers 'a search is not ended before a sleep' \
    'void sleep() noexcept {
        end_search();' \
    'void sleep() noexcept {'
mutant hot_path/task_idling.hpp idle_workers 'a search is not ended before a task' \
    'if (!std::exchange(searching_, false)) { return; }
        const auto sleeper = side_.idle().end_search_with_task' \
    'return;
        const auto sleeper = side_.idle().end_search_with_task'
mutant hot_path/task_idling.hpp idle_workers 'who is woken for what more there is, is not rung' \
    'if (sleeper != nobody) { return side_.wake(sleeper); }
        // give_lead()' \
    '// give_lead()'
mutant hot_path/task_idling.hpp idle_workers 'a benched worker ends its search alone' \
    'const auto sleeper = side_.idle().after_publishing();
        if (sleeper != nobody) { side_.wake(sleeper); }' \
    ''
mutant hot_path/task_idling.hpp idle_workers 'a benched worker stays a searcher while it asks for another' \
    'end_search();
        if (!searched && !gave_back) { return; }
        const auto sleeper = side_.idle().after_publishing();' \
    'const auto sleeper = side_.idle().after_publishing(); end_search();
        if (!searched && !gave_back) { return; }'
mutant hot_path/task_idling.hpp idle_workers 'announced before the bell is prepared' \
    'side_.bell().prepare(leads);
        if (leads)' \
    'side_.idle().announce(side_.place()); side_.bell().prepare(leads);
        if (leads)'
mutant hot_path/task_idling.hpp idle_workers 'no last look' \
    'if (side_.has_work() || side_.is_over()' 'if (side_.is_over()'
mutant hot_path/task_idling.hpp idle_workers 'the last look before the announcement' \
    'side_.idle().announce(side_.place());  // [idle-2] is in it: what is published from now on rings
        // [lead-1] Pairs with [lead-2]: a lead that was dropped before its owner could see this sleeper is not left lying.
        if (side_.has_work() ||' \
    'const bool found = side_.has_work();
        side_.idle().announce(side_.place());
        if (found ||'
mutant hot_path/task_idling.hpp idle_workers 'a worker that was claimed does not wait for its ring' \
    '{ return await_ring(); }  // claimed' '{ searching_ = true; return; }  // claimed'
mutant hot_path/task_idling.hpp idle_workers 'one sleep, whether it was rung or not' \
    'while (!side_.bell().is_rung()) { side_.bell().sleep(); }' 'side_.bell().sleep();'
mutant hot_path/task_idling.hpp idle_workers 'a search is not ended before a nap' \
    'if (!side_.idle().begin_nap()) { return false; }
        end_search();' \
    'if (!side_.idle().begin_nap()) { return false; }'
mutant hot_path/task_idling.hpp task_lead 'a leader that finds a task keeps silent about the lead' \
    'if (side_.lead().is_free()) { hand_lead_on(); }' ''
mutant hot_path/task_idling.hpp task_lead '[lead-1] no look at the lead before a sleep' \
    ' || (!leads && side_.lead().is_free())' ''
mutant hot_path/task_idling.hpp task_lead '[lead-2] no fence behind the drop' \
    'side_.idle().fence();  // [lead-2]' ''
mutant hot_path/task_idling.hpp task_lead 'the lead is never dropped' \
    'side_.lead().drop();' ''
mutant hot_path/task_idling.hpp task_lead 'nobody hears of a lead that was dropped' \
    'if (!searching_) { hand_lead_on(); }' ''
mutant hot_path/task_idling.hpp task_lead 'a leader does not look for what its handlers queued' \
    'if (!side_.bell().is_rung() && side_.has_work()) { return wake_by_itself(); }' ''

# --- what a worker does about orders, as the model has it of the worker ----------------------
mutant tests/model/model_pool.hpp idle_workers 'obeys() looks at the bench before the pause alone' \
    '            while (is_ordered(pause) && !is_ordered(leave)) {
                if (task >= 0) { kept.put(static_cast<unsigned>(task)); }
                idling.sleep();
                if (task >= 0) { task = kept.take(); }
            }
            on_bench = is_ordered(bench);
            if (on_bench) { empty_bench(); }' \
    '            on_bench = is_ordered(bench);
            if (on_bench) { empty_bench(); }
            while (is_ordered(pause) && !is_ordered(leave)) {
                if (task >= 0) { kept.put(static_cast<unsigned>(task)); }
                idling.sleep();
                if (task >= 0) { task = kept.take(); }
            }'
mutant tests/model/model_pool.hpp idle_workers 'a benched worker leaves its search to its sleep' \
    'if (on_bench) { empty_bench(); }' ''
mutant tests/model/model_pool.hpp idle_workers 'orders are looked at before the look for a task' \
    'auto task = next();
                if (task < 0) { task = search(); }
                if ((orders.load(rl::mo_relaxed) != 0 || on_bench) && !obeys(task)) { break; }' \
    'auto task = -1;
                if ((orders.load(rl::mo_relaxed) != 0 || on_bench) && !obeys(task)) { break; }
                task = next();
                if (task < 0) { task = search(); }'
mutant tests/model/model_pool.hpp idle_workers 'a benched worker runs what it has found' \
    'if (!is_ordered(bench)) { return task; }' 'return task;'
mutant tests/model/model_pool.hpp idle_workers 'a benched worker runs what it has queued' \
    'task >= 0 && (task = unless_benched(task)) >= 0' 'task >= 0'
mutant tests/model/model_pool.hpp idle_workers 'a benched worker keeps silent about what it gave back' \
    'empty_bench(task >= 0);' 'empty_bench();'
mutant tests/model/model_pool.hpp idle_workers 'the last look does not see an order that has changed' \
    'if (is_ordered(bench) != on_bench) { return true; }' ''
mutant tests/model/model_pool.hpp task_end 'a worker spins on although the pool is joined' \
    'return !pool.the_end.is_joined();' 'return true;'

# --- task_bell.hpp, task_lead.hpp ---------------------------------------------------------------
mutant hot_path/task_bell.hpp idle_workers 'prepare() does not write' \
    'word_.store(sleeping, Atomics::relaxed);' ''
mutant hot_path/task_bell.hpp idle_workers 'ring() does not write' \
    'word_.store(awake, Atomics::release);' ''
mutant hot_path/task_bell.hpp idle_workers 'no wake' \
    'Waiter::wake_one(word_);' ''
mutant hot_path/task_bell.hpp idle_workers 'wake before the word is written' \
    'word_.store(awake, Atomics::release);' 'Waiter::wake_one(word_); word_.store(awake, Atomics::release); return;'
mutant hot_path/task_bell.hpp idle_workers '[bell-1] ring() does not release' \
    'word_.store(awake, Atomics::release);' 'word_.store(awake, Atomics::relaxed);'
mutant hot_path/task_bell.hpp idle_workers '[bell-1] is_rung() does not acquire' \
    'word_.load(Atomics::acquire) == awake' 'word_.load(Atomics::relaxed) == awake'
mutant hot_path/task_bell.hpp task_lead 'ring() does not stop the context' \
    'if (leads) { io_.stop(); }' ''
mutant hot_path/task_bell.hpp task_lead 'ring() stops the context before the word is written' \
    'word_.store(awake, Atomics::release);
        if (leads) { io_.stop(); }' \
    'if (leads) { io_.stop(); }
        word_.store(awake, Atomics::release);'
mutant hot_path/task_bell.hpp task_lead 'ring() of a leader does not wake the futex' \
    'if (leads) { io_.stop(); }' 'if (leads) { io_.stop(); return; }'
mutant hot_path/task_bell.hpp task_lead 'prepare() does not say how it sleeps' \
    'leads_.store(leads ? 1 : 0, Atomics::relaxed);' ''
mutant hot_path/task_bell.hpp task_lead 'may_enter() does not look at the bell behind the restart' \
    'return !is_rung();' 'return true;'
mutant hot_path/task_bell.hpp task_lead 'may_enter() does not restart' \
    'io_.restart();
        return' \
    'return'
mutant hot_path/task_lead.hpp task_lead 'use() is never the first' \
    'used_.exchange(1, Atomics::relaxed) == 0' '(used_.exchange(1, Atomics::relaxed), false)'
mutant hot_path/task_lead.hpp task_lead 'take() looks, then writes' \
    'taken_.exchange(1, Atomics::acquire) == 0' '(taken_.store(1, Atomics::acq_rel), true)'
mutant hot_path/task_lead.hpp task_lead 'take() does not acquire' \
    'taken_.exchange(1, Atomics::acquire)' 'taken_.exchange(1, Atomics::relaxed)'
mutant hot_path/task_lead.hpp task_lead 'drop() does not release' \
    'taken_.store(0, Atomics::release)' 'taken_.store(0, Atomics::relaxed)'

# --- task_end.hpp, tracked_work.hpp -------------------------------------------------------------
mutant hot_path/task_end.hpp task_end '[end-1] falls_asleep() does not release' \
    'awake_.fetch_sub(1, Atomics::release);' 'awake_.fetch_sub(1, Atomics::relaxed);'
mutant hot_path/task_end.hpp task_end '[end-1] is_over() does not acquire' \
    'const auto before = awake_.load(Atomics::acquire);' 'const auto before = awake_.load(Atomics::relaxed);'
mutant hot_path/task_end.hpp task_end 'join() does not release' \
    'joined_.store(is_joined ? 1 : 0, Atomics::release)' 'joined_.store(is_joined ? 1 : 0, Atomics::relaxed)'
mutant hot_path/task_end.hpp task_end 'is_over() does not acquire what who joins has queued' \
    'joined_.load(Atomics::acquire) == 0' 'joined_.load(Atomics::relaxed) == 0'
mutant hot_path/task_end.hpp task_end 'is_over() without a join' \
    'if (joined_.load(Atomics::acquire) == 0 || is_paused()) { return false; }' ''
mutant hot_path/task_end.hpp task_end '[end-2] wakes() does not fence' \
    'Atomics::full_fence(meeting_);  // [end-2]' ''
mutant hot_path/task_end.hpp task_end '[end-2] is_over() does not fence' \
    'Atomics::full_fence(meeting_);
        return' \
    'return'
mutant hot_path/task_end.hpp task_end '[end-2] no second look' \
    'return awake_.load(Atomics::relaxed) == before;' 'return true;'
mutant hot_path/task_end.hpp task_end '[end-2] the second look is for who is awake, not for who was' \
    'return awake_.load(Atomics::relaxed) == before;' 'return awake_.load(Atomics::relaxed) % one_wakes == 0;'
mutant hot_path/task_end.hpp task_end 'who wakes is not counted' \
    'awake_.fetch_add(one_wakes + 1, Atomics::relaxed);' ''
mutant hot_path/task_end.hpp task_end 'over while one is awake' \
    'before % one_wakes != 0 || ' ''
mutant hot_path/task_end.hpp task_end 'over while something is left' \
    ' || !nothing_left()' ''
mutant hot_path/task_idling.hpp task_end 'one that wakes by itself is not counted' \
    'side_.end().wakes();' ''
mutant hot_path/task_idling.hpp task_end 'one that naps is not counted' \
    'side_.bell().prepare(false);
        side_.end().falls_asleep();' \
    'side_.bell().prepare(false);'
mutant hot_path/task_idling.hpp task_end 'nobody looks whether the pool is over' \
    ' || side_.is_over()' ''
mutant tracked_work.hpp task_end '[work-1] ends() does not release' \
    'last ? now - 1 + teller : now - 1, Atomics::release, Atomics::relaxed' 'last ? now - 1 + teller : now - 1, Atomics::relaxed, Atomics::relaxed'
mutant tracked_work.hpp task_end '[work-1] is_none() does not acquire' \
    'count_.load(Atomics::acquire) % teller == 0' 'count_.load(Atomics::relaxed) % teller == 0'
mutant tracked_work.hpp task_end '[work-2] told() does not release' \
    'count_.fetch_sub(teller, Atomics::release)' 'count_.fetch_sub(teller, Atomics::relaxed)'
mutant tracked_work.hpp task_end '[work-2] is_told() does not acquire' \
    'count_.load(Atomics::acquire) < teller' 'count_.load(Atomics::relaxed) < teller'
mutant tracked_work.hpp task_end '[work-2] nobody waits for who tells' \
    'return count_.load(Atomics::acquire) < teller;' 'return true;'
mutant tracked_work.hpp task_end 'the last does not say that it is' \
    '{ return last; }' '{ return false; }'
mutant tracked_work.hpp task_end 'ends() looks, then writes' \
    'if (count_.compare_exchange_weak(now, last ? now - 1 + teller : now - 1, Atomics::release, Atomics::relaxed)) { return last; }' \
    'count_.store(last ? now - 1 + teller : now - 1, Atomics::release); return last;'
