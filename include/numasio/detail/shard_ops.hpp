// The operations of a sharded<T> with their completion handlers: a call of one shard, calls of all, and who waits for a start or a stop.
#pragma once

#include <numasio/detail/shard_call.hpp>
#include <numasio/detail/tracked_executor.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio::detail {

/// A handler's executor, with work held on it; on the pool's own the operation is a task of the pool, and nobody has to count it.
template <class Executor>
class held_executor : public tracked_executor<Executor> {
public:
    held_executor(const Executor& executor, task_pool&) : tracked_executor<Executor>(executor) {}
};
template <class Allocator, unsigned Bits>
class held_executor<task_executor<Allocator, Bits>> {
public:
    held_executor(const task_executor<Allocator, Bits>& executor, task_pool& own) noexcept
        : executor_(executor), other_(&executor.pool() == &own ? nullptr : &executor.pool()) {
        if (other_ != nullptr) { other_->work_begins(); }
    }
    held_executor(held_executor&& other) noexcept : executor_(other.executor_), other_(std::exchange(other.other_, nullptr)) {}
    held_executor& operator=(held_executor&&) = delete;
    ~held_executor() {
        if (other_ != nullptr) { other_->work_ends(); }
    }
    const auto& get() const noexcept { return executor_; }

private:
    task_executor<Allocator, Bits> executor_;
    task_pool* other_;
};

/// A handler and where it runs.
template <class Handler>
class shard_handler {
public:
    shard_handler(Handler&& handler, task_pool& pool)
        : to_(boost::asio::get_associated_executor(handler, shard_executor(pool, {})), pool), handler_(std::move(handler)) {}

    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(handler_); }

    /// Ends it: `call(handler)` on its executor, here and now where that allows it.
    template <class Call>
    void dispatch(Call call) && {
        const auto memory = get_allocator();
        const auto to = std::move(to_);
        hand_over(to.get(), memory, [h = std::move(handler_), c = std::move(call)]() mutable { c(std::move(h)); });
    }
    /// Never here and now.
    template <class Call>
    void post(Call call) && {
        const auto memory = get_allocator();
        const auto to = std::move(to_);
        hand_over_later(to.get(), memory, [h = std::move(handler_), c = std::move(call)]() mutable { c(std::move(h)); });
    }

private:
    held_executor<boost::asio::associated_executor_t<Handler, shard_executor>> to_;
    Handler handler_;
};

/// Makes and ends an operation in the memory of its handler; by default in blocks that threads keep for tasks.
template <class Operation, class Allocator>
struct operation_memory {
    using traits = typename std::allocator_traits<Allocator>::template rebind_traits<Operation>;
    template <class... Args>
    static Operation* make(const Allocator& from, Args&&... args) {
        typename traits::allocator_type memory(from);
        auto* const block = traits::allocate(memory, 1);
        try {
            return ::new (block) Operation(std::forward<Args>(args)...);
        } catch (...) {
            traits::deallocate(memory, block, 1);
            throw;
        }
    }
    static void end(const Allocator& from, Operation* one) noexcept {
        typename traits::allocator_type memory(from);
        one->~Operation();
        traits::deallocate(memory, one, 1);
    }
};
template <class Operation>
    requires std::derived_from<Operation, pool_task>
struct operation_memory<Operation, std::allocator<void>> {
    template <class... Args>
    static Operation* make(const std::allocator<void>&, Args&&... args) {
        block_origin origin;
        void* const block = take_block<sizeof(Operation), alignof(Operation)>(origin);
        try {
            auto* const made = ::new (block) Operation(std::forward<Args>(args)...);
            made->origin = origin;
            return made;
        } catch (...) {
            give_block<sizeof(Operation), alignof(Operation)>(block, origin);
            throw;
        }
    }
    static void end(const std::allocator<void>&, Operation* one) noexcept {
        const auto origin = one->origin;
        one->~Operation();
        give_block<sizeof(Operation), alignof(Operation)>(one, origin);
    }
};

template <class R>
struct result_signature {
    using type = void(std::exception_ptr, R);
};
template <>
struct result_signature<void> {
    using type = void(std::exception_ptr);
};

// --- one shard ------------------------------------------------------------------------------------------

/// A result on its way to its handler, which moves without throwing.
template <class T>
class parcel {
public:
    explicit parcel(T&& value) : value_(std::move(value)) {}
    T take() noexcept(std::is_nothrow_move_constructible_v<T>) { return std::move(value_); }

private:
    T value_;
};
template <class T>
    requires(!std::is_nothrow_move_constructible_v<T>)
class parcel<T> {
public:
    explicit parcel(T&& value) : value_(std::make_unique<T>(std::move(value))) {}
    T take() { return std::move(*value_); }

private:
    std::unique_ptr<T> value_;
};

template <class T, class F, class Handler>
class shard_invocation final : public shard_call<T, F, shard_invocation<T, F, Handler>> {
    using base = shard_call<T, F, shard_invocation>;
    using stored = typename base::stored;
    using memory = operation_memory<shard_invocation, boost::asio::associated_allocator_t<Handler>>;

public:
    shard_invocation(const shard_group& group, F&& f, Handler&& handler) : base(group.number(), std::move(f)), handler_(std::move(handler), group.pool()) {}

    static void start(const shard_group& group, std::uint32_t shard, F&& f, Handler&& handler) {
        auto why = group.refusal();
        if (!why && shard >= group.size()) { why = errc::no_worker; }
        if (why) { return fail(shard_handler<Handler>(std::move(handler), group.pool()), shard_error(why)); }
        auto* const made = memory::make(boost::asio::get_associated_allocator(handler), group, std::move(f), std::move(handler));
        why = made->submit(group.pool(), group.terms(shard), true);
        if (why) { fail(made->end(), shard_error(why)); }
    }
    void finish(std::exception_ptr failed) {
        if constexpr (std::is_void_v<typename base::result>) {
            end().dispatch([e = std::move(failed)](Handler&& h) mutable { std::move(h)(std::move(e)); });
        } else {
            std::optional<parcel<stored>> value;
            try {
                value.emplace(this->value() ? std::move(*this->value()) : stored());
            } catch (...) {  // moved no further than here
                failed = std::current_exception();
                value.reset();
            }
            end().dispatch([e = std::move(failed), v = std::move(value)](Handler&& h) mutable {
                if (v) { std::move(h)(std::move(e), v->take()); }
                else { std::move(h)(std::move(e), stored()); }
            });
        }
    }

private:
    static void fail(shard_handler<Handler> handler, std::exception_ptr why) {
        std::move(handler).post([e = std::move(why)](Handler&& h) mutable {
            if constexpr (std::is_void_v<typename base::result>) { std::move(h)(std::move(e)); }
            else { std::move(h)(std::move(e), stored()); }
        });
    }
    /// Frees the memory; the handler is left.
    shard_handler<Handler> end() {
        const auto from = handler_.get_allocator();
        auto handler = std::move(handler_);
        memory::end(from, this);
        return handler;
    }

    shard_handler<Handler> handler_;
};

// --- all shards -----------------------------------------------------------------------------------------

/// `Gather` has take(stored&&), called for each shard in order where none has failed, and operator()(handler, why).
template <class T, class F, class Gather, class Handler>
class shard_fan_out {
    struct call final : shard_call<T, F, call> {
        call(shard_fan_out& group, std::uint64_t number, const F& f) : shard_call<T, F, call>(number, f), all(group) {}
        void finish(std::exception_ptr why) {
            failed = std::move(why);
            all.one_has_ended();
        }
        shard_fan_out& all;
        std::exception_ptr failed;
    };
    using allocator = boost::asio::associated_allocator_t<Handler>;
    using memory = operation_memory<shard_fan_out, allocator>;
    using calls = std::list<call, typename std::allocator_traits<allocator>::template rebind_alloc<call>>;

public:
    shard_fan_out(const shard_group& group, const F& f, Gather&& gather, Handler&& handler)
        : left_(group.size()), calls_(boost::asio::get_associated_allocator(handler)), gather_(std::move(gather)), handler_(std::move(handler), group.pool()) {
        for (std::uint32_t shard = 0; shard < group.size(); ++shard) { calls_.emplace_back(*this, group.number(), f); }
    }

    static void start(const shard_group& group, const F& f, Gather&& gather, Handler&& handler) {
        if (const auto why = group.refusal()) {
            shard_handler<Handler> refused(std::move(handler), group.pool());
            return std::move(refused).post([why, g = std::move(gather)](Handler&& h) mutable { g(std::move(h), shard_error(why)); });
        }
        auto* const made = memory::make(boost::asio::get_associated_allocator(handler), group, f, std::move(gather), std::move(handler));
        // Who is admitted at the first shard is at all; and behind the last call everything may be gone.
        auto at = made->calls_.begin();
        for (std::uint32_t shard = 0, last = group.size() - 1; shard <= last; ++shard) {
            auto& one = *at;
            if (shard != last) { ++at; }
            if (const auto why = one.submit(group.pool(), group.terms(shard), shard == 0)) {
                auto gathering = std::move(made->gather_);
                return made->end().post([why, g = std::move(gathering)](Handler&& h) mutable { g(std::move(h), shard_error(why)); });
            }
        }
    }

private:
    void one_has_ended() {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) { return; }
        std::exception_ptr failed;
        for (auto& one : calls_) {
            if (one.failed) {
                failed = std::move(one.failed);
                break;
            }
        }
        try {
            for (auto one = calls_.begin(); !failed && one != calls_.end(); ++one) { gather_.take(std::move(*one->value())); }
        } catch (...) { failed = std::current_exception(); }
        auto gather = std::move(gather_);
        end().dispatch([e = std::move(failed), g = std::move(gather)](Handler&& h) mutable { g(std::move(h), std::move(e)); });
    }
    shard_handler<Handler> end() {
        const auto from = handler_.get_allocator();
        auto handler = std::move(handler_);
        memory::end(from, this);
        return handler;
    }

    std::atomic<std::uint32_t> left_;
    calls calls_;
    Gather gather_;
    shard_handler<Handler> handler_;
};

/// Of calls whose results nobody wants.
struct gather_nothing {
    template <class V>
    void take(V&&) noexcept {}
    template <class Handler>
    void operator()(Handler&& handler, std::exception_ptr failed) {
        std::forward<Handler>(handler)(std::move(failed));
    }
};
/// Reduces in the order of the shards, whichever came first.
template <class V, class Reduce, class Total>
struct gather_total {
    gather_total(std::uint32_t shards, Reduce&& r, Total&& initial) : reduce(std::move(r)), total(std::move(initial)) { values.reserve(shards); }
    void take(V&& value) { values.push_back(std::move(value)); }
    template <class Handler>
    void operator()(Handler&& handler, std::exception_ptr failed) {
        if (!failed) {
            try {
                for (auto& value : values) { total = std::invoke(reduce, std::move(total), std::move(value)); }
            } catch (...) { failed = std::current_exception(); }
        }
        std::forward<Handler>(handler)(std::move(failed), std::move(total));
    }
    Reduce reduce;
    Total total;
    std::vector<V> values;
};

// --- start and stop -------------------------------------------------------------------------------------

template <class Handler>
class shard_handler_waiter final : public shard_waiter {
    using memory = operation_memory<shard_handler_waiter, boost::asio::associated_allocator_t<Handler>>;

public:
    shard_handler_waiter(Handler&& handler, task_pool& pool) : handler_(std::move(handler), pool) {}
    static shard_waiter* make(Handler&& handler, task_pool& pool) {
        const auto from = boost::asio::get_associated_allocator(handler);
        return memory::make(from, std::move(handler), pool);
    }
    void complete(std::exception_ptr failed) noexcept override {
        const auto from = handler_.get_allocator();
        auto handler = std::move(handler_);
        memory::end(from, this);
        try {
            std::move(handler).post([e = std::move(failed)](Handler&& h) mutable { std::move(h)(std::move(e)); });
        } catch (...) {
            // There is no memory to post it: it is destroyed uninvoked.
        }
    }

private:
    shard_handler<Handler> handler_;
};

/// Builds one shard on its worker.
template <class T, class Factory>
class shard_building final : public pool_task {
public:
    shard_building(std::shared_ptr<shard_group> group, std::uint32_t place, const Factory& make) : group_(std::move(group)), place_(place), make_(make) {
        kind = &builds;
    }

private:
    static void build(pool_task* self, bool call) {
        const std::unique_ptr<shard_building> me(static_cast<shard_building*>(self));
        shard<T>* made = nullptr;
        std::exception_ptr failed;
        try {
            if (call) { made = new shard<T>(me->group_, me->place_, me->make_); }
            else { failed = shard_error(errc::stopped); }
        } catch (...) { failed = std::current_exception(); }
        made != nullptr ? me->group_->built(*made) : me->group_->not_built(failed);
    }
    static constexpr task_kind builds = kind_of<T>(&build);

    const std::shared_ptr<shard_group> group_;
    const std::uint32_t place_;
    const Factory make_;
};

}  // namespace numasio::detail
