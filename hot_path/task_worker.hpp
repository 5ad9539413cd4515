// A worker of a task pool: runs its own tasks, then its node's, then what it can steal; sleeps where there is nothing.
#pragma once

#include "hot_path/stall_watch.hpp"
#include "hot_path/task_bell.hpp"
#include "hot_path/task_end.hpp"
#include "hot_path/task_idling.hpp"
#include "hot_path/task_lead.hpp"
#include "hot_path/task_node.hpp"
#include "src/thread_keeper.hpp"

#include <numasio/detail/counters.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/placement_book.hpp>
#include <numasio/detail/task_pool.hpp>
#include <numasio/layout.hpp>
#include <numasio/task_status.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace numasio::hot_path {

class task_pool_core;

using task_bell = basic_task_bell<detail::std_atomics, boost::asio::io_context, detail::futex_waiter>;
using task_lead = basic_task_lead<detail::std_atomics>;
using task_end = basic_task_end<detail::std_atomics>;

/// Threads: run() is the worker's own; the members behind it say theirs. Lifetime: the pool's.
class task_worker {
public:
    /// `place` in the pool.
    task_worker(task_pool_core& pool, task_node& node, std::uint32_t place, const worker_site& where, std::pmr::memory_resource& memory);
    ~task_worker();
    task_worker(const task_worker&) = delete;
    task_worker& operator=(const task_worker&) = delete;

    /// Until it is told to leave.
    void run() noexcept;

    /// Inside a task: runs another one, which it finds in its own queue (the newest), in the others', in the node's inbox, or, where it may run those `of_this_worker` alone, in its own inbox.
    /// False: there is none.
    bool help(bool of_this_worker) noexcept;

    // --- any thread -----------------------------------------------------------------------------------
    enum order : std::uint32_t { leave = 1, pause = 2, bench = 4 };
    void give_order(order one) noexcept { orders_.fetch_or(one, std::memory_order_relaxed); }
    void take_back(order one) noexcept { orders_.fetch_and(~std::uint32_t{one}, std::memory_order_relaxed); }
    bool is_told_to_leave() const noexcept { return is_ordered(leave); }
    void ring() noexcept { bell_.ring(); }
    task_intake& own_intake() noexcept { return own_; }
    task_node& node() noexcept { return node_; }
    std::uint32_t place_on_node() const noexcept { return place_ - node_.first; }
    bool has_queued() const noexcept { return queues_[0].size() != 0 || queues_[1].size() != 0 || pinned_.load(std::memory_order_relaxed) != 0; }
    task_worker_status status() const;
    /// A task has thrown. By the worker.
    void count_failure(const std::exception_ptr& thrown) noexcept;

    // --- while no worker runs -------------------------------------------------------------------------
    /// Sorts whom it steals from: those nearest by cache first. `others` on its node.
    void set_victims(std::vector<task_worker*> others) {
        victims_ = std::move(others);
        seen_.resize(victims_.size());
    }
    /// Destroys what was left; returns how much that was.
    std::uint64_t destroy_tasks() noexcept;

    /// Of one that spins: each look takes the cache lines of the queue's owner away.
    static constexpr std::uint32_t laps_per_search = 16;

    const worker_site site;
    detail::placement_book placements;
    platform::kernel_thread thread;               // written before the worker is told to have started
    std::optional<thread_keeper> keeper;          // … too; then by who looks after it
    std::atomic<std::uint64_t> displacements{0};  // by who looks after it
    std::atomic<worker_state> state{worker_state::starting};

    // --- by who looks after it --------------------------------------------------------------------------
    const detail::task_kind* running() const noexcept { return running_.load(std::memory_order_relaxed); }
    std::uint64_t ran() const noexcept { return ran_.get(); }
    stall_watch stalls;

private:
    /// A victim's queue as it was seen with something in it.
    struct sighting {
        std::int64_t since = 0;
        std::uint64_t taken = 0;
        std::uint64_t added = 0;
    };

    friend class task_pool_core;
    friend class task_idling<task_worker>;
    bool is_ordered(order one) const noexcept { return (orders_.load(std::memory_order_relaxed) & one) != 0; }
    struct obeyed {
        bool leaves;
        pool_task* task;  // to run; perhaps another one
    };
    obeyed obeys(pool_task* task) noexcept;
    void keep(pool_task* task) noexcept;
    pool_task* unless_benched(pool_task* task, int kind) noexcept {
        if (!is_ordered(bench)) [[likely]] { return task; }
        give_back(task, kind);
        return nullptr;
    }
    void give_back(pool_task* task, int kind) noexcept;
    pool_task* next() noexcept;
    pool_task* take_own(int kind) noexcept;
    pool_task* take_pinned() noexcept;
    pool_task* take_in(task_intake& from, int kind) noexcept;
    void take_in_last(task_intake& from, int kind) noexcept;
    template <class Keep>
    void take_some(task_intake& from, int kind, Keep&& keep) noexcept;
    std::int64_t look_is_due() noexcept;
    pool_task* look_around() noexcept;
    pool_task* search() noexcept;
    pool_task* steal_from(std::size_t victim) noexcept;
    bool are_soon_run(const detail::task_deque& theirs, std::uint32_t queued, sighting& seen) const noexcept;
    pool_task* steal_abroad() noexcept;
    bool others_have_some() const noexcept;
    template <bool Observed>
    void run_loop() noexcept;
    template <bool Observed>
    void run_task(pool_task* task) noexcept;
    void sleep() noexcept;
    void poll_io(std::int64_t now) noexcept;
    bool spins() noexcept;
    bool naps() noexcept;
    std::uint64_t posted_by_others() const noexcept;
    void empty_bench(bool gave_back = false) noexcept;

    // --- what task_idling asks for ----------------------------------------------------------------------
    detail::idle_workers& idle() noexcept { return node_.idle; }
    task_bell& bell() noexcept { return bell_; }
    task_lead& lead() noexcept;
    task_end& end() noexcept;
    std::uint32_t place() const noexcept { return place_on_node(); }
    bool has_work() noexcept;
    bool is_wanted() const noexcept;
    bool has_more() noexcept;
    bool is_over() noexcept;
    void run_io() noexcept;
    void wake(std::uint32_t sleeper) noexcept;
    void hand_lead_on() noexcept;

    task_pool_core& pool_;
    task_node& node_;
    const std::uint32_t place_;
    const bool newest_first_;
    std::atomic<std::uint32_t> orders_{0};  // read before each task, seldom written
    alignas(64) detail::task_desk desk_;
    task_idling<task_worker> idling_{*this};
    bool on_bench_ = false;  // the order was carried out
    std::uint32_t turn_ = 0;
    std::uint32_t bulk_left_ = 0;      // of the share of class bulk
    std::uint32_t tasks_per_look_ = 64;
    std::int64_t looked_at_ = 0;
    std::int64_t spin_until_ = 0;
    std::uint32_t idle_laps_ = 0;
    std::uint64_t posted_ = 0;           // by others to themselves, when it began to spin or fell asleep
    std::chrono::nanoseconds nap_{0};    // the last one of this spin
    std::vector<std::array<sighting, 2>> seen_;  // of each victim, of each class
    pool_task* pinned_first_ = nullptr;  // taken from own_: nobody else may have them
    pool_task** pinned_end_ = &pinned_first_;
    std::vector<task_worker*> victims_;
    std::atomic<const detail::task_kind*> running_{nullptr};
    std::atomic<std::uint32_t> pinned_{0};
    detail::single_writer_counter ran_, failed_, stolen_, stolen_abroad_, distance_, taken_in_, parks_, searches_, empty_searches_, polls_;
    detail::task_deque queues_[2];
    task_intake own_;
    alignas(64) task_bell bell_;
    mutable std::mutex failure_mutex_;
    std::string first_failure_;
};

}  // namespace numasio::hot_path
