// The executor of a node_pool: 16 bytes, 24 with an allocator that has a state.
#pragma once

#include <numasio/detail/task_pool.hpp>
#include <numasio/detail/waited_function.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/detail/bind_handler.hpp>
#include <boost/asio/execution.hpp>

#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace numasio::detail {

/// The function that ~awaitable_thread() posts, to destroy a coroutine's frames on its executor: refused, it would throw out of that destructor. Asio gives it no name but that of the place.
template <class Function>
consteval bool unwinds_a_coroutine() {
    const std::string_view name = __PRETTY_FUNCTION__;
    return name.find("::~awaitable_thread()") != name.npos || name.find("asio/impl/awaitable.hpp:") != name.npos;  // as g++ and clang name it
}

/// What asio::post() and defer() make of a function whose type names no executor: new work. All else that comes to an executor (a strand's turn, a
/// coroutine's next step, a completed operation) is the rest of something that was admitted, and Asio could not bear to see it refused.
template <class Function>
inline constexpr bool is_new_work = false;
template <class Function>
inline constexpr bool is_new_work<boost::asio::detail::binder0<Function>> = !requires { typename Function::executor_type; } && !unwinds_a_coroutine<Function>();

enum task_bits : unsigned { never_blocks = 1, continues = 2, tracks = 4, always_blocks = 8, blocks = never_blocks | always_blocks };

/// Thread safety: distinct objects safe; shared objects safe, while none is assigned to. Lifetime: its pool outlives it.
template <class Allocator, unsigned Bits>
class task_executor {
    template <class, unsigned>
    friend class task_executor;
    using blocking = boost::asio::execution::blocking_t;
    using relationship = boost::asio::execution::relationship_t;
    using outstanding_work = boost::asio::execution::outstanding_work_t;
    template <unsigned B>
    using with_bits = task_executor<Allocator, B>;

public:
    task_executor(task_pool& pool, task_terms terms, const Allocator& allocator = {}) noexcept : pool_(&pool), terms_(terms), allocator_(allocator) { begin(); }
    task_executor(const task_executor& other) noexcept : pool_(other.pool_), terms_(other.terms_), allocator_(other.allocator_) { begin(); }
    task_executor(task_executor&& other) noexcept : pool_(other.pool_), terms_(other.terms_), allocator_(std::move(other.allocator_)) {
        if constexpr ((Bits & tracks) != 0) { other.pool_ = nullptr; }
    }
    task_executor& operator=(const task_executor& other) noexcept {
        if (this != &other) {
            auto copy = other;
            swap(copy);
        }
        return *this;
    }
    task_executor& operator=(task_executor&& other) noexcept {
        auto moved = std::move(other);
        swap(moved);
        return *this;
    }
    ~task_executor() {
        if constexpr ((Bits & tracks) != 0) {
            if (pool_ != nullptr) { pool_->work_ends(); }
        }
    }

    // --- properties, as asio::thread_pool's executor has them ------------------------------------------
    with_bits<Bits & ~blocks> require(blocking::possibly_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<(Bits & ~blocks) | never_blocks> require(blocking::never_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<(Bits & ~blocks) | always_blocks> require(blocking::always_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<Bits & ~continues> require(relationship::fork_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<Bits | continues> require(relationship::continuation_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<Bits & ~tracks> require(outstanding_work::untracked_t) const noexcept { return {*pool_, terms_, allocator_}; }
    with_bits<Bits | tracks> require(outstanding_work::tracked_t) const noexcept { return {*pool_, terms_, allocator_}; }
    template <class Other>
    task_executor<Other, Bits> require(boost::asio::execution::allocator_t<Other> asked) const noexcept {
        return {*pool_, terms_, asked.value()};
    }
    task_executor<std::allocator<void>, Bits> require(boost::asio::execution::allocator_t<void>) const noexcept { return {*pool_, terms_}; }

    static constexpr boost::asio::execution::mapping_t query(boost::asio::execution::mapping_t) noexcept {
        return boost::asio::execution::mapping.thread;
    }
    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return pool_->context(); }
    static constexpr blocking query(blocking) noexcept {
        return (Bits & never_blocks) != 0 ? blocking(blocking::never) : (Bits & always_blocks) != 0 ? blocking(blocking::always) : blocking(blocking::possibly);
    }
    static constexpr relationship query(relationship) noexcept {
        return (Bits & continues) != 0 ? relationship(relationship::continuation) : relationship(relationship::fork);
    }
    static constexpr outstanding_work query(outstanding_work) noexcept {
        return (Bits & tracks) != 0 ? outstanding_work(outstanding_work::tracked) : outstanding_work(outstanding_work::untracked);
    }
    template <class Other>
    constexpr Allocator query(boost::asio::execution::allocator_t<Other>) const noexcept {
        return allocator_;
    }
    constexpr Allocator query(boost::asio::execution::allocator_t<void>) const noexcept { return allocator_; }
    /// How many tasks may run at a time: the pool's workers.
    std::size_t query(boost::asio::execution::occupancy_t) const noexcept { return pool_->workers(); }

    /// Is the calling thread one of the pool's workers?
    bool running_in_this_thread() const noexcept { return pool_->runs_here(); }
    /// Is it one of those that this executor's tasks are for?
    bool is_home_of_this_thread() const noexcept { return pool_->is_home_here(terms_); }

    /// The same pool and the same terms: what one runs the other would.
    friend bool operator==(const task_executor& a, const task_executor& b) noexcept {
        return a.pool_ == b.pool_ && a.terms_ == b.terms_ && a.allocator_ == b.allocator_;
    }
    friend bool operator!=(const task_executor& a, const task_executor& b) noexcept { return !(a == b); }

    /// Threads: any. Blocks: never; with blocking.possibly (the default) a worker of this pool calls `f` here and now; with blocking.always until `f` has been called, by another
    /// thread (two workers that wait for one another wait for ever; who waits runs nothing meanwhile) or here and now: what it throws, the caller gets, and errc::stopped where it never will be called. Cost: inside the pool
    /// a block of memory that the thread keeps, a place in its queue; from outside a place in the node's inbox; one wake where a worker sleeps.
    /// Fails: throws system_error: of what post() and defer() are given from outside errc::pool_full (the plan's capacity is taken), errc::stopped, errc::forked, and of nothing else; std::bad_alloc; what moving `f` throws.
    /// What `f` throws when it is called here leaves this call; from a queue it is counted (task_worker_status::failed).
    template <class F>
    void execute(F&& f) const {
        using function = std::decay_t<F>;
        if constexpr ((Bits & always_blocks) != 0) {
            if (!pool_->is_home_here(terms_)) {
                function_end end;
                using waited = waited_function<function>;
                pool_->submit_waited(make_task<waited>(waited(std::forward<F>(f), end), allocator_), terms_);
                return end.wait([this] { pool_->end_what_is_left(); });
            }
        }
        if constexpr ((Bits & never_blocks) == 0) {
            if ((Bits & always_blocks) != 0 || pool_->may_call_here(terms_)) {
                auto here = function(std::forward<F>(f));  // as Asio: the function is not the caller's while it runs
                here();
                return;
            }
        }
        pool_->submit(make_task<function>(std::forward<F>(f), allocator_), terms_, is_new_work<function>);
    }

    // --- terms ------------------------------------------------------------------------------------------
    const task_terms& terms() const noexcept { return terms_; }
    task_pool& pool() const noexcept { return *pool_; }
    task_executor with(task_terms terms) const noexcept { return {*pool_, terms, allocator_}; }

private:
    void begin() const noexcept {
        if constexpr ((Bits & tracks) != 0) { pool_->work_begins(); }
    }
    void swap(task_executor& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(terms_, other.terms_);
        std::swap(allocator_, other.allocator_);
    }

    task_pool* pool_;
    task_terms terms_;
    [[no_unique_address]] Allocator allocator_;
};

}  // namespace numasio::detail
