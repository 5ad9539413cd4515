// The end of a task pool that is joined: it comes, and not before every task that was there or was promised has run.
#include "tests/model/model_pool.hpp"

#include <numasio/detail/task_inbox.hpp>

namespace numasio::model {
namespace {

/// The node's real inbox: a publisher that stopped half way hides what was added after its task.
class model_inbox {
public:
    void put(unsigned task) { require(box_.push(&tasks_[task]), "there is room"); }
    int take() {
        int taken = -1;
        box_.take(1, [&](const char* one) { taken = static_cast<int>(one - tasks_); });
        return taken;
    }
    bool has_some() const { return box_.has_some(); }
    std::uint32_t size() const { return box_.size(); }

private:
    const char tasks_[4] = {};
    detail::basic_task_inbox<relacy_atomics, const char> box_{4};
};

enum class from { elsewhere, context };

/// A task that comes of tracked work, from another thread or from the context that a sleeping leader runs; it has another in its wake, for the worker or for
/// another one. One joins, and destroys the pool.
template <unsigned Workers, from Source, bool ForAnother>
struct promised : rl::test_suite<promised<Workers, Source, ForAnother>, Workers + 2> {
    enum : int { task_of_work, task_of_task };
    using pool_type = model_pool<promised, Workers>;
    pool_type pool{*this};
    checked_atomic<std::uint32_t> left{0};
    rl::var<int> alive;
    bool ran[2] = {};

    void before() {
        alive(info()).store(1);
        pool.work.begins();
        if (Source == from::context) { pool.use_io(); }
    }
    void thread(unsigned index) {
        if (index < Workers) {
            pool.workers[index]->run();
            left.fetch_add(1, rl::mo_release);
        } else if (index == Workers) {
            pool.join();
            while (left.load(rl::mo_acquire) != Workers) { rl::yield(1, info()); }
            while (!pool.work.is_told()) { rl::yield(1, info()); }
            alive(info()).store(0);
        } else if (Source == from::context) {
            pool.io.post();
        } else {
            pool.place(task_of_work);
            end_work();
        }
    }
    void end_work() {
        pool.work_ends([this] { require(alive(info()).load() == 1, "who ends the work finds the pool"); });
    }
    void event(auto& worker) {
        worker.submit(task_of_work);
        end_work();
    }
    void run(auto& worker, int task) {
        require(!std::exchange(ran[task], true), "a task is run once");
        if (task == task_of_task) { return; }
        ForAnother ? pool.place_at((worker.me + 1) % Workers, task_of_task) : worker.submit(task_of_task);
    }
    void after() {
        require(ran[0] && ran[1], "the pool is over when all has run");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
    }
};

/// Two threads add tasks, of which one joins afterwards: its own has run when that returns.
template <unsigned Workers>
struct queued : rl::test_suite<queued<Workers>, Workers + 2> {
    using pool_type = model_pool<queued, Workers, false, model_inbox>;
    pool_type pool{*this};
    bool ran[2] = {};

    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        pool.place(index - Workers);
        if (index == Workers) { pool.join(); }
    }
    void run(auto&, int task) { require(!std::exchange(ran[task], true), "a task is run once"); }
    void event(auto&) {}
    void after() { require(ran[0], "what was queued before has run when the pool is over"); }
};

/// A worker ends the work in its task, and so is the last that knows of it.
template <unsigned Workers, unsigned Works>
struct ended_by_worker : rl::test_suite<ended_by_worker<Workers, Works>, Workers + 1> {
    using pool_type = model_pool<ended_by_worker, Workers>;
    pool_type pool{*this};
    unsigned ran = 0;

    void before() {
        for (unsigned i = 0; i < Works; ++i) { pool.work.begins(); }
    }
    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        for (unsigned i = 0; i < Works; ++i) { pool.place(i); }
        pool.join();
    }
    void run(auto&, int) {
        ++ran;
        pool.work_ends([] {});
    }
    void event(auto&) {}
    void after() { require(ran == Works, "the pool is over when all has run"); }
};

/// Workers that never sleep by themselves, or are paused while one joins: the pool is over all the same.
template <unsigned Workers, bool Spins>
struct kept_awake : rl::test_suite<kept_awake<Workers, Spins>, Workers + 2> {
    using pool_type = model_pool<kept_awake, Workers>;
    pool_type pool{*this};
    unsigned ran = 0;

    void before() { pool.busy_spins = Spins; }
    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        if (index == Workers) {
            for (unsigned i = 0; i < 2; ++i) { pool.place(i); }
            return pool.join();
        }
        pool.pause_all();
        pool.resume_all();
    }
    void run(auto&, int) { ++ran; }
    void event(auto&) {}
    void after() {
        require(ran == 2, "what was queued before has run when the pool is over");
        require(pool.idle.searching() == 0, "nobody searches when all have left");
    }
};

/// The word alone, between one that falls asleep, joins or wakes, and one that asks whether the pool is over: what the first has queued or taken is not overlooked.
enum class what { queues_and_sleeps, queues_and_joins, wakes_and_takes, takes_and_queues };
template <what First>
struct asked : rl::test_suite<asked<First>, 2> {
    hot_path::basic_task_end<relacy_atomics> end;
    checked_atomic<std::uint32_t> first{0}, second{0};

    void before() {
        end.begin(First == what::queues_and_sleeps ? 1 : 0);
        end.join(First != what::queues_and_joins);
        if (First == what::wakes_and_takes || First == what::takes_and_queues) { second.store(1, rl::mo_relaxed); }
    }
    void thread(unsigned index) {
        if (index == 1) {
            const bool over = end.is_over([this] { return first.load(rl::mo_relaxed) == 0 && second.load(rl::mo_relaxed) == 0; });
            return require(!over, "a pool with a task is not over");
        }
        if (First == what::wakes_and_takes || First == what::takes_and_queues) {
            end.wakes();
            second.store(0, rl::mo_relaxed);
        }
        if (First != what::wakes_and_takes) { first.store(1, rl::mo_relaxed); }
        if (First == what::queues_and_sleeps || First == what::takes_and_queues) { end.falls_asleep(); }
        if (First == what::queues_and_joins) { end.join(true); }
    }
};

/// Who sees the end of the work sees what was done before.
struct seen_work : rl::test_suite<seen_work, 2> {
    detail::basic_tracked_work<relacy_atomics> work;
    rl::var<int> done;

    void before() { work.begins(); }
    void thread(unsigned index) {
        if (index == 0) {
            done(info()).store(1);
            require(work.ends(), "it was the last");
            work.told();
        } else if (work.is_none()) {
            require(done(info()).load() == 1, "what was done before is seen");
        }
    }
};

bool explore_words() {
    return explore_all<asked<what::queues_and_sleeps>>("end, one that falls asleep") && explore_all<asked<what::queues_and_joins>>("end, one that joins") &&
           explore_all<asked<what::wakes_and_takes>>("end, one that wakes") && explore_all<asked<what::takes_and_queues>>("end, one that wakes and sleeps") &&
           explore_all<seen_work>("end of the work");
}

}  // namespace

bool hunt_task_end() {
    return explore_words() && explore_random<ended_by_worker<2, 2>>("end, 2 workers", 20'000) && explore_random<queued<2>>("end, 2 workers, a task hidden by another", 60'000) &&
           explore_random<promised<2, from::elsewhere, false>>("end, 2 workers, work elsewhere", 80'000) &&
           explore_random<promised<2, from::elsewhere, true>>("end, 2 workers, work elsewhere, a task for the other", 80'000) &&
           explore_random<promised<2, from::context, false>>("end, 2 workers, work in the context", 60'000) &&
           explore_random<promised<3, from::elsewhere, true>>("end, 3 workers, work elsewhere", 60'000) &&
           explore_random<kept_awake<2, false>>("end, 2 workers, a pause", 20'000) && explore_random<kept_awake<2, true>>("end, 2 workers that spin, a pause", 20'000) &&
           explore_random<with_naps<promised<2, from::elsewhere, false>>>("end, 2 workers that nap, work elsewhere", 20'000) &&
           explore_random<with_naps<kept_awake<2, false>>>("end, 2 workers that nap, a pause", 20'000);
}

#ifndef NUMASIO_HUNT
bool check_task_end(bool deep) {
    return hunt_task_end() && explore_few<ended_by_worker<1, 1>>("end, one worker", deep ? 3 : 2) &&
           explore_few<queued<1>>("end, one worker, a task hidden by another", deep ? 2 : 1) &&
           explore_few<promised<1, from::elsewhere, false>>("end, one worker, work elsewhere", deep ? 2 : 1) &&
           explore_random<kept_awake<3, false>>("end, 3 workers, a pause", deep ? 1'000'000 : 10'000) &&
           explore_random<promised<3, from::context, true>>("end, 3 workers, work in the context", deep ? 1'000'000 : 10'000) &&
           explore_random<promised<2, from::elsewhere, true>>("end, 2 workers, work elsewhere, a task for the other", deep ? 2'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
