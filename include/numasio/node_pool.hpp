// A pool of pinned workers that runs tasks, by Asio executors, on the node that each was given to.
#pragma once

#include <numasio/detail/task_executor.hpp>
#include <numasio/hash.hpp>
#include <numasio/ids.hpp>
#include <numasio/layout.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>
#include <numasio/task_observer.hpp>
#include <numasio/task_status.hpp>
#include <numasio/topology.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace numasio {

struct device_info;

namespace hot_path {
class task_pool_core;
}

/// Workers, each pinned to a CPU and with its memory on that CPU's node, that run whatever Asio runs: post(), defer(), dispatch(), co_spawn(), strands, timers,
/// sockets, any_io_executor. An idle worker takes tasks of its node's others, nearest cache first; of other nodes' only where the plan says so (task_plan::steal).
/// Timers and sockets have no thread of their own: an idle worker waits for them, a busy one looks at them between tasks, every 100 us or, where
/// a task takes longer, after each.
/// Thread safety: distinct objects safe; shared objects safe, but for the destructor.
class node_pool {
public:
    /// An Asio executor of 16 bytes. Lifetime: the pool's. What post() and defer() are given from outside is refused where there is no room (errc::pool_full), or the pool has stopped. What
    /// Asio could not bear to see refused never is: all that has an executor of its own (co_spawn(), bind_executor(), use_future), strands, execute(), and all that comes through any_io_executor. Bound such work yourself, or use try_post().
    using executor_type = detail::task_executor<std::allocator<void>, 0>;

    /// Pins the workers, sets their memory policies, reads both back, and runs. `sites`: all of this pool's, make_layout(plan, machine).workers_of(name), or a program's own. What of `asked.tasks` is out of its range
    /// (numasio/plan_limits.hpp) counts as the nearest in it.
    /// Threads: any. Blocks: until every worker runs. Cost: a thread for each. Fails: throws boost::system::system_error as bridge::start() does: under
    /// strict enforcement naming worker, call and errno; errc::not_this_machine; errc::thread_refused; what hooks.starts throws; std::invalid_argument where the sites are not this pool's. Nothing is left behind then.
    /// The workers block the signals that are sent to the process, as bridge::start() says, and so does what they start, where it does not say otherwise.
    node_pool(pool_plan asked, const topology& machine, std::vector<worker_site> sites, pool_hooks hooks = {});
    /// stop() and join(). Tasks that were not run are destroyed, and so is what waits for timers and sockets, uninvoked.
    /// On a worker of this pool the program ends (std::terminate()). In a forked child it leaves everything as it is.
    ~node_pool();
    node_pool(const node_pool&) = delete;
    node_pool& operator=(const node_pool&) = delete;

    // --- executors: cheap values; Threads: any. Blocks: never. Fails: never ------------------------------
    /// On any worker: the caller's own where it is one, else the nodes in turn.
    executor_type get_executor() const noexcept { return {*pool_, {}}; }
    executor_type executor() const noexcept { return get_executor(); }
    /// On the workers of one node. Fails: throws system_error(errc::no_worker) where the pool has none there.
    executor_type on(node_id node) const;
    /// On one worker, 0 … workers()-1: such tasks are never stolen. Fails: throws system_error(errc::no_worker).
    executor_type on(std::uint32_t worker) const;
    /// On the worker that a key belongs to: the same for equal keys, for the life of the pool, whatever resize() does. What is to be done with one key's state,
    /// done here, needs no lock.
    template <class Key>
    executor_type home_of(const Key& key) const noexcept {
        return on_worker(scale_hash(hash_key(key), workers()));
    }
    /// The worker that calls; elsewhere the workers of the node on which the caller runs at this moment, or any where the pool has none there.
    executor_type here() const noexcept;
    /// On the workers of the node that is nearest to `node`, of those that the pool has.
    executor_type nearest(node_id node) const noexcept;
    /// To a device's node (discover_devices()); where it is on several, to the nearest of them, and any where nobody knows its node, or it has none.
    executor_type nearest(const device_info& device) const noexcept;
    /// The same executor for tasks of class bulk: while others wait, a worker runs task_plan::bulk_weight of them for 64 others. What is for one worker alone (on(worker), home_of()) has
    /// no class: first come, first served.
    static executor_type bulk(const executor_type& of) noexcept {
        auto terms = of.terms();
        terms.kind = detail::task_class::bulk;
        return of.with(terms);
    }

    /// Runs `f` there, or says why not; what was passed as an lvalue is copied, and can be tried again. Threads: any. Blocks: never. Cost: as execute().
    /// Fails: errc::pool_full, stopped, forked; throws std::bad_alloc, and what copying or moving `f` throws.
    template <class F>
    [[nodiscard]] error_code try_post(const executor_type& where, F&& f) {
        auto* const task = detail::make_task<std::decay_t<F>>(std::forward<F>(f), std::allocator<void>());
        const auto refused = where.pool().try_submit(task, where.terms());
        if (refused) { task->kind->end(task, false); }
        return refused;
    }

    // --- its life ---------------------------------------------------------------------------------------
    /// No task is begun any more, but by those that wait for tasks (task_group); those that run end. New work is refused with errc::stopped; what cannot be refused (see executor_type) is
    /// destroyed, uncalled: by join(), stop(deadline) or the destructor. Threads: any, also its workers; any number of times. Blocks: never.
    void stop() noexcept;
    /// Waits until all work is done, or stop() was called, and the workers have ended: no tasks, and nothing that executors track (timers, sockets, coroutines).
    /// From then on the pool has stopped. Threads: any but the pool's workers. Blocks: so long. While the pool is paused nothing is done.
    /// Fails: throws system_error(errc::may_not_block) on a worker of this pool.
    void join();
    /// The same until a deadline, then stop(); what was left unrun is destroyed, on this thread. How many tasks that were, and how much work
    /// executors track still: of what waits for timers and sockets, which is destroyed with the pool. Blocks: until the deadline, and for the tasks that run then, with
    /// those that they wait for. Fails: as join().
    std::uint64_t stop(std::chrono::nanoseconds deadline);
    /// Workers begin no task until resume(); timers expire meanwhile, and what they post waits. Threads: any. Blocks: never.
    void pause() noexcept;
    void resume() noexcept;
    /// So many workers of each node take part, 1 … as many as the plan has; the others sleep, and run only tasks that are for them alone (on(worker), home_of()).
    /// Threads: any. Blocks: never. 0 counts as 1.
    void resize(std::uint32_t workers_per_node) noexcept;
    /// task_plan::bulk_weight from now on, 1 … 64 (what is beyond counts as the nearest). Threads: any. Blocks: never.
    void set_bulk_weight(std::uint32_t weight) noexcept;
    /// As boost::asio::execution_context::notify_fork(). In the child the workers are not there: new work is refused with errc::forked.
    void notify_fork(boost::asio::execution_context::fork_event event);

    // --- how it is: Threads: any. Blocks: for locks that no task holds. Cost: copies ---------------------
    std::uint32_t workers() const noexcept { return pool_->workers(); }
    const std::vector<worker_site>& sites() const noexcept;
    /// Is the calling thread one of its workers?
    bool runs_here() const noexcept { return pool_->runs_here(); }
    task_pool_status status() const;
    std::vector<placement> placements() const;
    /// Looks whether each worker is still on its CPU, and puts it back; calls `tell` with what changed. A bridge's pools are looked after by the bridge.
    /// Threads: one at a time. Blocks: a system call for each worker.
    void look_after(const std::function<void(const placement&)>& tell);
    /// The part of look_after() that on_stall() is about. How soon to look again: a quarter of the limit, a millisecond at least; the longest time there is where nobody wants to be told.
    /// Threads: one at a time, and not beside look_after(). Blocks: for locks; while `told` is called.
    std::chrono::nanoseconds look_for_stalls();
    /// `told` hears of each task in which a worker has been for `limit` or longer, once, and of one in a second at most; the later ones when that second is over, where they still
    /// last. look_after() and look_for_stalls() find them, and call it: from a bridge's own thread, so often that it comes before twice the limit. The task goes on. An empty function ends it.
    /// No signal is sent, unless `trace_signal` names one that nobody else uses, SIGRTMIN + 3, say: then the worker writes its stack down in that signal's handler, which stays for the
    /// life of the process, and a system call that it is in may return EINTR. It has 100 ms to answer.
    /// Threads: any, also `told`; the last one given counts, and the one before is not called any more. Blocks: for a call of that one. Fails: throws system_error: EINVAL for every signal that is not a real-time one (SIGRTMIN + n), EBUSY where the program handles or ignores it.
    void on_stall(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal = std::nullopt);

private:
    executor_type on_worker(std::uint32_t worker) const noexcept {
        return {*pool_, {worker, detail::task_home::worker, detail::task_class::latency}};
    }

    executor_type nearest_to(std::span<const node_id> nodes) const noexcept;

    std::unique_ptr<hot_path::task_pool_core> core_;
    detail::task_pool* pool_;  // the same
};

}  // namespace numasio
