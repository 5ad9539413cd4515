// The context's work: held whenever a call has returned and its reply is due, ended when all is delivered, never both at once.
#include "search.hpp"

#include <numasio/detail/parker.hpp>
#include <numasio/detail/work_hold.hpp>

namespace numasio::model {
namespace {

/// A producer as port::start(), a worker that answers, drains one after the other as worker_core::drain(). `work` is what the context counts:
/// it must be there whenever a call has returned and its reply was not delivered.
template <std::uint32_t Requests>
struct held_work : rl::test_suite<held_work<Requests>, 2> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_work_hold<relacy_atomics> hold;
    model_ring<Requests> replies;
    checked_atomic<std::uint32_t> accepted{0}, delivered{0};
    checked_atomic<std::uint32_t> work{0};
    rl::var<std::uint32_t> storage;  // of what begin() makes and end() destroys: ordered by the protocol alone

    struct lane_side {
        held_work& t;
        void begin() {
            require(t.work.fetch_add(1, rl::mo_relaxed) == 0, "work is begun once");
            t.storage(info()).store(1);
        }
        void end() {
            require(t.storage(info()).load() == 1, "what is ended was begun");
            t.storage(info()).store(0);
            require(t.work.fetch_sub(1, rl::mo_relaxed) == 1, "work is ended once");
        }
        bool due() { return t.accepted.load(rl::mo_relaxed) != t.delivered.load(rl::mo_relaxed); }
        void fence() { t.bell.fence(); }
    };

    void before() { storage(info()).store(0); }

    void thread(unsigned index) {
        if (index == 0) { produce(); }
        else { drain(); }
    }

    void produce() {
        for (std::uint32_t i = 0; i < Requests; ++i) {
            calling = true;
            accepted.store(i + 1, rl::mo_relaxed);
            replies.push(i);  // the worker is as fast as can be
            bell.fence();     // of announce()
            hold.take(lane_side{*this});
            calling = false;
            // The newest values: what the context itself would see. Delivered is as good as held, and a drain that runs is work too.
            require(work.newest() == 1 || delivered.newest() == i + 1 || draining, "the work is held when the call returns");
        }
    }

    void drain() {
        std::uint32_t n = 0;
        for (std::uint32_t reply = 0; n < Requests;) {
            const auto before = n;
            while (replies.pop(reply)) { delivered.store(++n, rl::mo_relaxed); }
            if (n == before) {
                rl::yield(1, info());
                continue;
            }
            draining = true;
            if (accepted.load(rl::mo_relaxed) == n) { hold.release(lane_side{*this}); }
            draining = false;
            require(work.newest() == 1 || accepted.newest() == n || calling, "a drain leaves with the work held, or nothing due");
        }
    }

    void after() { require(work.newest() == 0, "when all is delivered the work is ended"); }

    // Seen by both threads at once, as the context sees them: not part of the protocol.
    bool calling = false;
    bool draining = false;
};

/// A batch that is sent late, beside a drain that lets in a call which has waited for a place, in the producer's stead.
struct held_by_two : rl::test_suite<held_by_two, 2> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_work_hold<relacy_atomics> hold;
    checked_atomic<std::uint32_t> accepted{0}, replied{0}, delivered{0};
    checked_atomic<std::uint32_t> work{0};

    struct lane_side {
        held_by_two& t;
        void begin() { require(t.work.fetch_add(1, rl::mo_relaxed) == 0, "work is begun once"); }
        void end() { require(t.work.fetch_sub(1, rl::mo_relaxed) == 1, "work is ended once"); }
        bool due() { return t.accepted.load(rl::mo_relaxed) != t.delivered.load(rl::mo_relaxed); }
        void fence() { t.bell.fence(); }
    };

    void thread(unsigned index) {
        if (index == 0) { return accept(0); }
        drain(1);
        accept(1);
        drain(2);
    }
    void accept(unsigned me) {
        busy[me] = true;
        accepted.fetch_add(1, rl::mo_relaxed);
        replied.fetch_add(1, rl::mo_release);
        bell.fence();
        hold.take(lane_side{*this});
        leave(me);
    }
    void drain(std::uint32_t n) {
        while (replied.load(rl::mo_acquire) < n) { rl::yield(1, info()); }
        busy[1] = true;
        delivered.store(n, rl::mo_relaxed);
        if (accepted.load(rl::mo_relaxed) == n) { hold.release(lane_side{*this}); }
        leave(1);
    }
    void leave(unsigned me) {
        busy[me] = false;
        require(work.newest() == 1 || accepted.newest() == delivered.newest() || busy[1 - me], "a request is due and no work is held");
    }
    void after() { require(work.newest() == 0, "when all is delivered the work is ended"); }

    bool busy[2] = {false, false};
};

}  // namespace

bool hunt_work_hold() {
    return explore_random<held_by_two>("work hold, two producers", 50'000) && explore_random<held_work<1>>("work hold 1", 20'000) && explore_random<held_work<2>>("work hold 2", 50'000) &&
           explore_random<held_work<3>>("work hold 3", 50'000);
}

#ifndef NUMASIO_HUNT
bool check_work_hold(bool deep) {
    return hunt_work_hold() && explore_few<held_by_two>("work hold, two producers", deep ? 6 : 4) && explore_few<held_work<1>>("work hold 1", deep ? 6 : 4) &&
           explore_few<held_work<2>>("work hold 2", deep ? 4 : 3) &&
           explore_random<held_work<4>>("work hold 4", deep ? 3'000'000 : 50'000);
}
#endif

}  // namespace numasio::model
