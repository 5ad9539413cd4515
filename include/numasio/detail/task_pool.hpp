// What a node_pool's executors reach of it: the calling worker's own queue, and the way in from other threads.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/idle_workers.hpp>
#include <numasio/detail/pool_task.hpp>
#include <numasio/detail/stealing_deque.hpp>
#include <numasio/detail/tenants.hpp>
#include <numasio/detail/tracked_work.hpp>
#include <numasio/errc.hpp>

#include <boost/asio/execution_context.hpp>

#include <cstdint>

namespace numasio::detail {

/// Workers of one node in one pool.
inline constexpr std::uint32_t most_task_workers = 4096;
using idle_workers = basic_idle_workers<std_atomics, most_task_workers>;
using task_deque = basic_stealing_deque<std_atomics, pool_task, 1024>;

/// For whom a task is.
enum class task_home : std::uint8_t { any, node, worker };
enum class task_class : std::uint8_t { latency, bulk };

/// What an executor carries beside its pool: 8 bytes.
struct task_terms {
    std::uint32_t place = 0;  // of the node, or of the worker, in the pool
    task_home home = task_home::any;
    task_class kind = task_class::latency;
    friend bool operator==(const task_terms&, const task_terms&) noexcept = default;
};

class task_pool;

/// What the thread of a worker has at hand while it runs tasks.
struct task_desk {
    task_pool* pool = nullptr;
    std::uint32_t node = 0;    // places in the pool
    std::uint32_t worker = 0;  // in the pool
    bool alone = false;        // nobody steals here
    bool inline_calls = true;  // not while it runs the timers and sockets of all
    std::uint32_t tasks_until_look = 0;
    std::int64_t slice_end = 0;  // of the task that runs; 0: it has not asked
    task_pool* direct = nullptr; // the pool where its tasks come straight to the queues below; null where somebody observes them
    idle_workers* idle = nullptr;
    task_deque* queues[2] = {};  // of each class
    detail::tenants tenants;     // what lives here
};
/// What a task that asks may take before it should_yield().
inline constexpr std::int64_t task_slice_ns = 100'000;
/// Null outside of workers.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local task_desk* desk_of_this_thread;

/// Threads: any. Lifetime: the pool's.
class task_pool {
public:
    bool runs_here() const noexcept {
        const auto* desk = desk_of_this_thread;
        return desk != nullptr && desk->pool == this;
    }
    /// On a worker of this pool, where a function may be called at once.
    bool may_call_here(const task_terms& terms) const noexcept { return is_home_here(terms) && desk_of_this_thread->inline_calls; }
    /// On a worker that the terms name.
    bool is_home_here(const task_terms& terms) const noexcept {
        const auto* desk = desk_of_this_thread;
        if (desk == nullptr || desk->pool != this) { return false; }
        return terms.home == task_home::any || terms.place == (terms.home == task_home::node ? desk->node : desk->worker);
    }

    /// The task belongs to the pool from now on, also where this throws: it is destroyed then. `refusable`: new work, for which there may be no room.
    /// Fails: throws system_error: errc::pool_full, errc::forked.
    void submit(pool_task* task, const task_terms& terms, bool refusable) {
        auto* desk = desk_of_this_thread;
        const bool here = desk != nullptr && desk->direct == this &&
                          (terms.home == task_home::any || (terms.home == task_home::node && terms.place == desk->node));
        if (!here || !desk->queues[static_cast<int>(terms.kind)]->push(task)) { return submit_elsewhere(task, terms, refusable); }
        if (desk->alone) { return; }
        const auto sleeper = desk->idle->after_publishing_here();
        if (sleeper != idle_workers::nobody) { wake(desk->node, sleeper); }
    }
    /// The same, which answers instead of throwing, and leaves a refused task to the caller.
    [[nodiscard]] error_code try_submit(pool_task* task, const task_terms& terms) noexcept;

    /// The same of a task that somebody waits for; destroyed where it is refused. Fails: throws system_error: errc::pool_full, errc::stopped, errc::forked.
    void submit_waited(pool_task* task, const task_terms& terms);

    void work_begins() noexcept { work_.begins(); }
    void work_ends() noexcept {
        if (work_.ends()) { last_work_ends(); }
    }

    /// By who waits for tasks that are for `awaited`: on a worker of the pool runs one that it finds. Where there is none, and elsewhere, it pauses; after some such laps in a row,
    /// which it counts, it lets others have the processor for a moment, and then sleeps.
    void help(const task_terms& awaited, std::uint32_t& idle_laps) noexcept;
    /// By who waits for a task, without running others: where nobody would run it any more it is destroyed, with all else that is left so.
    void end_what_is_left() noexcept;
    /// In a forked child the workers are not there.
    bool is_forked() const noexcept { return fork_generation() != generation_; }

    /// Where timers, sockets and strands on this pool live.
    boost::asio::execution_context& context() noexcept;
    std::uint32_t workers() const noexcept { return workers_; }

protected:
    task_pool() = default;
    ~task_pool() = default;

    std::uint32_t workers_ = 0;
    const std::uint32_t generation_ = fork_generation();
    basic_tracked_work<std_atomics> work_;  // tracked by executors: join() waits for it

private:
    void submit_elsewhere(pool_task* task, const task_terms& terms, bool refusable);
    void wake(std::uint32_t node, std::uint32_t sleeper) noexcept;
    void last_work_ends() noexcept;
};

}  // namespace numasio::detail
