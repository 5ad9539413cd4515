// Fork and join inside a node_pool: functions that run beside their caller, and a wait for all of them that runs them itself.
#pragma once

#include <numasio/node_pool.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <type_traits>
#include <utility>

namespace numasio {

/// Tasks that are waited for together. A worker that waits runs its own newest tasks meanwhile, then steals: so a recursion forks without end and needs no more threads
/// than there are. What it runs may be a task of somebody else's; hold no lock that such a task may want while you wait.
/// A pool that forks and joins most of the time is best planned with task_order::newest_first.
/// Thread safety: distinct objects safe; shared objects: run() from its tasks and the thread that waits, wait() by one thread.
/// Lifetime: it outlives its tasks: wait() before it ends, or its destructor waits. Its pool outlives it.
class task_group {
public:
    /// On the workers of `at`: a pool's, a node's, or one (node_pool::on()).
    explicit task_group(const node_pool::executor_type& at) noexcept : at_(at) {}
    /// Cancels and waits; an exception that nobody fetched is lost.
    ~task_group() {
        cancel();
        wait_for_all();
    }
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// `f()` runs on one of the workers, perhaps beside the caller, perhaps in wait(). Threads: see above. Blocks: never. Cost: as executor_type::execute().
    /// Fails: throws std::bad_alloc; what moving `f` throws; system_error(errc::forked); errc::pool_full never: it is the caller's own work.
    template <class F>
    void run(F&& f) {
        if (at_.pool().is_forked()) { throw boost::system::system_error(errc::forked, "task_group"); }
        auto task = counted(std::forward<F>(f));
        try {
            boost::asio::require(at_, boost::asio::execution::blocking.never).execute(std::move(task));
        } catch (...) {
            dropped_.fetch_sub(1, std::memory_order_relaxed);  // the caller hears of this one
            throw;
        }
    }

    /// Returns when all that run() was called with has run, and what that ran. On a worker of the pool it runs tasks meanwhile: those of the node's workers, and what comes to the node;
    /// those that are for this worker alone (on(worker), home_of(), sharded) only where the group itself is on this worker. Timers and sockets are looked at as between tasks.
    /// Threads: any. Blocks: so long; while the pool is paused nothing is done. Cost: where there is nothing to run, the processor for some microseconds, then sleeps of up to 1 ms, on a worker 100 us.
    /// Fails: throws the first exception that one of them threw; the others still run, unless cancelled. system_error(errc::stopped) where one was destroyed
    /// uncalled: the pool has stopped before a worker had begun it (or moving it threw there, which is counted as a failure).
    void wait() {
        wait_for_all();
        const auto thrown = std::exchange(thrown_, nullptr);
        const bool dropped = dropped_.exchange(0, std::memory_order_relaxed) != 0;
        cancelled_.store(false, std::memory_order_relaxed);
        if (thrown) { std::rethrow_exception(thrown); }
        if (dropped) { throw boost::system::system_error(errc::stopped, "task_group"); }
    }

    /// What has not begun is not called. Threads: any. Blocks: never.
    void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
    bool is_cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

private:
    /// One function; its end is counted however it ends.
    template <class F>
    class one {
    public:
        template <class G>
        one(task_group& group, G&& g) : group_(&group), function_(std::forward<G>(g)) {}
        one(one&& other) noexcept(std::is_nothrow_move_constructible_v<F>)
            : group_(other.group_), function_(std::move(other.function_)) {
            other.group_ = nullptr;
        }
        one& operator=(one&&) = delete;
        ~one() {
            if (group_ == nullptr) { return; }
            if (!called_ && !group_->is_cancelled()) { group_->dropped_.fetch_add(1, std::memory_order_relaxed); }
            group_->ends();
        }
        void operator()() noexcept {
            called_ = true;
            if (group_->is_cancelled()) { return; }
            try {
                function_();
            } catch (...) {
                group_->keep(std::current_exception());
            }
        }

    private:
        task_group* group_;
        bool called_ = false;
        F function_;
    };

    /// From here on it counts itself out, wherever it goes.
    template <class F>
    one<std::decay_t<F>> counted(F&& f) {
        pending_.fetch_add(1, std::memory_order_relaxed);
        try {
            return one<std::decay_t<F>>(*this, std::forward<F>(f));
        } catch (...) {
            ends();
            throw;
        }
    }

    /// [group-1] Pairs with [group-2]: what the functions did is seen by who waits. Nothing of the group is touched behind it.
    void ends() noexcept { pending_.fetch_sub(1, std::memory_order_release); }
    void keep(std::exception_ptr thrown) noexcept {
        const std::lock_guard lock(mutex_);
        if (!thrown_) { thrown_ = std::move(thrown); }
    }
    void wait_for_all() noexcept {
        for (std::uint32_t idle_laps = 0; pending_.load(std::memory_order_acquire) != 0 && !at_.pool().is_forked();) {  // [group-2]
            at_.pool().help(at_.terms(), idle_laps);
        }
    }

    const node_pool::executor_type at_;
    std::atomic<std::uint64_t> pending_{0};
    std::atomic<bool> cancelled_{false};
    std::atomic<std::uint32_t> dropped_{0};  // that were destroyed uncalled, and nobody had cancelled them
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

}  // namespace numasio
