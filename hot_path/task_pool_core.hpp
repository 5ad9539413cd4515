// A task pool: its workers from start to end, its io_context, who leads it, and when it is over.
#pragma once

#include "hot_path/stall_teller.hpp"
#include "hot_path/task_node.hpp"
#include "hot_path/task_worker.hpp"
#include "src/region_keeper.hpp"

#include <numasio/detail/task_pool.hpp>
#include <numasio/node_region.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>
#include <numasio/task_observer.hpp>
#include <numasio/task_status.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::hot_path {

inline task_event event_of(const pool_task* task) noexcept { return {task, task->kind->name, task->kind->function}; }

/// Timers and sockets that end with the pool may be in tasks that end before: between the two steps of a context's end.
class task_pool_context final : public boost::asio::io_context {
public:
    /// What waits is destroyed; timers and sockets themselves may still be. Any number of times.
    void destroy_operations() noexcept { shutdown(); }
};

/// Ends an object whose memory is of something else.
struct in_place {
    template <class T>
    void operator()(T* object) const noexcept { std::destroy_at(object); }
};

/// A worker's own memory, on its node: itself and its queues; and with the first of a node, what its workers share.
struct task_room {
    task_room(node_region where, placement as) : region(std::move(where)), memory(region.data().data(), region.data().size(), std::pmr::null_memory_resource()), placed(std::move(as)) {}

    template <class T, class... Args>
    std::unique_ptr<T, in_place> make(Args&&... args) {
        return std::unique_ptr<T, in_place>(new (memory.allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)..., memory));
    }

    const node_region region;
    std::pmr::monotonic_buffer_resource memory;
    const placement placed;               // as it was settled
    std::optional<region_keeper> keeper;  // where the kernel took the policy
};

/// Threads: start() and the destructor by one; the rest says. Lifetime: executors, timers and sockets of the pool are gone before it.
class task_pool_core final : public detail::task_pool {
public:
    /// Nothing runs yet. `sites` are sorted by node. Fails: std::bad_alloc; std::length_error; and as node_pool's constructor where the memory of its queues is not to be had.
    task_pool_core(pool_plan asked, const topology& machine, std::vector<worker_site> sites, pool_hooks hooks);
    ~task_pool_core();
    task_pool_core(const task_pool_core&) = delete;
    task_pool_core& operator=(const task_pool_core&) = delete;

    /// As node_pool's constructor.
    void start();

    // --- any thread -----------------------------------------------------------------------------------
    void stop() noexcept;
    void join();
    bool join_until(std::chrono::steady_clock::time_point deadline);
    std::uint64_t stop_in(std::chrono::nanoseconds wait);
    void pause() noexcept;
    void resume() noexcept;
    void resize(std::uint32_t workers_per_node) noexcept;
    void notify_fork(boost::asio::execution_context::fork_event event) { io_->notify_fork(event); }
    task_pool_status status() const;
    std::vector<placement> placements() const;
    void look_after(const std::function<void(const placement&)>& tell);
    std::chrono::nanoseconds look_for_stalls();
    stall_teller stalls;
    void set_bulk_weight(std::uint32_t weight) noexcept { bulk_weight_.store(std::clamp<std::uint32_t>(weight, 1, 64), std::memory_order_relaxed); }

    /// Its workers have left; what is submitted from now on is destroyed with the pool.
    bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire) == workers_; }

    const topology& machine() const noexcept { return machine_; }
    const pool_plan& plan() const noexcept { return plan_; }
    const std::vector<worker_site>& sites() const noexcept { return sites_; }
    std::uint32_t nodes() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }
    const task_node& node(std::uint32_t place) const noexcept { return *nodes_[place]; }

    // --- its workers ----------------------------------------------------------------------------------
    const task_plan& asked() const noexcept { return plan_.tasks; }
    const idle_plan& idle() const noexcept { return plan_.idle; }
    std::uint32_t capacity() const noexcept { return capacity_; }
    std::uint32_t bulk_weight() const noexcept { return bulk_weight_.load(std::memory_order_relaxed); }
    task_observer* observer() const noexcept { return hooks_.observer; }
    boost::asio::io_context& io() noexcept { return *io_; }
    task_worker& worker(std::uint32_t place) noexcept { return *workers_of_[place]; }
    std::uint32_t place_of(const task_node& node) const noexcept;
    struct other_node {
        task_node* node;
        std::uint32_t distance;
    };
    /// The nearest first.
    const std::vector<other_node>& nodes_to_steal_from(const task_node& thief) const noexcept { return abroad_[place_of(thief)]; }
    std::uint32_t backlog_of(const task_node& node) const noexcept;

    void tell_abroad(task_node& node) noexcept;
    /// Rings one that was claimed.
    void wake(task_node& node, std::uint32_t sleeper) noexcept {
        end_.wakes();
        workers_of_[node.first + sleeper]->ring();
    }
    task_end& end() noexcept { return end_; }
    /// By one that has announced its sleep: is everybody asleep, and nothing left for who joins? Then all leave.
    bool is_over() noexcept;

    /// Who has it runs the io_context.
    task_lead& lead() noexcept { return lead_; }
    /// Behind a full fence. Rings a sleeper, which takes the lead; one of the node `from` if there is one.
    void hand_lead_on(task_node& from) noexcept;
    bool io_is_due(std::int64_t now) const noexcept {
        return lead_.is_used() && now - polled_at_.load(std::memory_order_relaxed) > 100'000;
    }
    /// By who has the lead. `blocks`: until something has come, or the worker's bell.
    void run_io(task_worker& leader, bool blocks) noexcept;

private:
    friend class detail::task_pool;
    void submit_from(pool_task* task, const detail::task_terms& terms, bool refusable);
    error_code place(pool_task* task, const detail::task_terms& terms, bool refusable) noexcept;
    error_code place_observed(pool_task* task, const detail::task_terms& terms, bool refusable) noexcept;
    void end_late() noexcept;
    void tell_node(task_node& node) noexcept;
    void order_all(task_worker::order one) noexcept;
    void must_not_be_on_a_worker(const char* what) const;
    void run_worker(task_worker& worker) noexcept;
    void settle(task_worker& worker);
    void end_start();
    std::unique_ptr<task_room> make_room(const worker_site& site, bool is_first) const;
    bool has_queued() const noexcept;
    void destroy_tasks() noexcept;
    void destroy_left_behind() noexcept;
    std::uint64_t destroy_in(task_node& node) noexcept;
    void wait_until_settled();

    const pool_plan plan_;
    const topology machine_;
    const std::vector<worker_site> sites_;
    const std::uint32_t capacity_;
    const pool_hooks hooks_;
    std::atomic<std::uint32_t> bulk_weight_;

    std::unique_ptr<task_pool_context> io_;  // ends before the rest: what waits there holds executors
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> io_work_;
    std::vector<std::unique_ptr<task_room>> rooms_;  // of each worker
    std::vector<std::unique_ptr<task_node, in_place>> nodes_;
    std::vector<std::unique_ptr<task_worker, in_place>> workers_of_;
    std::vector<std::vector<other_node>> abroad_;  // by place of node

    task_end end_;
    std::atomic<bool> closed_{false};
    task_lead lead_;
    std::atomic<std::int64_t> polled_at_{0};
    alignas(64) std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint32_t> next_node_{0};
    std::atomic<std::uint64_t> abandoned_{0};

    std::atomic<std::uint32_t> settled_{0};  // workers; a futex
    std::exception_ptr failure_;             // of the first whose start failed; under mutex_
    mutable std::mutex mutex_;               // threads_ and failure_
    std::mutex join_mutex_;
    std::uint32_t joiners_ = 0;              // under join_mutex_
    std::mutex orders_mutex_;                // of pause, resume and resize: flag and orders go together
    std::recursive_mutex destroying_;        // a task that is destroyed may wait for others
    std::atomic<std::uint32_t> ended_{0};    // workers; a futex
    std::vector<std::thread> threads_;
};

}  // namespace numasio::hot_path
