// What one worker and the control plane share: lanes, doorbell, the way back for replies.
#pragma once

#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/placement_book.hpp>
#include <numasio/detail/ready_set.hpp>
#include <numasio/detail/reply_gate.hpp>
#include <numasio/node_region.hpp>
#include <numasio/status.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <utility>
#include <vector>

namespace numasio::detail {

class worker_core;

/// Lanes live in an arena that is released whole.
struct destroy_in_arena {
    void operator()(lane_base* l) const noexcept { l->~lane_base(); }
};

/// Runs worker_core::drain() once on the control plane. If its context never runs again, the handlers
/// that it would have delivered are destroyed where the context destroys its queue.
class drain_operation {
public:
    explicit drain_operation(std::shared_ptr<worker_core> core) noexcept : core_(std::move(core)) {}
    drain_operation(drain_operation&&) noexcept = default;
    drain_operation& operator=(drain_operation&&) = delete;
    ~drain_operation();
    void operator()();

private:
    std::shared_ptr<worker_core> core_;
};

/// Posts drain operations to the control plane's executor without allocating: at most one is pending.
class reply_poster {
public:
    virtual ~reply_poster() = default;
    virtual void post(drain_operation operation) noexcept = 0;
    /// From inside a drain, which goes on after other handlers: wakes no other thread of the context for it.
    virtual void post_again(drain_operation operation) noexcept = 0;
};

/// Threads: each member says which. Lifetime: shared by the bridge, the worker's thread, ports and a
/// pending drain operation; whoever is last destroys the lanes.
class worker_core : public std::enable_shared_from_this<worker_core> {
public:
    worker_core(worker_site where, std::unique_ptr<reply_poster> poster, const boost::asio::any_io_executor& home,
                abandoned_counter abandoned);
    ~worker_core();

    // --- fixed before the worker accepts ------------------------------------------------------------
    worker_site site;
    // Both before `lanes`, which they outlive: a reply that was never delivered may point into the service's.
    node_region service_memory;
    node_region lane_memory;
    std::unique_ptr<std::pmr::memory_resource> lane_arena;
    std::vector<std::unique_ptr<lane_base, destroy_in_arena>> lanes;  // one for each producer place
    /// The one that takes requests of all threads, of class latency.
    lane_base& shared_lane() const noexcept {
        return **std::find_if(lanes.begin(), lanes.end(), [](const auto& l) { return l->shared; });
    }
    /// With `lanes`: their marks.
    void mark_lanes(std::uint32_t count) {
        ready = ready_set(count);
        replied = ready_set(count);
    }
    std::chrono::nanoseconds linger{0};  // a drain waits so long for a reply that is due, before it ends
    bool pages_are_known = false;  // the nodes are real and the kernel answered when asked

    // --- both sides: what each call and each batch reads stands apart from what the other side writes ------
    alignas(64) parker bell;
    // For all lanes, made before the worker accepts.
    ready_set ready{0};    // lanes with requests, for the worker
    ready_set replied{0};  // lanes with replies, for the drain
    std_atomics::atomic<bool> closing{false};  // the intake is closed: finish and leave
    alignas(64) serve_context serving{*this};
    std::atomic<worker_state> state{worker_state::starting};
    single_writer_counter parks, batches, execution_samples, execution_at_home;  // by the worker
    std::atomic<std::uint64_t> memory_used{0};    // by the worker
    alignas(64) std::atomic<std::uint64_t> doorbells{0};  // by producers, once for each sleep at most
    placement_book placements;                    // by the worker as it starts, then by whoever watches it
    std::atomic<std::uint64_t> displacements{0};  // by whoever watches it

    /// Producer, after publishing a request into its lane. [close-1] and [hold-1] stand behind the fence of this.
    void announce(const lane_base& into) noexcept {
        bell.fence();
        if (ready.announce(into.place)) { ring(); }
    }
    /// A stop, after closing the intake, and a producer that marked its lane.
    void ring() noexcept {
        if (bell.ring()) { doorbells.fetch_add(1, std::memory_order_relaxed); }
    }

    // --- the way back ---------------------------------------------------------------------------------
    /// Worker, after ending requests of a lane: the drain, if there is one, comes by for what they return.
    void mark_replies(const lane_base& in) noexcept {
        bell.fence();
        if (replied.announce(in.place)) { unposted_ = true; }
    }
    /// Worker: sees to it that there is a drain, or will be, for all marks. One that stood already has one: it looks into the lane once more when it
    /// has cleared the mark. Cost: one post if none is pending. Allocates nothing.
    void post_marked() noexcept {
        if (!std::exchange(unposted_, false)) { return; }
        replies_ready();
    }
    /// Any thread that has ended requests of a lane itself: both.
    void completed_elsewhere(const lane_base& in) noexcept {
        bell.fence();
        replied.announce(in.place);
        replies_ready();
    }
    /// Control plane, one call at a time: delivers what there is, yields to other handlers now and then.
    void drain();
    /// Bridge, last: no worker and no producer posts from now on. A last drain ends what a worker that did not return still has.
    void cut() noexcept;
    /// A pending drain operation was destroyed unrun, or nothing is left: no drain will run any more.
    void abandon() noexcept;

    worker_status status() const;

private:
    void replies_ready() noexcept;
    void post_drain() noexcept;
    void post_drain_again() noexcept;
    std::size_t deliver_marked(bool closely = false);
    std::size_t retire_marks();
    void fail_rest();
    void let_go(bool in_child) noexcept;
    bool is_in_child() const noexcept { return fork_generation() != generation_; }
    bool lingers() noexcept;
    bool spin_for_a_reply() noexcept;
    page_audit sample_pages() const;

    bool unposted_ = false;  // by the worker: it set a mark
    alignas(64) std::unique_ptr<reply_poster> poster_;
    std::int64_t linger_until_ns_ = 0;       // by the drain; 0: since the last reply it has not waited yet
    bool ends_rest_ = false;                 // by the last drain: it has begun to fail what is left
    boost::asio::any_io_executor home_;      // where drains run; empty once nobody drains
    const std::uint32_t generation_ = fork_generation();
    abandoned_counter abandoned_;
    alignas(64) reply_gate gate_;
    alignas(64) single_writer_histogram round_trip_;  // by the draining thread
    mutable std::mutex audit_mutex_;
    mutable page_audit last_sample_;
    mutable std::int64_t sampled_at_ns_ = 0;
    mutable std::size_t audit_next_ = 0;     // where the next page sample starts
};

}  // namespace numasio::detail
