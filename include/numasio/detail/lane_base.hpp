// What the worker, the control plane and a stop see of a lane without knowing its types.
#pragma once

#include <numasio/detail/controlled_delay.hpp>
#include <numasio/detail/counters.hpp>
#include <numasio/detail/delay_recorder.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/platform.hpp>
#include <numasio/detail/waiting_line.hpp>
#include <numasio/errc.hpp>
#include <numasio/status.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace numasio::detail {

/// Our own mistake, never an operating error: says which and ends the process, in release too.
[[noreturn]] void unexpected(const char* what) noexcept;

class lane_base;
class worker_core;

/// What a worker carries through one sweep. One clock read for each request that somebody waits for, or that has a limit; posts that are quick share
/// readings (docs/decisions/0002-clock-reads.md). No request begins before the replies of those before it are on their way.
class serve_context {
public:
    explicit serve_context(worker_core& worker) noexcept : worker_(&worker) {}

    /// Do requests before the next wait for its end? Then first send_replies().
    bool owes_replies() const noexcept { return owes_in_ != nullptr; }
    /// Somebody waits for the end of this request, which is of `in`.
    void owes_reply(const lane_base& in) noexcept { owes_in_ = &in; }
    void send_replies() noexcept;

    /// A request begins that somebody waits for, or that the time decides something of. Returns the time and makes it public as the time since when the
    /// worker has been in one service call.
    std::int64_t call_begins() noexcept {
        posts_.end();
        return busy(steady_ns());
    }
    /// The same of another; it was submitted at `submitted_ns`, which is recorded.
    std::int64_t post_begins(std::int64_t submitted_ns) noexcept {
        if (!posts_.reads()) {
            const auto now = posts_.begins(submitted_ns);
            busy_since_.store(now | is_shared, std::memory_order_relaxed);
            return now;
        }
        return busy(posts_.begins(submitted_ns));
    }
    void batch_ends() noexcept { posts_.end(); }
    /// The drain is told of what has ended together, too: when a request begins so long after the last time.
    static constexpr std::int64_t longest_untold_ns = 500;
    bool is_to_tell(std::int64_t now_ns) noexcept {
        if (now_ns - told_ns_ < longest_untold_ns) { return false; }
        told_ns_ = now_ns;
        return true;
    }
    /// The sweep is over, its replies are sent.
    void sweep_ends() noexcept {
        owes_in_ = nullptr;
        told_ns_ = 0;
        busy_since_.store(0, std::memory_order_relaxed);
    }
    /// Keeps the first text; later ones are counted, not told.
    void note_failure(const char* what) noexcept {
        if (failure_told_.load(std::memory_order_relaxed)) { return; }
        std::strncpy(first_failure_, what, sizeof(first_failure_) - 1);
        failure_told_.store(true, std::memory_order_release);
    }
    /// Any thread.
    std::string first_failure() const {
        return failure_told_.load(std::memory_order_acquire) ? std::string(first_failure_) : std::string();
    }
    /// A stop whose deadline has passed: what has not been started does not start.
    bool aborted() const noexcept {
        const auto from = refuse_from_ns_.load(std::memory_order_relaxed);
        return from != never && steady_ns() >= from;
    }
    void abort() noexcept { refuse_from_ns_.store(0, std::memory_order_relaxed); }
    /// By who serves: the same from `deadline` on, where nobody else is there to say so.
    void abort_at(std::chrono::steady_clock::time_point deadline) noexcept {
        auto expected = never;
        refuse_from_ns_.compare_exchange_strong(expected, deadline.time_since_epoch() / std::chrono::nanoseconds(1), std::memory_order_relaxed);
    }

    single_writer_histogram queue_delay;
    /// Any thread: has the worker been in one service call for longer than this?
    bool is_stuck(std::int64_t after_ns) const noexcept {
        const auto since = busy_since_.load(std::memory_order_relaxed);
        const auto calls = (since & is_shared) != 0 ? std::int64_t{delay_recorder::together} : 1;
        return since != 0 && steady_ns() - since > after_ns * calls;
    }

private:
    static constexpr std::int64_t is_shared = 1;  // the last bit of busy_since_: several calls may have begun since then

    std::int64_t busy(std::int64_t since_ns) noexcept {
        busy_since_.store(since_ns & ~is_shared, std::memory_order_relaxed);
        if (told_ns_ == 0) { told_ns_ = since_ns; }
        return since_ns;
    }

    worker_core* worker_;
    std::atomic<std::int64_t> busy_since_{0};  // 0: idle
    delay_recorder posts_{queue_delay};
    const lane_base* owes_in_ = nullptr;  // of the last request whose reply was not sent
    std::int64_t told_ns_ = 0;            // 0: not in this sweep
    static constexpr auto never = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> refuse_from_ns_{never};
    char first_failure_[160] = {};  // written once, by the worker, before it is told
    std::atomic<bool> failure_told_{false};
};

/// Counts handlers that were destroyed uninvoked. Shared, because a handler may outlive the bridge.
using abandoned_counter = std::shared_ptr<std::atomic<std::uint64_t>>;

/// The calling thread, told apart from every other that runs.
const void* this_thread() noexcept;

/// Replies on their way. Handlers run in between, for as long as they like; after quick ones replies share a reading of the clock.
class delivery {
public:
    /// `home` is the executor that this runs on.
    delivery(single_writer_histogram& into, const abandoned_counter& abandoned, const boost::asio::any_io_executor& home,
             worker_core& worker, bool closely = false) noexcept
        : closely_(closely), round_trip_(into), abandoned_(&abandoned), home_(&home), worker_(&worker) {}
    /// Also for what the worker has not told of?
    bool looks_closely() const noexcept { return closely_; }
    const abandoned_counter& abandoned() const noexcept { return *abandoned_; }
    const boost::asio::any_io_executor& home() const noexcept { return *home_; }
    worker_core& worker() const noexcept { return *worker_; }
    const void* thread() const noexcept { return thread_; }
    /// Of a reply whose handler runs next.
    void was_submitted(std::int64_t at_ns) noexcept { round_trip_.begins(at_ns); }

private:
    bool closely_;
    delay_recorder round_trip_;
    const abandoned_counter* abandoned_;
    const boost::asio::any_io_executor* home_;
    worker_core* worker_;
    const void* thread_ = this_thread();
};

/// While it lives the calling thread serves a worker's requests.
class serving_scope {
public:
    serving_scope() noexcept;
    ~serving_scope();
    serving_scope(const serving_scope&) = delete;
    serving_scope& operator=(const serving_scope&) = delete;
    static bool on_this_thread() noexcept;
};

class lane_base {
public:
    static constexpr std::uint32_t whole_batch = 64;  // requests that a worker takes of a lane before it looks at the next

    explicit lane_base(std::uint32_t capacity) noexcept : capacity_(capacity) {}
    virtual ~lane_base() = default;
    lane_base(const lane_base&) = delete;
    lane_base& operator=(const lane_base&) = delete;

    /// Control plane, one thread at a time: hands up to `limit` handlers to their executors. A handler
    /// may throw through this; the lane stays consistent. Fewer than `limit`: there was nothing left.
    virtual std::size_t deliver(std::size_t limit, delivery& going) = 0;
    /// The same side. Is there something to deliver now?
    virtual bool has_replies() const noexcept = 0;
    /// Any thread, a snapshot: has something been accepted and not delivered?
    bool is_due() const noexcept { return counters.accepted.get() != counters.delivered.get(); }
    std::uint64_t on_its_way() const noexcept {
        const auto delivered = counters.delivered.get();
        const auto accepted = counters.accepted.get();
        return accepted > delivered ? accepted - delivered : 0;
    }
    /// Any thread, after the intake closed: takes back what the worker has not started, to be delivered
    /// with errc::stopped. Returns how many.
    virtual std::uint64_t stop_queued() noexcept = 0;
    /// Any thread, after the intake closed: calls that wait for a place end with errc::stopped.
    virtual void stop_waiting() noexcept = 0;
    /// Control plane, the last of all deliveries: a worker that did not return has what is left, and keeps its cells. A handler may throw
    /// through this; to be called again then.
    virtual void fail_rest(delivery& going) = 0;
    /// Control plane, when nothing will be delivered any more: destroys the handlers that are left. In a forked child who waits is left alone where somebody held the
    /// lock who is not there.
    virtual std::uint64_t abandon(bool in_child) noexcept = 0;

    std::uint32_t capacity() const noexcept { return capacity_; }
    lane_status status() const noexcept;

    /// By who was given the lane: nobody else acts as its producer, and nobody will, but where a call of this thread's has to wait for a place.
    bool is_alone() const noexcept { return !shared && !line_.stands(); }
    /// What a lane of many producer threads, and one that calls wait for, asks of each for as long as it acts as the lane's producer; nothing
    /// of a thread's own.
    std::unique_lock<std::mutex> turn() { return is_alone() ? std::unique_lock<std::mutex>() : std::unique_lock(turns_); }
    /// Does a full lane let calls wait for a place?
    bool lets_wait() const noexcept { return most_waiting != 0; }

    // Read by both sides for each batch, written seldom; fixed before the worker accepts:
    std::uint32_t place = 0;  // among its worker's lanes
    bool shared = false;      // by the threads that came when every lane of one thread's own was taken
    bool bulk = false;        // of the class
    std::uint32_t batch = whole_batch;
    std::uint32_t most_waiting = 0;                                   // calls that wait for a place; 0: a full lane refuses at once
    static constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t keep = no_limit;                                    // queued requests before the oldest lossy ones are dropped
    std::optional<controlled_delay> overload;                         // by the worker; where requests are shed
    std::atomic<const void*> producer{nullptr};  // the thread that holds the lane, as this_thread() names it; null: none

    struct alignas(64) lane_counters {
        single_writer_counter offered, accepted, rejected;     // by the producer thread, or who acts for it
        single_writer_counter withdrawn;                       // with the lock
        std::atomic<std::uint64_t> waiting{0};                 // with the lock
        alignas(64) single_writer_counter ran, failed, cancelled, expired, dropped, shed;  // by the worker
        std::atomic<std::uint64_t> queued_high_water{0};       // by the worker
        alignas(64) single_writer_counter delivered;           // by the control plane
        std::atomic<std::uint64_t> stopped{0};                 // by whoever stops
        std::atomic<std::uint64_t> returned{0};                // by whoever drops a reservation
    } counters;

protected:
    /// By the worker, during a batch: how many of its requests were there when its first began, and how many were behind one that began much later.
    class queue_look {
    public:
        void saw(std::int64_t submitted_ns, std::int64_t now_ns) noexcept {
            if (began_ns_ == 0) { began_ns_ = looked_ns_ = now_ns; }
            found_ += submitted_ns <= began_ns_ ? 1 : 0;
        }
        /// The producer's count is a cache line that need not travel more often.
        bool is_to_look(std::int64_t now_ns) noexcept {
            if (now_ns - looked_ns_ < longest_blind_ns) { return false; }
            looked_ns_ = now_ns;
            return true;
        }
        void looked(std::uint64_t queued) noexcept { most_ = std::max(most_, queued); }
        std::uint64_t found() const noexcept { return std::max(found_, most_); }

    private:
        static constexpr std::int64_t longest_blind_ns = 10'000;
        std::int64_t began_ns_ = 0;
        std::int64_t looked_ns_ = 0;
        std::uint64_t found_ = 0;
        std::uint64_t most_ = 0;
    };
    /// By the worker, at one of its requests.
    void look_again(queue_look& look, std::int64_t now_ns) const noexcept {
        if (look.is_to_look(now_ns)) { look.looked(queued()); }
    }
    /// By the worker, after a batch of `taken`. What it left is counted only where it took all that it may.
    void found_queued(const queue_look& look, std::size_t taken) noexcept {
        const auto left = taken < batch ? 0 : queued();
        const auto found = std::min<std::uint64_t>(std::max(look.found(), left), capacity_);
        if (found > counters.queued_high_water.load(std::memory_order_relaxed)) { counters.queued_high_water.store(found, std::memory_order_relaxed); }
    }
    /// By the worker: requests in the queue, with the one that it is at.
    std::uint64_t queued() const noexcept {
        const auto& n = counters;
        const auto ended = n.ran.get() + n.cancelled.get() + n.expired.get() + n.dropped.get() + n.shed.get() +
                           n.stopped.load(std::memory_order_relaxed);
        const auto accepted = n.accepted.get();
        return accepted > ended ? accepted - ended : 0;
    }

    waiting_line line_;
    std::mutex turns_;

private:
    const std::uint32_t capacity_;
};

}  // namespace numasio::detail
