// Who runs a task pool's io_context: while a worker has nothing to do, somebody waits for what comes there, and hears the bell.
#include "tests/model/model_pool.hpp"

namespace numasio::model {
namespace {

/// A context that is used from the start, or from some moment on; what comes there while a long task waits for it, beside a short one. The last worker that has
/// nothing to do waits in the context, or the long task waits for ever. `Polls`: a busy worker looks into the context between its tasks.
/// `Pinned`: the long task is for the first worker alone.
template <unsigned Workers, bool FromTheStart, bool Polls, bool Pinned = false, bool Spurious = false>
struct awaited : rl::test_suite<awaited<Workers, FromTheStart, Polls, Pinned, Spurious>, Workers + 2> {
    enum : int { short_task, long_task, of_event };
    using pool_type = model_pool<awaited, Workers, Spurious>;
    pool_type pool{*this};
    unsigned ran = 0, events = 0;
    bool came = false;

    void before() {
        if (FromTheStart) { pool.use_io(); }
        pool.polls = Polls;
    }
    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        if (index == Workers) {
            pool.place(short_task);
            return Pinned ? pool.place_at(0, long_task) : pool.place(long_task);
        }
        pool.use_io();
        pool.io.post();
    }
    void event(auto& worker) {
        ++events;
        worker.submit(of_event);
    }
    void run(auto&, int task) {
        if (task == of_event) { came = true; }
        while (task == long_task && !came) { rl::yield(1, info()); }
        if (++ran == 3) { pool.order_all(pool_type::leave); }
    }
    void after() {
        require(ran == 3 && events == 1, "every task is run");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
        require(pool.the_lead.is_free(), "nobody has the lead when all have left");
    }
};

/// One worker, which leads: it is rung for tasks, and runs those that its handlers queue.
template <unsigned Tasks, unsigned Events>
struct rung_leader : rl::test_suite<rung_leader<Tasks, Events>, 3> {
    using pool_type = model_pool<rung_leader, 1>;
    pool_type pool{*this};
    unsigned ran = 0, events = 0;

    void before() { pool.use_io(); }
    void thread(unsigned index) {
        if (index == 0) { return pool.workers[0]->run(); }
        for (unsigned i = 0; index == 1 && i < Tasks; ++i) { pool.place(i); }
        for (unsigned i = 0; index == 2 && i < Events; ++i) { pool.io.post(); }
    }
    void event(auto& worker) { worker.submit(Tasks + events++); }
    void run(auto&, int) {
        if (++ran == Tasks + Events) { pool.order_all(pool_type::leave); }
    }
    void after() { require(ran == Tasks + Events && events == Events, "every task and every event is seen to"); }
};

/// Who is claimed without a task to find hears the bell in the context all the same, and may be claimed again.
struct rung_for_nothing : rl::test_suite<rung_for_nothing, 2> {
    using pool_type = model_pool<rung_for_nothing, 1>;
    pool_type pool{*this};

    void before() { pool.use_io(); }
    void thread(unsigned index) {
        if (index == 0) { return pool.workers[0]->run(); }
        pool.wake(pool.idle.claim_any());
        pool.order_all(pool_type::leave);
    }
    void event(auto&) {}
    void run(auto&, int) {}
    void after() { require(pool.idle.searching() == 0, "nobody searches when all have left"); }
};

/// A ring that was on its way when its leader had gone on stops the context of the next: what comes then is seen to all the same.
struct late_stop : rl::test_suite<late_stop, 2> {
    using pool_type = model_pool<late_stop, 1>;
    pool_type pool{*this};

    void before() { pool.use_io(); }
    void thread(unsigned index) {
        if (index == 0) { return pool.workers[0]->run(); }
        while (!pool.idle.is_asleep(0)) { rl::yield(1, info()); }
        pool.io.stop();
        pool.io.post();
    }
    void event(auto& worker) { worker.submit(0); }
    void run(auto&, int) { pool.order_all(pool_type::leave); }
};

/// One at a time, and each sees what the last one did.
struct leading : rl::test_suite<leading, 2> {
    hot_path::basic_task_lead<relacy_atomics> lead;
    rl::var<int> turns;

    void before() {
        require(lead.use() && !lead.use(), "the first use is told");
        turns(info()).store(0);
    }
    void thread(unsigned) {
        for (int i = 0; i < 2; ++i) {
            if (!lead.take()) { continue; }
            turns(info()).store(turns(info()).load() + 1);
            lead.drop();
        }
    }
};

}  // namespace

bool hunt_task_lead() {
    return explore_random<rung_for_nothing>("lead, a ring for nothing", 20'000) &&
           explore_random<leading>("lead, two in turn", 2'000) && explore_random<late_stop>("lead, a late stop", 5'000) &&
           explore_few<rung_leader<1, 1>>("lead, one worker, an event", 1) && explore_random<rung_leader<1, 2>>("lead, one worker, two events", 60'000) &&
           explore_random<rung_leader<2, 2>>("lead, one worker", 20'000) && explore_random<awaited<2, true, false>>("lead, 2 workers", 60'000) &&
           explore_random<awaited<2, false, false>>("lead, 2 workers, a first use", 60'000) &&
           explore_random<awaited<2, true, true>>("lead, 2 workers that poll", 60'000) &&
           explore_random<awaited<2, true, true, true>>("lead, 2 workers that poll, a task for one of them", 60'000) &&
           explore_random<awaited<3, true, false>>("lead, 3 workers", 60'000) &&
           explore_random<with_naps<awaited<3, true, false>>>("lead, 3 workers that nap", 20'000) &&
           explore_random<with_naps<awaited<2, false, true, true>>>("lead, 2 workers that nap and poll, a task for one of them, a first use", 20'000);
}

#ifndef NUMASIO_HUNT
bool check_task_lead(bool deep) {
    return hunt_task_lead() && explore_few<rung_for_nothing>("lead, a ring for nothing", deep ? 4 : 3) && (!deep || explore_few<rung_leader<1, 1>>("lead, one worker, an event", 2)) &&
           (!deep || explore_few<awaited<2, true, false>>("lead, 2 workers", 1)) &&
           explore_random<awaited<3, false, true>>("lead, 3 workers that poll, a first use", deep ? 1'000'000 : 10'000) &&
           explore_random<awaited<3, true, true, true, true>>("lead, 3 workers, bells that return by themselves", deep ? 1'000'000 : 10'000);
}
#endif

}  // namespace numasio::model
