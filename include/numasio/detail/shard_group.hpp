// All shards of a sharded<T>, without their type: how they are built, stopped one after another, and end with their workers.
#pragma once

#include <numasio/detail/task_pool.hpp>
#include <numasio/detail/tenants.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace numasio::detail {

class shard_group;

/// `code` as an exception that names what refused.
std::exception_ptr shard_error(const error_code& code) noexcept;

/// One of a group, on its worker. Threads: its worker's; when that has left, whoever destroys what the pool has left behind.
class shard_base : public tenant {
public:
    shard_base(std::shared_ptr<shard_group> group, std::uint32_t place) noexcept;
    shard_base(const shard_base&) = delete;
    shard_base& operator=(const shard_base&) = delete;
    virtual ~shard_base() = default;

    bool takes_calls() const noexcept { return !closing_; }
    /// Of a call that goes on after its task: a coroutine. The shard stays until all of them have ended.
    void call_begins() noexcept { ++inside_; }
    void call_ends() noexcept;
    const task_terms& terms() const noexcept;
    task_pool& pool() const noexcept;

protected:
    /// begin_stop() has begun what ends later.
    void stop_goes_on() noexcept { inside_ = 1; }
    void stop_ends(const std::exception_ptr& failed) noexcept;

private:
    friend shard_group;
    virtual void begin_stop() noexcept = 0;
    /// What of a stop can be done by a worker that runs no more tasks.
    virtual std::exception_ptr stop_now() noexcept = 0;
    static void leave_worker(tenant& self) noexcept;

    const std::shared_ptr<shard_group> group_;
    const std::uint32_t place_;
    std::uint32_t inside_ = 0;
    bool closing_ = false;  // no call begins here any more
    bool alone_ = false;    // its worker has left; it ends with the last that is inside
};

/// Who waits for a start or a stop. complete() is called once, and ends it.
class shard_waiter {
public:
    virtual void complete(std::exception_ptr failed) noexcept = 0;
    shard_waiter* next = nullptr;

protected:
    ~shard_waiter() = default;
};

/// Threads: any, but what says otherwise. Lifetime: its sharded, its shards, and the tasks that build and stop them hold it; the pool outlives it.
class shard_group : public std::enable_shared_from_this<shard_group>, private pool_task {
public:
    /// `workers`: of each shard. Fails: std::bad_alloc.
    shard_group(task_pool& pool, std::vector<std::uint32_t> workers);
    shard_group(const shard_group&) = delete;
    shard_group& operator=(const shard_group&) = delete;

    std::uint64_t number() const noexcept { return number_; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(terms_.size()); }
    const task_terms& terms(std::uint32_t shard) const noexcept { return terms_[shard]; }
    task_pool& pool() const noexcept { return pool_; }
    /// Why no call is taken; none: calls are.
    error_code refusal() const noexcept {
        const auto at = phase_.load(std::memory_order_acquire);
        if (at == phase::running) [[likely]] { return {}; }
        return at == phase::idle || at == phase::building ? errc::not_started : errc::stopped;
    }

    // --- start ------------------------------------------------------------------------------------------
    /// From now on each shard is to be built() or not_built(). `told`, if any, is called when all are built, or all that were are destroyed.
    /// Why it cannot begin: errc::already_started, stopped, forked; `told` is the caller's then.
    error_code begin(shard_waiter* told) noexcept;
    /// By the shard's worker, and never before begin().
    void built(shard_base& one) noexcept;
    void not_built(const std::exception_ptr& why) noexcept;
    /// Blocks: until all are built, or until those that were are destroyed: throws why. Fails: throws system_error(errc::stopped) where the pool ended.
    void wait_until_built();

    // --- stop -------------------------------------------------------------------------------------------
    /// The shards are stopped and destroyed, each on its worker, the last first. `told`, if any, is called when this is done.
    void stop(shard_waiter* told) noexcept;
    /// What T::stop() has thrown first, errc::stopped where the pool ended meanwhile; null. Blocks: until all have ended, or the pool has.
    std::exception_ptr wait_until_over() noexcept;

private:
    friend shard_base;
    enum class phase : std::uint8_t { idle, building, running, stopping, over };
    struct news;

    bool is_forked() const noexcept;
    bool pool_has_ended() const noexcept;
    void look_whether_built(news& tell) noexcept;
    void look_whether_over(news& tell) noexcept;
    void go_on(std::unique_lock<std::mutex>& lock, news& tell) noexcept;
    void visit() noexcept;
    void one_has_stopped(shard_base& one, const std::exception_ptr& failed) noexcept;
    void one_has_left(const std::exception_ptr& failed) noexcept;
    static void end_visit(pool_task* self, bool call);

    task_pool& pool_;
    std::vector<task_terms> terms_;  // of each shard's worker
    const std::uint64_t number_;
    const std::uint32_t generation_;  // of forks
    std::atomic<phase> phase_{phase::idle};  // written under the lock
    std::mutex mutex_;
    std::condition_variable changed_;  // the phase
    std::uint32_t unbuilt_ = 0;
    std::uint32_t alive_ = 0;
    bool stop_asked_ = false;
    std::exception_ptr start_failed_;
    std::exception_ptr stop_failed_;
    shard_waiter* starts_ = nullptr;
    shard_waiter* stops_ = nullptr;
    std::uint32_t visited_ = 0;                // shards, from the last on
    std::shared_ptr<shard_group> on_its_way_;  // to the next: itself
};

}  // namespace numasio::detail
