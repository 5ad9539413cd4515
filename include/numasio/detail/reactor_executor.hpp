// The executor of one reactor worker: 8 bytes, 16 with an allocator that has a state.
#pragma once

#include <numasio/detail/pool_task.hpp>
#include <numasio/detail/reactor_core.hpp>
#include <numasio/detail/task_executor.hpp>

#include <boost/asio/execution.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace numasio::detail {

/// Thread safety: distinct objects safe; shared objects safe, while none is assigned to. Lifetime: its pool outlives it.
template <class Allocator, unsigned Bits>
class reactor_executor {
    template <class, unsigned>
    friend class reactor_executor;
    using blocking = boost::asio::execution::blocking_t;
    using relationship = boost::asio::execution::relationship_t;
    using outstanding_work = boost::asio::execution::outstanding_work_t;
    template <unsigned B>
    using with_bits = reactor_executor<Allocator, B>;
    static constexpr bool is_tracking = (Bits & task_bits::tracks) != 0;

public:
    explicit reactor_executor(reactor_core& core, const Allocator& allocator = {}) noexcept : core_(&core), allocator_(allocator) { begin(); }
    reactor_executor(const reactor_executor& other) noexcept : core_(other.core_), allocator_(other.allocator_) { begin(); }
    reactor_executor(reactor_executor&& other) noexcept : core_(other.core_), allocator_(std::move(other.allocator_)) {
        if constexpr (is_tracking) { other.core_ = nullptr; }
    }
    reactor_executor& operator=(const reactor_executor& other) noexcept {
        if (this != &other) {
            auto copy = other;
            swap(copy);
        }
        return *this;
    }
    reactor_executor& operator=(reactor_executor&& other) noexcept {
        auto moved = std::move(other);
        swap(moved);
        return *this;
    }
    ~reactor_executor() {
        if constexpr (is_tracking) {
            if (core_ != nullptr) { core_->work_ends(); }
        }
    }

    // --- properties, as asio::thread_pool's executor has them ------------------------------------------
    with_bits<Bits & ~task_bits::never_blocks> require(blocking::possibly_t) const noexcept { return other<Bits & ~task_bits::never_blocks>(); }
    with_bits<Bits | task_bits::never_blocks> require(blocking::never_t) const noexcept { return other<Bits | task_bits::never_blocks>(); }
    with_bits<Bits & ~task_bits::continues> require(relationship::fork_t) const noexcept { return other<Bits & ~task_bits::continues>(); }
    with_bits<Bits | task_bits::continues> require(relationship::continuation_t) const noexcept { return other<Bits | task_bits::continues>(); }
    with_bits<Bits & ~task_bits::tracks> require(outstanding_work::untracked_t) const noexcept { return other<Bits & ~task_bits::tracks>(); }
    with_bits<Bits | task_bits::tracks> require(outstanding_work::tracked_t) const noexcept { return other<Bits | task_bits::tracks>(); }
    template <class Other>
    reactor_executor<Other, Bits> require(boost::asio::execution::allocator_t<Other> asked) const noexcept {
        return reactor_executor<Other, Bits>(*core_, asked.value());
    }
    reactor_executor<std::allocator<void>, Bits> require(boost::asio::execution::allocator_t<void>) const noexcept {
        return reactor_executor<std::allocator<void>, Bits>(*core_);
    }

    static constexpr boost::asio::execution::mapping_t query(boost::asio::execution::mapping_t) noexcept {
        return boost::asio::execution::mapping.thread;
    }
    /// The worker's io_context: for Asio's I/O objects. Nobody else may enter it.
    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return core_->context(); }
    static constexpr blocking query(blocking) noexcept {
        return (Bits & task_bits::never_blocks) != 0 ? blocking(blocking::never) : blocking(blocking::possibly);
    }
    static constexpr relationship query(relationship) noexcept {
        return (Bits & task_bits::continues) != 0 ? relationship(relationship::continuation) : relationship(relationship::fork);
    }
    static constexpr outstanding_work query(outstanding_work) noexcept {
        return is_tracking ? outstanding_work(outstanding_work::tracked) : outstanding_work(outstanding_work::untracked);
    }
    template <class Other>
    constexpr Allocator query(boost::asio::execution::allocator_t<Other>) const noexcept {
        return allocator_;
    }
    constexpr Allocator query(boost::asio::execution::allocator_t<void>) const noexcept { return allocator_; }
    /// One function at a time runs on a worker.
    static constexpr std::size_t query(boost::asio::execution::occupancy_t) noexcept { return 1; }

    /// Is the calling thread this worker?
    bool running_in_this_thread() const noexcept { return core_->runs_here(); }
    reactor_core& core() const noexcept { return *core_; }

    friend bool operator==(const reactor_executor& a, const reactor_executor& b) noexcept { return a.core_ == b.core_ && a.allocator_ == b.allocator_; }
    friend bool operator!=(const reactor_executor& a, const reactor_executor& b) noexcept { return !(a == b); }

    /// On the worker itself it calls `f` here and now (blocking.possibly, the default), or queues it in the io_context, without a bound. From other threads it goes
    /// through the worker's inbox, which is bounded for new work (what post() and defer() bring).
    /// Threads: any. Blocks: never; a mutex for a moment where more than the inbox holds is to be kept. Cost: inside what io_context costs without its lock; from outside
    /// a block of memory that the thread keeps, a place in the inbox, a full fence, and a system call where the worker sleeps.
    /// Fails: throws system_error: errc::pool_full, errc::stopped (both: new work from outside), errc::forked; std::bad_alloc; what moving `f` throws. What `f` throws when
    /// it is called here leaves this call; later it is counted (reactor_worker_status::failed).
    template <class F>
    void execute(F&& f) const {
        using function = std::decay_t<F>;
        if (!core_->runs_here()) { return core_->submit(make_task<function>(std::forward<F>(f), allocator_), is_new_work<function>); }
        if constexpr ((Bits & task_bits::never_blocks) == 0) {
            core_->stir();
            core_->begins();
            auto here = function(std::forward<F>(f));  // as Asio: the function is not the caller's while it runs
            std::move(here)();
        } else {
            core_->post_here(std::forward<F>(f), allocator_);
        }
    }

private:
    template <unsigned B>
    with_bits<B> other() const noexcept {
        return with_bits<B>(*core_, allocator_);
    }
    void begin() const noexcept {
        if constexpr (is_tracking) { core_->work_begins(); }
    }
    void swap(reactor_executor& other) noexcept {
        std::swap(core_, other.core_);
        std::swap(allocator_, other.allocator_);
    }

    reactor_core* core_;
    [[no_unique_address]] Allocator allocator_;
};

}  // namespace numasio::detail
