// Who sleeps and who looks for work: no task is left behind by workers that sleep, and none waits for another that could run beside it.
#include "tests/model/model_pool.hpp"

namespace numasio::model {
namespace {

/// The end of a check that knows how many tasks it has: the last has all leave.
template <class Pool>
struct counted {
    std::uint32_t ran = 0, all = 0;

    void count(Pool& pool) {
        if (++ran == all) { pool.order_all(Pool::leave); }
    }
    void event(auto&) {}
};

/// Publishers with tasks for anybody, or for the last worker alone; each task of the first publisher has another in its wake. A task that is left behind is a deadlock.
template <unsigned Workers, unsigned Publishers, unsigned Tasks, bool Pinned, bool Spurious, bool Bench = false>
struct publishing : rl::test_suite<publishing<Workers, Publishers, Tasks, Pinned, Spurious, Bench>, Workers + Publishers + (Bench ? 1 : 0)> {
    using pool_type = model_pool<publishing, Workers, Spurious>;
    counted<pool_type> count;
    pool_type pool{*this};

    void thread(unsigned index) {
        count.all = Publishers * Tasks;
        if (index < Workers) { return pool.workers[index]->run(); }
        if (index == Workers + Publishers) { return pool.bench_one(0); }
        for (unsigned i = 0; i < Tasks; ++i) {
            const auto task = (index - Workers) * Tasks + i;
            Pinned && index == Workers ? pool.place_at(Workers - 1, task) : pool.place(task);
        }
    }
    void run(auto& worker, int) { count.count(worker.pool); }
    void event(auto&) {}
    void after() {
        require(count.ran == count.all, "every task is run");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
    }
};

/// Orders that come and go beside a publisher. Behind an order no task that was published later is begun against it; behind its end none is left behind.
enum class ordered { pause, bench, both };
template <unsigned Workers, ordered What, bool Spins = false>
struct obeyed : rl::test_suite<obeyed<Workers, What, Spins>, Workers + 2> {
    enum : int { before_order, in_order, beside, made_by_in_order, all = made_by_in_order + 1 };
    using pool_type = model_pool<obeyed, Workers>;
    counted<pool_type> count;
    pool_type pool{*this};
    bool is_paused = false, is_benched = false;

    void before() { pool.busy_spins = Spins; }
    void thread(unsigned index) {
        count.all = all;
        if (index < Workers) { return pool.workers[index]->run(); }
        if (index == Workers + 1) { return pool.place(beside); }
        pool.place(before_order);
        if (What != ordered::pause) { pool.bench_one(0); }
        if (What != ordered::bench) { pool.pause_all(); }
        is_paused = What != ordered::bench;
        is_benched = What != ordered::pause;
        pool.place(in_order);
        is_paused = false;
        if (What != ordered::bench) { pool.resume_all(); }
        is_benched = false;
        if (What != ordered::pause) { pool.bench_one(0, false); }
    }
    void run(auto& worker, int task) {
        if (task == in_order) {
            require(!is_paused, "paused, nothing is begun that was posted later");
            require(!is_benched || worker.me != 0, "benched, nothing is begun that was posted to all later");
            worker.submit(made_by_in_order);
        }
        count.count(worker.pool);
    }
    void event(auto&) {}
    void after() {
        require(count.ran == all, "every task is run");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
    }
};

/// A task that posts itself until it has run on the other worker. Who is benched does not begin what it has posted to all later.
struct given_away : rl::test_suite<given_away, 3> {
    using pool_type = model_pool<given_away, 2>;
    pool_type pool{*this};
    bool is_benched = false, is_late = false;

    void thread(unsigned index) {
        if (index < 2) { return pool.workers[index]->run(); }
        pool.place(0);
        pool.bench_one(0);
        is_benched = true;
    }
    void run(auto& worker, int) {
        require(!is_late || worker.me != 0, "benched, nothing is begun that was posted to all later");
        if (is_benched && worker.me != 0) { return pool.order_all(pool_type::leave); }
        is_late = is_benched;
        rl::yield(1, info());
        worker.submit(0);
    }
    void event(auto&) {}
    void after() { require(pool.idle.searching() == 0, "nobody searches when all have left"); }
};

/// Two tasks at a time on two workers, of which one is benched at first: called back, it does not sleep while the second waits.
struct called_back : rl::test_suite<called_back, 3> {
    using pool_type = model_pool<called_back, 2>;
    pool_type pool{*this};
    unsigned began = 0, ended = 0;

    void before() { pool.bench_one(0); }
    void thread(unsigned index) {
        if (index < 2) { return pool.workers[index]->run(); }
        pool.place(0);
        pool.place(1);
        pool.bench_one(0, false);
    }
    void run(auto&, int) {
        ++began;
        while (began != 2) { rl::yield(1, info()); }
        if (++ended == 2) { pool.order_all(pool_type::leave); }
    }
    void event(auto&) {}
    void after() { require(pool.idle.searching() == 0, "nobody searches when all have left"); }
};

/// One of two is benched while both are paused. Whoever leaves a task to it because it has been rung to go on is not left alone with it.
struct resumed : rl::test_suite<resumed, 3> {
    using pool_type = model_pool<resumed, 2>;
    pool_type pool{*this};

    void before() {
        pool.bench_one(0);
        pool.pause_all();
    }
    void thread(unsigned index) {
        if (index < 2) { return pool.workers[index]->run(); }
        pool.resume_all();
        pool.place(0);
    }
    void run(auto& worker, int) {
        require(worker.me != 0, "benched, nothing is begun that was posted to all later");
        pool.order_all(pool_type::leave);
    }
    void event(auto&) {}
    void after() { require(pool.idle.searching() == 0, "nobody searches when all have left"); }
};

/// A task with `Children`, which all run at a time: where there are enough workers, none waits for the end of another.
template <unsigned Workers, unsigned Children>
struct together : rl::test_suite<together<Workers, Children>, Workers + 1> {
    using pool_type = model_pool<together, Workers>;
    pool_type pool{*this};
    unsigned began = 0, ended = 0;

    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        pool.place(0);
    }
    void run(auto& worker, int task) {
        ++began;
        for (unsigned i = 1; task == 0 && i <= Children; ++i) { worker.submit(i); }
        while (began != Children + 1) { rl::yield(1, info()); }
        if (++ended == Children + 1) { pool.order_all(pool_type::leave); }
    }
    void event(auto&) {}
    void after() {
        require(ended == Children + 1, "every task is run");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
    }
};

/// What a worker wrote before it announced itself is seen by who claims it: how to ring it. What that one wrote is seen by who is rung.
struct handed_over : rl::test_suite<handed_over, 2> {
    detail::basic_idle_workers<relacy_atomics, 4> idle;
    model_context io;
    hot_path::basic_task_bell<relacy_atomics, model_context, model_futex<false>> bell{io};
    rl::var<int> how, why;

    void thread(unsigned index) {
        if (index == 0) {
            how(info()).store(7);
            bell.prepare(false);
            idle.announce(0);
            while (!bell.is_rung()) { bell.sleep(); }
            require(why(info()).load() == 8, "who is rung sees what was written before");
            return;
        }
        while (!idle.claim(0)) { rl::yield(1, info()); }
        require(how(info()).load() == 7, "who claims sees what was written before");
        why(info()).store(8);
        bell.ring();
    }
};

/// Who is benched is not woken for what others may run; who leads, only where no other sleeps.
struct whom_to_wake : rl::test_suite<whom_to_wake, 2> {
    detail::basic_idle_workers<relacy_atomics, 4> idle;

    void thread(unsigned index) {
        if (index != 0) { return; }
        idle.set_workers(4);
        for (std::uint32_t worker = 0; worker < 4; ++worker) { idle.announce(worker); }
        idle.bench(0, true);
        idle.set_last_resort(1);
        require(idle.after_publishing() == 2, "one that is not benched, and does not lead");
        require(idle.after_publishing() == idle.nobody, "one searches");
        idle.end_search();
        require(idle.after_publishing() == 3, "another");
        idle.end_search();
        require(idle.after_publishing() == 1, "who leads, where no other sleeps");
        idle.end_search();
        require(idle.after_publishing() == idle.nobody, "nobody but who is benched sleeps");
        require(idle.after_publishing_to(0) == 0, "who is benched is woken for its own tasks");
        idle.end_search();
    }
};

}  // namespace

bool hunt_idle_workers() {
    return explore_random<whom_to_wake>("whom to wake", 10) && explore_random<handed_over>("whom to ring, and how", 2'000) &&
            explore_random<publishing<2, 1, 2, false, false>>("idle workers 2, a publisher", 20'000) &&
           explore_random<publishing<2, 2, 2, false, false>>("idle workers 2, two publishers", 40'000) &&
           explore_random<publishing<3, 2, 1, false, true>>("idle workers 3, bells that return by themselves", 20'000) &&
           explore_random<publishing<2, 2, 2, true, false>>("idle workers 2, tasks for one of them", 40'000) &&
           explore_random<publishing<2, 1, 2, false, false, true>>("idle workers 2, one of them benched", 40'000) &&
           explore_random<together<3, 2>>("idle workers 3, three tasks at a time", 20'000) && explore_random<given_away>("idle workers 2, a task of one that is benched", 20'000) &&
           explore_random<called_back>("idle workers 2, one called back", 40'000) &&
           explore_random<obeyed<2, ordered::bench>>("idle workers 2, one benched and called back", 20'000) &&
           explore_random<obeyed<2, ordered::pause>>("idle workers 2, a pause", 20'000) &&
           explore_random<obeyed<2, ordered::both>>("idle workers 2, a pause of one that is benched for a time", 20'000) &&
           explore_few<resumed>("idle workers 2, one resumed on its bench", 1) &&
           explore_random<with_naps<publishing<2, 2, 2, false, false>>>("idle workers 2 that nap, two publishers", 20'000) &&
           explore_random<with_naps<publishing<3, 2, 2, true, false, true>>>("idle workers 3 that nap, one of them benched", 20'000) &&
           explore_random<with_naps<together<3, 2>>>("idle workers 3 that nap, three tasks at a time", 20'000) &&
           explore_random<with_naps<obeyed<2, ordered::both>>>("idle workers 2 that nap, a pause of one that is benched for a time", 20'000);
}

#ifndef NUMASIO_HUNT
bool check_idle_workers(bool deep) {
    return hunt_idle_workers() && explore_few<publishing<1, 1, 1, false, false>>("idle workers 1, a publisher, a task", deep ? 5 : 3) &&
           explore_few<publishing<2, 1, 1, false, false>>("idle workers 2, a publisher, a task", 2) &&
           explore_few<publishing<2, 1, 1, false, false, true>>("idle workers 2, one of them benched, a task", 1) &&
           explore_random<publishing<3, 2, 3, true, false>>("idle workers 3, two publishers", deep ? 200'000 : 10'000) &&
           explore_random<publishing<3, 2, 3, false, true, true>>("idle workers 3, one of them benched", deep ? 200'000 : 10'000) &&
           explore_random<obeyed<3, ordered::both>>("idle workers 3, a pause of one that is benched for a time", deep ? 200'000 : 10'000) &&
           explore_random<obeyed<2, ordered::both, true>>("idle workers 2 that spin, a pause of one that is benched for a time", deep ? 200'000 : 10'000) &&
           explore_random<together<4, 3>>("idle workers 4, four tasks at a time", deep ? 100'000 : 5'000) &&
           explore_random<with_naps<together<4, 3>>>("idle workers 4 that nap, four tasks at a time", deep ? 100'000 : 5'000);
}
#endif

}  // namespace numasio::model
