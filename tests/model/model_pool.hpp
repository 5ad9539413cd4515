// A task pool of a few workers for the model checks: its real words and steps, around queues that are as weak as they may be.
#pragma once

#include "search.hpp"

#include "hot_path/task_bell.hpp"
#include "hot_path/task_end.hpp"
#include "hot_path/task_idling.hpp"
#include "hot_path/task_lead.hpp"

#include <numasio/detail/idle_workers.hpp>
#include <numasio/detail/tracked_work.hpp>

#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/mutex.hpp>

#include <optional>

namespace numasio::model {

/// Stands for asio::io_context, as far as its leader and who rings it use it. One lock, as in Asio's scheduler.
class model_context {
public:
    void post() {
        lock_.lock(info());
        ++events_;
        come_.notify_one(info());
        lock_.unlock(info());
    }
    void stop() {
        lock_.lock(info());
        stopped_ = true;
        come_.notify_all(info());
        lock_.unlock(info());
    }
    void restart() {
        lock_.lock(info());
        stopped_ = false;
        lock_.unlock(info());
    }
    bool stopped() {
        lock_.lock(info());
        const bool is = stopped_;
        lock_.unlock(info());
        return is;
    }
    /// True: an event is the caller's. `blocks`: until one has come, or a stop.
    bool run_one(bool blocks) {
        lock_.lock(info());
        while (blocks && !stopped_ && events_ == 0) { come_.wait(lock_, info()); }
        const bool has = !stopped_ && events_ != 0;
        if (has) { --events_; }
        lock_.unlock(info());
        return has;
    }

private:
    rl::mutex lock_;
    rl::condition_variable come_;
    int events_ = 0;
    bool stopped_ = false;
};

/// A queue of tasks 0 to 31 without an order, that hands each to one.
class model_bag {
public:
    void put(unsigned task) { bits_.fetch_or(1u << task, rl::mo_release); }
    int take() {
        auto now = bits_.load(rl::mo_relaxed);
        while (now != 0) {
            if (bits_.compare_exchange_weak(now, now & (now - 1), rl::mo_acquire, rl::mo_relaxed)) { return __builtin_ctz(now); }
        }
        return -1;
    }
    bool has_some() const { return bits_.load(rl::mo_relaxed) != 0; }
    std::uint32_t size() const { return has_some() ? 1 : 0; }

private:
    checked_atomic<std::uint32_t> bits_{0};
};

/// std::mutex.
class model_mutex {
public:
    void lock() { lock_.lock(info()); }
    void unlock() { lock_.unlock(info()); }

private:
    rl::mutex lock_;
};

/// `Tasks` is the check's: run(worker, task), event(worker).
template <class Tasks, unsigned Workers, bool Spurious = false, class Intake = model_bag>
struct model_pool {
    using atomics = relacy_atomics;
    enum order : std::uint32_t { leave = 1, pause = 2, bench = 4 };
    static constexpr auto nobody = ~std::uint32_t{0};

    /// As task_worker.
    struct worker {
        model_pool& pool;
        const unsigned me;
        hot_path::basic_task_bell<atomics, model_context, model_futex<Spurious>> own_bell{pool.io};
        hot_path::task_idling<worker> idling{*this};
        model_bag queue, own, kept;
        checked_atomic<std::uint32_t> orders{0};
        bool on_bench = false;

        worker(model_pool& p, unsigned place) : pool(p), me(place) {}

        bool is_ordered(order one) const { return (orders.load(rl::mo_relaxed) & one) != 0; }
        void run() {
            for (;;) {
                auto task = next();
                if (task < 0) { task = search(); }
                if ((orders.load(rl::mo_relaxed) != 0 || on_bench) && !obeys(task)) { break; }
                if (task < 0) {
                    if (!spins() && !naps()) { idling.sleep(); }
                    continue;
                }
                idling.found_task();
                pool.tasks.run(*this, task);
            }
            idling.end_search();
        }
        bool obeys(int& task) {
            while (is_ordered(pause) && !is_ordered(leave)) {
                if (task >= 0) { kept.put(static_cast<unsigned>(task)); }
                idling.sleep();
                if (task >= 0) { task = kept.take(); }
            }
            on_bench = is_ordered(bench);
            if (on_bench) { empty_bench(); }
            if (!is_ordered(leave)) { return true; }
            if (task >= 0) { queue.put(static_cast<unsigned>(task)); }
            return false;
        }
        bool spins() const {
            if (!pool.busy_spins) { return false; }
            rl::yield(1, info());
            return !pool.the_end.is_joined();
        }
        bool naps() { return pool.may_nap && rl::rand(2) != 0 && idling.nap({}); }
        int next() {
            if (pool.polls && pool.the_lead.take()) {
                run_io(false);
                idling.give_lead();
            }
            if (auto task = queue.take(); task >= 0 && (task = unless_benched(task)) >= 0) { return task; }
            if (const auto task = own.take(); task >= 0) { return task; }
            return is_ordered(bench) ? -1 : take_in();
        }
        /// One to run, another into the own queue: who looked for it in between has found it in neither.
        int take_in() {
            const auto task = pool.intake.take();
            const auto another = task < 0 || Workers == 1 ? -1 : pool.intake.take();
            if (another >= 0) {
                queue.put(static_cast<unsigned>(another));
                pool.wake(pool.idle.after_publishing());
            }
            return unless_benched(task);
        }
        int unless_benched(int task) {
            if (!is_ordered(bench)) { return task; }
            if (task >= 0) { pool.intake.put(static_cast<unsigned>(task)); }
            empty_bench(task >= 0);
            return -1;
        }
        int search() {
            if (Workers == 1 || is_ordered(bench) || !idling.begin_search()) { return -1; }
            for (unsigned i = 1; i < Workers; ++i) {
                auto& theirs = pool.workers[(me + i) % Workers]->queue;
                const auto task = theirs.take();
                const auto another = task < 0 ? -1 : theirs.take();
                if (another >= 0) { queue.put(static_cast<unsigned>(another)); }
                if (task >= 0) { return unless_benched(task); }
            }
            return -1;
        }
        void empty_bench(bool gave_back = false) {
            for (auto task = queue.take(); task >= 0; task = queue.take(), gave_back = true) { pool.intake.put(static_cast<unsigned>(task)); }
            idling.leave_search(gave_back);
        }

        // what task_idling asks for
        auto& idle() { return pool.idle; }
        auto& bell() { return own_bell; }
        auto& lead() { return pool.the_lead; }
        auto& end() { return pool.the_end; }
        std::uint32_t place() const { return me; }
        bool has_work() {
            if (is_ordered(leave)) { return true; }
            if (is_ordered(pause)) { return false; }
            if (is_ordered(bench) != on_bench) { return true; }
            if (queue.has_some() || kept.has_some() || own.has_some()) { return true; }
            return !on_bench && pool.has_some_of_others(me);
        }
        bool is_wanted() { return orders.load(rl::mo_relaxed) != 0 || queue.has_some() || kept.has_some() || own.has_some() || pool.intake.has_some(); }
        bool has_more() { return queue.has_some() || pool.has_some_of_others(me); }
        bool is_over() { return pool.is_over(); }
        void run_io(bool blocks = true) {
            if (!own_bell.may_enter() && blocks) { return; }
            if (pool.io.run_one(blocks)) { pool.tasks.event(*this); }
        }
        void wake(std::uint32_t sleeper) { pool.wake(sleeper); }
        void hand_lead_on() { pool.wake(pool.idle.claim_any()); }

        /// A task's or an event's own, as task_pool::submit().
        void submit(unsigned task) {
            queue.put(task);
            if (Workers == 1) { return; }  // nobody else is to be told
            pool.wake(pool.idle.after_publishing_here());
        }
    };

    Tasks& tasks;
    model_context io;
    detail::basic_idle_workers<atomics, Workers> idle;
    hot_path::basic_task_lead<atomics> the_lead;
    hot_path::basic_task_end<atomics> the_end;
    detail::basic_tracked_work<atomics> work;
    Intake intake;
    std::optional<worker> workers[Workers];
    bool polls = false, busy_spins = false, may_nap = false;

    explicit model_pool(Tasks& t) : tasks(t) {
        idle.set_workers(Workers);
        the_end.begin(Workers);
        for (unsigned i = 0; i < Workers; ++i) { workers[i].emplace(*this, i); }
    }

    // --- as task_pool_core -------------------------------------------------------------------------
    void wake(std::uint32_t sleeper) {
        if (sleeper == nobody) { return; }
        the_end.wakes();
        workers[sleeper]->own_bell.ring();
    }
    void place(unsigned task) {
        intake.put(task);
        wake(idle.after_publishing());
    }
    void place_at(unsigned at, unsigned task) {
        workers[at]->own.put(task);
        wake(idle.after_publishing_to(at));
    }
    void order_one(unsigned at, order what) {
        workers[at]->orders.fetch_or(what, rl::mo_relaxed);
        wake(idle.after_publishing_to(at));
    }
    void order_all(order what) {
        for (unsigned i = 0; i < Workers; ++i) { order_one(i, what); }
    }
    void take_back_one(unsigned at, order what) {
        workers[at]->orders.fetch_and(~std::uint32_t{what}, rl::mo_relaxed);
        wake(idle.after_publishing_to(at));
    }
    void bench_one(unsigned at, bool is = true) {
        idle.bench(at, is);
        is ? order_one(at, bench) : take_back_one(at, bench);
    }
    void pause_all() {
        the_end.pause(true);
        order_all(pause);
    }
    void resume_all() {
        the_end.pause(false);
        for (unsigned i = 0; i < Workers; ++i) { take_back_one(i, pause); }
    }
    void use_io() {
        if (the_lead.use()) { wake(idle.after_publishing()); }
    }
    void join() {
        the_end.join(true);
        wake(idle.after_publishing());
    }
    template <class Alive>
    void work_ends(Alive&& alive) {
        if (!work.ends()) { return; }
        alive();
        idle.fence();
        if (the_end.is_joined()) { wake(idle.claim_any()); }
        alive();
        work.told();
    }
    bool is_over() {
        if (!the_end.is_over([this] { return work.is_none() && !has_queued(); })) { return false; }
        order_all(leave);
        return true;
    }
    bool has_queued() {
        if (intake.size() != 0) { return true; }
        for (auto& w : workers) {
            if (w->queue.has_some() || w->kept.has_some() || w->own.has_some()) { return true; }
        }
        return false;
    }
    bool has_some_of_others(unsigned me) {
        if (intake.has_some()) { return true; }
        for (unsigned i = 0; i < Workers; ++i) {
            if (i != me && workers[i]->queue.has_some()) { return true; }
        }
        return false;
    }
};

/// The same with workers that may nap before they sleep.
template <class Check>
struct with_naps : Check {
    void before() {
        Check::before();
        this->pool.may_nap = true;
    }
};

}  // namespace numasio::model
