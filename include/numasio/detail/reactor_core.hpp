// One worker of a reactor_pool as its executors reach it: straight into its unlocked io_context from inside, by inbox and bell from outside.
#pragma once

#include <numasio/detail/counters.hpp>
#include <numasio/detail/parker.hpp>
#include <numasio/detail/placement_book.hpp>
#include <numasio/detail/pool_task.hpp>
#include <numasio/detail/task_intake.hpp>
#include <numasio/layout.hpp>

#include <boost/asio/execution/allocator.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace numasio::detail {

/// What an exception says. Fails: std::bad_alloc.
std::string text_of(const std::exception_ptr& what);

class reactor_core;
/// The worker that the calling thread is; null outside of workers.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local reactor_core* reactor_of_this_thread;

/// No lock in scheduler, registration or I/O: one thread alone enters it.
class unlocked_context : public boost::asio::io_context {
public:
    unlocked_context() : io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE) {}
    /// Destroys every handler that is left uninvoked, on the calling thread, and keeps the rest until the destructor: I/O objects may still end.
    void end_handlers() { shutdown(); }
};

/// The handshake's word alone: the worker sleeps in its io_context, and who rings writes to the bell's descriptor.
struct wakes_elsewhere {
    static void wait(std::atomic<std::uint32_t>&, std::uint32_t) noexcept {}
    static void wake_one(std::atomic<std::uint32_t>&) noexcept {}
};

/// By the worker's loop.
class reactor_turns {
public:
    /// The worker had announced its sleep, and something runs on it: it looks to the inbox again, as one that is awake.
    virtual void resume() noexcept = 0;

protected:
    ~reactor_turns() = default;
};

/// By the worker: what accepts connections there.
class reactor_listener {
public:
    virtual ~reactor_listener() = default;
    virtual void close() noexcept = 0;
};

/// Threads: each part says which. Lifetime: the pool's, and as long as the worker's thread.
class reactor_core {
public:
    /// `of_pool` tells workers of one pool from others'. Fails: throws system_error where there is no descriptor for the bell; std::bad_alloc.
    reactor_core(worker_site where, std::uint32_t capacity, const void* of_pool);
    ~reactor_core();
    reactor_core(const reactor_core&) = delete;
    reactor_core& operator=(const reactor_core&) = delete;

    const worker_site site;
    const void* const pool;

    // --- executors, any thread ------------------------------------------------------------------------
    bool runs_here() const noexcept { return reactor_of_this_thread == this; }
    boost::asio::io_context& context() noexcept { return *inner; }

    /// The worker's own thread: something comes to it, or runs.
    void stir() noexcept {
        activity.add();
        if (resumes) { turns->resume(); }
    }
    /// The worker's own thread. Fails: throws system_error: errc::forked; std::bad_alloc; what moving `f` throws.
    template <class F, class Allocator>
    void post_here(F&& f, const Allocator& allocator) {
        namespace execution = boost::asio::execution;
        if (fork_generation() != generation_) { refuse(errc::forked); }
        stir();
        boost::asio::require(inner->get_executor(), execution::blocking.never, execution::allocator(allocator)).execute(counted<std::decay_t<F>>{this, std::forward<F>(f)});
    }
    /// The worker's own thread: what it does from here on is another function's.
    void begins() noexcept { begun.add(); }
    /// The task is the worker's from now on, also where this throws: it is destroyed then. `refusable`: new work, for which there may be no room.
    /// Fails: throws system_error: errc::pool_full, errc::stopped, errc::forked.
    void submit(pool_task* task, bool refusable);
    /// The same, which answers, and leaves a refused task to the caller.
    [[nodiscard]] error_code offer(pool_task* task, bool refusable) noexcept;

    void work_begins() noexcept {
        if (runs_here()) { work_here_.store(work_here_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
        else { work_elsewhere_.fetch_add(1, std::memory_order_relaxed); }
    }
    void work_ends() noexcept {
        if (runs_here()) { work_here_.store(work_here_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }
        else { work_ends_elsewhere(); }
    }
    /// What executors track. Exact where the worker rests and the caller knows it from the worker.
    std::int64_t work() const noexcept { return work_here_.load(std::memory_order_relaxed) + work_elsewhere_.load(std::memory_order_seq_cst); }

    /// Threads: any. Wakes the worker where it sleeps. Behind what it is to find.
    void ring() noexcept;
    /// New work from outside of the pool is refused from now on.
    void close_intake() noexcept { closed_.store(true, std::memory_order_release); }
    /// The worker finishes what it has until then, and ends. The earliest one asked for counts. Steady clock, nanoseconds.
    void end_by(std::int64_t deadline_ns) noexcept;
    static std::int64_t now_ns() noexcept { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }
    bool takes_new_work() const noexcept { return !closed_.load(std::memory_order_acquire); }
    bool is_ending() const noexcept { return ending_.load(std::memory_order_seq_cst); }
    std::int64_t ends_by() const noexcept { return deadline_ns_.load(std::memory_order_relaxed); }

    // --- the worker's own thread ------------------------------------------------------------------------
    std::optional<unlocked_context> inner;  // from the start to the core's end
    std::vector<std::shared_ptr<reactor_listener>> listeners;
    reactor_turns* turns = nullptr;
    bool resumes = false;  // stir() is to call resume()

    /// Runs up to `most` tasks that came from outside, the oldest first; counts and keeps what they throw. Returns how many.
    std::size_t run_arrivals(std::size_t most) noexcept {
        return inbox_.take(most, [this](pool_task* task) { run(task); });
    }
    /// Destroys all of them uninvoked and counts them. Or any thread, once the worker has ended.
    std::size_t destroy_arrivals() noexcept;
    bool has_arrivals() const noexcept { return inbox_.has_some(); }
    void note_failure(const std::exception_ptr& what) noexcept;

    using bell_word = basic_parker<std_atomics, wakes_elsewhere>;
    bell_word bell;
    int bell_descriptor() const noexcept { return bell_; }

    // --- figures, read by anybody ---------------------------------------------------------------------
    single_writer_counter arrivals, failed, sleeps, accepted;  // by the worker
    single_writer_counter activity;                            // what came to it, or ran, by its executors
    single_writer_counter begun;                               // of what ran by them
    single_writer_counter turns_done;                          // rounds of its queue
    std::atomic<std::uint64_t> resting_at{0};                  // its activity when it announced its last sleep
    std::atomic<std::int64_t> open{0};                         // connections, counted from their hand-over on
    std::atomic<std::uint64_t> refused{0}, overflowed{0}, doorbells{0}, destroyed{0}, accept_failures{0}, displacements{0};
    std::atomic<worker_state> state{worker_state::starting};
    std::atomic<bool> benched{false};  // new connections are for others
    placement_book placements;
    std::uint32_t capacity() const noexcept { return inbox_.capacity(); }
    std::size_t queued() const noexcept { return inbox_.size(); }
    std::string first_failure() const;
    /// Nothing has begun on it since it announced its sleep.
    bool is_resting() const noexcept { return bell.is_sleeping() && activity.get() == resting_at.load(std::memory_order_relaxed); }
    /// Grows as long as it comes from one thing to the next.
    std::uint64_t progress() const noexcept { return turns_done.get() + begun.get() + arrivals.get(); }

private:
    /// A queued function: it has begun when it is called, not when it is posted.
    template <class F>
    struct counted {
        reactor_core* core;
        F function;
        void operator()() {
            core->begins();
            std::move(function)();
        }
    };
    [[noreturn]] static void refuse(errc why);
    void work_ends_elsewhere() noexcept;
    void run(pool_task* task) noexcept;
    const std::uint32_t generation_ = fork_generation();
    const int bell_;
    std::atomic<std::int64_t> work_here_{0};  // by the worker's own thread; may be below 0

    alignas(64) std::atomic<std::int64_t> work_elsewhere_{0};
    std_atomics::atomic<bool> closed_{false};
    std_atomics::atomic<bool> ending_{false};
    std::atomic<std::int64_t> deadline_ns_{INT64_MAX};
    task_intake inbox_;

    mutable std::mutex failure_mutex_;
    std::string first_failure_;
};

}  // namespace numasio::detail
