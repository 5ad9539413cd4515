/* Shutdown: producers submit while a stop closes the intake, the worker sweeps a last time or never comes back, the
 * drain delivers, and after the cut fails the rest. TSO for what producers and the stop write: memory() empties the buffers.
 * The program's counterparts: port::start(), serving_loop::turn(), bridge_core::stop_workers() and ~bridge_core(),
 * numasio/detail/cell_state.hpp and reply_gate.hpp.
 *
 * Promises: every accepted request ends exactly once, by the drain; it is delivered unless it was in the hands of a worker that was
 * not back at the deadline, whether that comes back later or never: then it may fail; nobody posts after the cut; drains never overlap; everything comes to an end
 * (ends, with fairness; and no invalid end state).
 * -DINTAKE_ONLY leaves the way back out: a request has ended once it has its answer. That allows one producer more.
 * Mutants: -DNO_CLOSE_1 (no fence before the look), -DNO_REVOKE (a producer that sees the closing leaves its request),
 * -DEARLY_LEAVE (the worker leaves without a last sweep), -DNO_LAST_LOOK (a drain leaves without looking again),
 * -DNO_COUNT_IN (the cut does not wait for who posts), -DLATE_CUT_LOOK (the drain asks for the cut after its pass).
 */
#ifndef PRODUCERS
#define PRODUCERS 3
#endif

mtype = { free, queued, running, done, stopped };
mtype cell[PRODUCERS] = free;   /* one request each */
bit in_ring[PRODUCERS];         /* the worker can pop it */
byte buffered[PRODUCERS];       /* the producer's store buffer: 2 state and ring, 1 ring, 0 empty */
bit accepted[PRODUCERS];
bit reply[PRODUCERS];           /* in the reply ring or the list of what was completed elsewhere */
byte ended[PRODUCERS];
bit delivered[PRODUCERS];
bit failed[PRODUCERS];          /* its handler was invoked without a reply */

bit is_open = 1, closing;
byte stop_buffered;             /* the stop's store buffer: 2 is_open and closing, 1 closing */
bit sleeping, asleep;           /* the handshake itself is sleep_wake.pml's subject: here in one step */
bit aborting, worker_left;
bit stuck, late[PRODUCERS];     /* in the hands of a worker that was not back at the deadline */
byte producers_left = PRODUCERS;

bit held, is_cut;
byte posting;
byte operations;                /* the executor's queue */
bit passing;                    /* a drain delivers */
bit executor_gone, all_over;

#define flush_closing (stop_buffered == 0)
#define is_due(p) (accepted[p] && ended[p] == 0)

#if PRODUCERS == 1
#define some_reply reply[0]
#define some_request in_ring[0]
#define some_due is_due(0)
#elif PRODUCERS == 2
#define some_reply (reply[0] || reply[1])
#define some_request (in_ring[0] || in_ring[1])
#define some_due (is_due(0) || is_due(1))
#else
#define some_reply (reply[0] || reply[1] || reply[2])
#define some_request (in_ring[0] || in_ring[1] || in_ring[2])
#define some_due (is_due(0) || is_due(1) || is_due(2))
#endif

/* Invokes the handlers that are left: of what is in no reply list and of what is. */
inline fail_rest() {
    d_step {
        p = 0;
        do
        :: p < PRODUCERS ->
            if
            :: is_due(p) -> ended[p]++; failed[p] = 1; reply[p] = 0
            :: else
            fi;
            p++
        :: else -> break
        od;
        p = 0
    }
}

active proctype memory() {
end:
    do
    :: atomic { buffered[0] == 2 -> cell[0] = queued; buffered[0] = 1 }
    :: atomic { buffered[0] == 1 -> in_ring[0] = 1; buffered[0] = 0 }
#if PRODUCERS > 1
    :: atomic { buffered[1] == 2 -> cell[1] = queued; buffered[1] = 1 }
    :: atomic { buffered[1] == 1 -> in_ring[1] = 1; buffered[1] = 0 }
#endif
#if PRODUCERS > 2
    :: atomic { buffered[2] == 2 -> cell[2] = queued; buffered[2] = 1 }
    :: atomic { buffered[2] == 1 -> in_ring[2] = 1; buffered[2] = 0 }
#endif
    :: atomic { stop_buffered == 2 -> is_open = 0; stop_buffered = 1 }
    :: atomic { stop_buffered == 1 -> closing = 1; stop_buffered = 0 }
    od
}

inline ring() {
    if
    :: d_step { sleeping -> sleeping = 0; asleep = 0 }
    :: !sleeping
    fi
}

/* reply_gate::ready(): `skipped` is the executor's own business. */
inline ready() {
#ifdef INTAKE_ONLY
    skip
#else
#ifndef NO_COUNT_IN
    posting++;                                    /* [cut-1] */
#endif
    if
    :: is_cut
    :: !is_cut ->
        if
        :: d_step { !held -> held = 1 } ->
            d_step { assert(!executor_gone); assert(operations == 0); operations++ }
        :: held
        fi
    fi
#ifndef NO_COUNT_IN
    ; posting--
#endif
#endif
}

/* Inside a step: the same by a worker that comes back late, when the handler may have been destroyed. */
inline finish_late(which) {
    if
    :: ended[which] == 0 -> finish(which)
    :: else -> assert(late[which])
    fi
}

/* Inside a step: the request has its answer, on its way back. */
inline finish(which) {
    assert(!reply[which] && ended[which] == 0);
    reply[which] = 1
}

active [PRODUCERS] proctype producer() {
    byte me = _pid - 1;
    if
    :: !is_open
    :: is_open ->
        d_step { accepted[me] = 1; buffered[me] = 2 }
#ifndef NO_CLOSE_1
        buffered[me] == 0;                        /* the fence in ring() */
#endif
        ring();
        if
        :: !closing
        :: closing ->                             /* [close-1] */
#ifndef NO_REVOKE
            if
            :: d_step { buffered[me] == 0 && cell[me] == queued -> cell[me] = stopped; finish(me) } -> ready()
            :: d_step { buffered[me] == 0 && cell[me] != queued -> skip }
            fi
#else
            skip
#endif
        fi
    fi;
    producers_left--
}

active proctype worker() {
    byte p;
    bit last, found;
    do
    ::
        last = closing;                           /* [close-3]; TSO keeps loads in order */
#ifdef EARLY_LEAVE
        if :: last -> break :: else fi;
#endif
        do
        :: d_step { p < PRODUCERS && in_ring[p] && !aborting && cell[p] == queued ->
                in_ring[p] = 0; found = 1; cell[p] = running; late[p] = stuck };
            if
            :: d_step { cell[p] = done; finish_late(p); p++ }
            :: d_step { stuck = 1; late[p] = 1 };   /* inside the service at the deadline */
                if
                :: goto never_back
                :: d_step { cell[p] = done; finish_late(p); p++ }
                fi
            fi
        :: d_step { p < PRODUCERS && in_ring[p] && aborting && cell[p] == queued ->
                in_ring[p] = 0; found = 1; cell[p] = stopped; late[p] = stuck };
            d_step { finish_late(p); p++ }
        :: d_step { p < PRODUCERS && in_ring[p] && cell[p] == stopped ->   /* somebody else completes it */
                in_ring[p] = 0; found = 1; p++ }
        :: d_step { p < PRODUCERS && !in_ring[p] -> p++ }
        :: d_step { p == PRODUCERS -> p = 0 } -> break
        od;
        if
        :: d_step { found -> found = 0; last = 0 }; ready()
        :: !found && last -> break
        :: !found && !last ->
            sleeping = 1;
            if
            :: some_request || closing -> sleeping = 0
            :: else ->
                if
                :: d_step { sleeping -> asleep = 1 } -> !asleep
                :: !sleeping
                fi
            fi
        fi
    od;
    worker_left = 1;
never_back:
    skip
}

#ifndef INTAKE_ONLY
/* The drain's round(), on the executor's one thread. */
active proctype executor() {
    byte p;
    bit last, found;
end:
    do
    :: d_step { operations > 0 -> operations-- } ->
        do
        ::
#ifndef LATE_CUT_LOOK
            last = is_cut;                        /* [cut-3] */
#endif
            d_step { assert(!passing); passing = 1 };
            d_step {
                do
                :: p < PRODUCERS && reply[p] ->
                    reply[p] = 0; found = 1; ended[p]++; delivered[p] = 1; assert(ended[p] == 1); p++
                :: p < PRODUCERS && !reply[p] -> p++
                :: p == PRODUCERS -> break
                od;
                p = 0; passing = 0
            };
#ifdef LATE_CUT_LOOK
            last = is_cut;
#endif
            if
            :: d_step { found -> found = 0; last = 0 }
            :: !found && last -> fail_rest(); last = 0; break
            :: !found && !last ->
                held = 0;                         /* [drain-2] */
#ifndef NO_LAST_LOOK
                if
                :: is_cut || some_reply ->
                    if
                    :: d_step { !held -> held = 1 }
                    :: held -> break
                    fi
                :: else -> break
                fi
#else
                break
#endif
            fi
        od
    :: all_over && operations == 0 -> break
    od
}
#endif

active proctype bridge() {
    byte p;
    bit found;
    d_step { stop_buffered = 2 };
    flush_closing;                                /* [close-2]: seq_cst store, and the fence in ring() */
    ring();
    if
    :: worker_left
    :: /* the deadline passes first */
        aborting = 1;
        do
        :: d_step { p < PRODUCERS && cell[p] == queued -> cell[p] = stopped; finish(p); found = 1; p++ }
        :: d_step { p < PRODUCERS && cell[p] != queued -> p++ }
        :: d_step { p == PRODUCERS -> p = 0 } -> break
        od;
        if
        :: d_step { found -> found = 0 }; ready()
        :: !found
        fi;
        worker_left || stuck                      /* the grace, or left to itself */
    fi;
    producers_left == 0;                          /* a port is used no longer than its bridge lives */
#ifndef INTAKE_ONLY
    is_cut = 1;                                   /* [cut-2] */
#ifndef NO_COUNT_IN
    posting == 0;
#endif
    if
    :: d_step { !held -> held = 1 } ->
        if
        :: some_reply || some_due -> d_step { assert(operations == 0); operations++ }
        :: else
        fi
    :: held
    fi;
    executor_gone = 1;
    /* The executor runs what it has; then everything has ended. */
    operations == 0;
    do
    :: d_step { p < PRODUCERS && ended[p] == accepted[p] ->
        assert(!accepted[p] || delivered[p] || (late[p] && failed[p])); p++ }
    :: p == PRODUCERS -> break
    od;
#else
    do
    :: d_step { p < PRODUCERS -> assert(reply[p] == accepted[p] || late[p]); p++ }
    :: p == PRODUCERS -> break
    od;
#endif
    all_over = 1
}

ltl ends { <> all_over }
