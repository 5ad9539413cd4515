/* Services that call one another in a circle: worker w, inside a call, calls worker w + 1; the control plane calls worker 0 and delivers.
 * The program's counterparts: port::try_call(), serving_loop, lane::deliver(), bridge_core::stop_workers(). Steps are interleaved, stores
 * not buffered: the fences are the subject of shutdown.pml and sleep_wake.pml, whose handshakes are one step here.
 *
 * A place is taken at submission and comes back when its reply was delivered; who finds none is refused at once. Promises: no deadlock (no
 * invalid end state), every accepted request is answered exactly once, and none waits for ever (answered and ends, with weak fairness).
 * -DWORKERS=2 or 3, -DPLACES=1 or 2 of a lane; -DNO_STOP: nobody ever stops them, else somebody does at any moment, with or without a
 * deadline that passes. -DCELL=n: which cell `answered` watches.
 * Mutants: -DFULL_LANE_WAITS (a call waits for a place), -DREPLY_NEEDS_PLACE (a reply waits for room in the lane back; 2 workers),
 * -DEARLY_PLACE (a place comes back when its request has run), -DONE_LOOK (a producer looks whether it is closed before it publishes and
 * not after), -DEARLY_LEAVE (a worker leaves without a last sweep).
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef PLACES
#define PLACES 1
#endif
#ifndef CALLS
#define CALLS 2                      /* that a service makes inside one of its own, at most */
#endif
#ifndef CELL
#define CELL 0
#endif
#define LANES (WORKERS + 1)          /* lane l: of worker l to the next; the last: of the control plane to worker 0 */
#define CELLS (LANES * PLACES)

mtype = { free, queued, running, done, stopped };
mtype cell[CELLS] = free;
bit due[CELLS];                      /* accepted and not answered */
byte used[LANES];                    /* places */
byte head[LANES], next[LANES], oldest[LANES];   /* cursors: producer, worker, drain */
bit out_of_order[LANES];
bit is_open = 1, closing[WORKERS], aborting;
byte workers_left, all_over;

#define receiver(lane) (lane == WORKERS -> 0 : (lane + 1) % WORKERS)
#define at(lane, cursor) (lane * PLACES + cursor[lane])
#define waits(lane) (cell[at(lane, next)] == queued)
#define lane_to(w) ((w + WORKERS - 1) % WORKERS)
#define has_ended(which) (cell[which] == done || cell[which] == stopped)

#if PLACES == 1
#define step(lane, cursor) skip
#define ended(lane) has_ended(lane)
#define is_due(lane) due[lane]
#else
#define step(lane, cursor) cursor[lane] = 1 - cursor[lane]
#define ended(lane) (has_ended(at(lane, oldest)) || (out_of_order[lane] && (has_ended(2 * lane) || has_ended(2 * lane + 1))))
#define is_due(lane) (due[2 * lane] || due[2 * lane + 1])
#endif
#if WORKERS == 2
#define some_ended (ended(0) || ended(1) || ended(2))
#define some_due (is_due(0) || is_due(1) || is_due(2))
#else
#define some_ended (ended(0) || ended(1) || ended(2) || ended(3))
#define some_due (is_due(0) || is_due(1) || is_due(2) || is_due(3))
#endif

/* port::try_call() by the lane's producer. */
inline call(lane, sent) {
    if
    :: !is_open
    :: is_open ->
        if
#ifndef FULL_LANE_WAITS
        :: used[lane] == PLACES           /* errc::lane_full, at once */
#endif
        :: d_step { used[lane] < PLACES ->
                used[lane]++; sent = at(lane, head); assert(cell[sent] == free && !due[sent]);
                cell[sent] = queued; due[sent] = 1; step(lane, head) };
#ifndef ONE_LOOK
            if
            :: !closing[receiver(lane)] -> sent = 0
            :: d_step { closing[receiver(lane)] -> take_back(lane, sent); sent = 0 }   /* [close-1] */
            fi
#endif
        fi
    fi
}

inline take_back(lane, which) {
    if
    :: cell[which] == queued -> cell[which] = stopped; out_of_order[lane] = 1
    :: else
    fi
}

/* lane::serve(): a batch of a lane. */
inline serve(lane) {
    do
    :: d_step { n < PLACES && waits(lane) && !aborting ->
            mine = at(lane, next); cell[mine] = running; step(lane, next); n++; found = 1 };
        do
        :: calls < CALLS -> calls++; call(me, sent)   /* by the service */
        :: break
        od;
        calls = 0;
#ifdef REPLY_NEEDS_PLACE
        lane == WORKERS || used[me] < PLACES;
#endif
#ifdef EARLY_PLACE
        used[lane]--;
#endif
        d_step { cell[mine] = done; mine = 0 }
    :: d_step { n < PLACES && waits(lane) && aborting ->
            cell[at(lane, next)] = stopped; step(lane, next); n++; found = 1 }
    :: else -> break
    od;
    n = 0
}

active [WORKERS] proctype worker() {
    byte me = _pid, mine, sent, n, calls;
    bit last, found;
end:
    do
    :: waits(lane_to(me)) || (me == 0 && waits(WORKERS)) || closing[me] ->   /* else it sleeps */
        last = closing[me];
#ifdef EARLY_LEAVE
        if :: last -> break :: else fi;
#endif
        serve(lane_to(me));
        if
        :: me == 0 -> serve(WORKERS)
        :: else
        fi;
        if
        :: found -> found = 0
        :: !found && last -> break        /* [close-3] */
        :: else
        fi
    od;
    workers_left++
}

inline answer(which) {
    assert(due[which]); due[which] = 0; cell[which] = free
}

/* A drain: a look at each lane. */
inline deliver() {
    do
    :: d_step { lane < LANES && !out_of_order[lane] && ended(lane) -> which = at(lane, oldest); answer(which); step(lane, oldest)
#ifndef EARLY_PLACE
            ; used[lane]--
#endif
       }
    :: d_step { lane < LANES && out_of_order[lane] && ended(lane) ->   /* no place comes back */
            which = lane * PLACES;
            if
            :: has_ended(which)
            :: else -> which = which + PLACES - 1
            fi;
            answer(which) }
    :: d_step { lane < LANES && !ended(lane) -> lane++ }
    :: d_step { lane == LANES -> lane = 0; which = 0 } -> break
    od
}

/* The control plane's one thread: a call that would be refused changes nothing. */
active proctype control() {
    byte lane, which, sent;
end:
    do
    :: some_ended -> deliver()
    :: is_open && used[WORKERS] < PLACES -> call(WORKERS, sent)
    :: all_over && !some_ended -> break
    od
}

#ifndef NO_STOP
active proctype stop() {
    byte i;
    is_open = 0;
    do
    :: i < WORKERS -> closing[i] = 1; i++   /* [close-2] */
    :: else -> i = 0; break
    od;
    if
    :: workers_left == WORKERS
    :: aborting = 1;                        /* the deadline passes first */
        do
        :: d_step { i < CELLS -> take_back(i / PLACES, i); i++ }
        :: d_step { i == CELLS -> i = 0 } -> break
        od;
        workers_left == WORKERS
    fi;
    !some_due;                              /* the control plane delivers what is left */
    all_over = 1
}
#endif

ltl answered { [] (due[CELL] -> <> !due[CELL]) }
ltl ends { <> all_over }
