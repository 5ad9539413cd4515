// A pool as its callers see it: its workers, and which lanes the calling thread may use.
#pragma once

#include <numasio/detail/platform.hpp>
#include <numasio/detail/worker_core.hpp>
#include <numasio/errc.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace numasio::detail {

/// The lanes that a thread used last.
struct last_row {
    std::uint64_t pool = 0;  // id; addresses are used again
    lane_base* const* row = nullptr;
    bool thread_ends = false;  // its rows were given back: it gets no more
};

/// Threads: any, but for prepare() and open(), which come before the first call. Lifetime: shared by the bridge, its ports
/// and, weakly, by each thread that has lanes.
class pool_core : public std::enable_shared_from_this<pool_core> {
public:
    /// `nodes` of the workers, by index.
    pool_core(std::string name, boost::asio::any_io_executor executor, std::vector<node_id> nodes);

    const std::string& name() const noexcept { return name_; }
    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    std::uint32_t workers() const noexcept { return workers_; }
    node_id node_of(std::uint32_t worker) const noexcept { return nodes_[worker]; }
    /// May the calling thread wait for a reply? Not one that serves, and none that is running the context which delivers the replies.
    bool may_block() const noexcept;

    /// The calling thread's lanes, one for each worker, at the first call taken from the free ones; empty,
    /// with the reason in `why`, where the pool is not open, the thread is ending, or the class has none. Past the plan's
    /// producers they are those that all further threads share.
    /// Cost: a thread-local look-up; the first call of a thread takes a lock and allocates.
    std::span<lane_base* const> lanes(errc& why, bool bulk) noexcept {
        const auto& cached = last_used_;
        lane_base* const* row = cached.pool == id_ && is_open() ? cached.row : slow_row(why);
        if (row == nullptr) { return {}; }
        if (!bulk) { return {row, workers_}; }
        if (has_bulk_) { return {row + workers_, workers_}; }
        why = errc::no_bulk;
        return {};
    }

    const std::shared_ptr<worker_core>& worker(std::uint32_t index) const noexcept { return cores_[index]; }

    // --- the bridge ---------------------------------------------------------------------------------
    /// Every worker runs. Fails: std::bad_alloc; may be called again then.
    void prepare(std::vector<std::shared_ptr<worker_core>> cores);
    /// Requests are accepted from now on.
    void open() noexcept { phase_.store(open_phase, std::memory_order_release); }
    void close() noexcept;
    bool is_open() const noexcept { return phase_.load(std::memory_order_acquire) == open_phase && fork_generation() == fork_generation_; }

    /// The calling thread, which had lanes, ends.
    void give_back(std::size_t row) noexcept;
    static void thread_ends() noexcept { last_used_ = {0, nullptr, true}; }

    /// Counts a request that is refused before a lane was reached; returns `why`.
    errc refuse(errc why) noexcept {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return why;
    }
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
    /// The bridge's last act: ports that outlive it keep no worker's memory. No call runs beside it.
    void release() noexcept;
    /// For what may outlive the bridge, and holds a place of a lane: null when that is gone, and in a forked child. Blocks: for a lock.
    std::shared_ptr<worker_core> worker_still_there(std::uint32_t index) noexcept;

private:
    static constinit thread_local last_row last_used_;  // not inline: two libraries with this one inside would share it, and not the ids
    lane_base* const* slow_row(errc& why) noexcept;

    enum phase : std::uint32_t { new_phase, open_phase, closed_phase };

    const std::uint64_t id_;
    std::string name_;
    boost::asio::any_io_executor executor_;
    const std::vector<node_id> nodes_;
    const std::uint32_t workers_;
    std::vector<std::shared_ptr<worker_core>> cores_;
    std::uint32_t fork_generation_ = 0;
    std_atomics::atomic<std::uint32_t> phase_{new_phase};

    std::atomic<std::uint64_t> refused_{0};
    std::mutex rows_mutex_;
    std::vector<std::vector<lane_base*>> rows_;  // [producer place][worker], those of class bulk behind the others
    bool has_bulk_ = false;
    std::vector<bool> taken_;
};

}  // namespace numasio::detail
