/* Sleep and wake under TSO: every thread's stores go through a buffer that the memory empties when it likes.
 * A fence waits for the own buffer to be empty; an exchange is a fence and a step on memory.
 * The program's counterpart is numasio/detail/parker.hpp with server::idle() of the worker.
 *
 * Producers publish as many items as they like: how many wait in a ring makes no difference to the handshake.
 * No lost wake-up: a consumer that sleeps while an item waits and nobody is left to wake it is an invalid end state;
 * and ltl no_lost_wakeup, under weak fairness.
 * Mutants: -DNO_WAKE_1 and -DNO_WAKE_2 leave out a fence, -DNO_LAST_LOOK the look between announcing and sleeping,
 * -DNO_DOORBELL the wake-up itself.
 */
#ifndef PRODUCERS
#define PRODUCERS 4
#endif

bit ring[PRODUCERS];           /* items wait, in memory */
bit pending[PRODUCERS];        /* an item is still in the producer's store buffer */
bit state;                     /* memory: 1 the consumer has announced its sleep */
chan stores = [2] of { bit };  /* the consumer's store buffer: writes of state */
bit asleep;                    /* in the futex */
byte producing = PRODUCERS;

#if PRODUCERS == 2
#define work (ring[0] || ring[1])
#define no_pending (!pending[0] && !pending[1])
#elif PRODUCERS == 3
#define work (ring[0] || ring[1] || ring[2])
#define no_pending (!pending[0] && !pending[1] && !pending[2])
#else
#define work (ring[0] || ring[1] || ring[2] || ring[3])
#define no_pending (!pending[0] && !pending[1] && !pending[2] && !pending[3])
#endif

active proctype memory() {
end:
    do
    :: atomic { pending[0] -> pending[0] = 0; ring[0] = 1 }
#if PRODUCERS > 1
    :: atomic { pending[1] -> pending[1] = 0; ring[1] = 1 }
#endif
#if PRODUCERS > 2
    :: atomic { pending[2] -> pending[2] = 0; ring[2] = 1 }
#endif
#if PRODUCERS > 3
    :: atomic { pending[3] -> pending[3] = 0; ring[3] = 1 }
#endif
    od
}

active proctype memory_of_consumer() {
end:
    do
    :: stores ? state
    od
}

active [PRODUCERS] proctype producer() {
    byte me = _pid - 2;
    do
    :: d_step { pending[me] == 0 -> pending[me] = 1 };
#ifndef NO_WAKE_2
        pending[me] == 0;                         /* [wake-2] */
#endif
        if
        :: state == 0
        :: state == 1 ->
            if
            :: d_step { pending[me] == 0 && state == 1 -> state = 0 };
#ifndef NO_DOORBELL
                asleep = 0                        /* the doorbell is ours */
#endif
            :: pending[me] == 0 && state == 0
            fi
        fi
    :: break
    od;
    producing--
}

active proctype consumer() {
    byte p;
    bit found;
    do
    ::
        do
        :: d_step { p < PRODUCERS -> found = found || ring[p]; ring[p] = 0; p++ }
        :: d_step { p == PRODUCERS -> p = 0 } -> break
        od;
        if
        :: d_step { found -> found = 0 }
        :: !found ->
            stores ! 1;                           /* announce */
#ifndef NO_WAKE_1
            empty(stores);                        /* [wake-1] */
#endif
#ifndef NO_LAST_LOOK
            do
            :: d_step { p < PRODUCERS -> found = found || ring[p]; p++ }
            :: d_step { p == PRODUCERS -> p = 0 } -> break
            od;
#endif
            if
            :: d_step { found -> found = 0 }
            :: !found ->
                /* The kernel, behind a fence, compares and goes to sleep in one step. */
                if
                :: d_step { empty(stores) && state == 1 -> asleep = 1 };
                    if
                    :: asleep == 0
                    :: producing == 0 && !work && no_pending -> break
                    fi
                :: empty(stores) && state == 0
                fi
            fi;
            stores ! 0                            /* awake */
        fi
    od
}

ltl no_lost_wakeup { [] (ring[0] -> <> !ring[0]) }
