// A shard of a sharded<T>, and a function on its way there: one task, which keeps the function, what comes of it, and the way back of a coroutine.
#pragma once

#include <numasio/detail/pool_task.hpp>
#include <numasio/detail/shard_group.hpp>
#include <numasio/detail/task_executor.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace numasio::detail {

template <class T>
struct awaited {
    static constexpr bool coroutine = false;
    using type = T;
};
template <class T, class Executor>
struct awaited<boost::asio::awaitable<T, Executor>> {
    static constexpr bool coroutine = true;
    using type = T;
};

/// What a function that is called with a T& gives in the end.
template <class F, class T>
using shard_result = typename awaited<std::invoke_result_t<F&, T&>>::type;
template <class F, class T>
inline constexpr bool is_coroutine_on = awaited<std::invoke_result_t<F&, T&>>::coroutine;
/// The same as an object.
template <class R>
using stored_result = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <class T>
inline constexpr bool stops_at_once = requires(T& t) { { t.stop() } -> std::same_as<void>; };
template <class T>
inline constexpr bool stops_by_coroutine = requires(T& t) { requires awaited<decltype(t.stop())>::coroutine; };

using shard_executor = task_executor<std::allocator<void>, 0>;

/// Tells, once, a coroutine's end to whom it was begun for, also where it is destroyed before.
template <class To, class Value>
class coroutine_end {
public:
    explicit coroutine_end(To& to) noexcept : to_(&to) {}
    coroutine_end(coroutine_end&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    coroutine_end& operator=(coroutine_end&&) = delete;
    ~coroutine_end() {
        if (to_ != nullptr) { to_->coroutine_is_gone(); }
    }
    void operator()(std::exception_ptr failed, Value value) { std::exchange(to_, nullptr)->coroutine_has_ended(failed, std::move(value)); }
    void operator()(std::exception_ptr failed) { std::exchange(to_, nullptr)->coroutine_has_ended(failed, Value()); }

private:
    To* to_;
};

template <class T>
class shard final : public shard_base, private pool_task {
public:
    template <class Factory>
    shard(std::shared_ptr<shard_group> group, std::uint32_t place, const Factory& make) : shard_base(std::move(group), place), object(make()) {}

    T object;

    void coroutine_has_ended(std::exception_ptr failed, std::monostate) noexcept {
        stop_failed_ = std::move(failed);
        coroutine_is_gone();
    }
    /// A task of its own, in which the coroutine's frame is gone, and which is the worker's wherever that went.
    void coroutine_is_gone() noexcept {
        const auto here = this->terms();
        this->pool().submit(this, here, false);
    }

private:
    void begin_stop() noexcept override {
        std::exception_ptr failed;
        try {
            if constexpr (stops_at_once<T>) {
                object.stop();
            } else if constexpr (stops_by_coroutine<T>) {
                auto stopping = object.stop();
                static constexpr task_kind ends = kind_of<shard>(&end_stop);
                kind = &ends;
                stop_failed_ = nullptr;
                this->stop_goes_on();
                coroutine_end<shard, std::monostate> end(*this);
                boost::asio::co_spawn(shard_executor(this->pool(), this->terms()), std::move(stopping), std::move(end));
                return;
            }
        } catch (...) {
            failed = std::current_exception();
            if (kind != nullptr) {  // the end was told as it was destroyed
                stop_failed_ = failed;
                return;
            }
        }
        this->stop_ends(failed);
    }
    std::exception_ptr stop_now() noexcept override {
        if constexpr (stops_at_once<T>) {
            try {
                object.stop();
            } catch (...) { return std::current_exception(); }
        }
        return nullptr;
    }
    static void end_stop(pool_task* self, bool) {
        auto& one = static_cast<shard&>(*self);
        const auto failed = std::move(one.stop_failed_);
        one.stop_ends(failed);
    }

    std::exception_ptr stop_failed_;
};

/// Runs `f` on one shard. Derived has finish(std::exception_ptr), which ends it; value() is there where that is null.
/// Threads: one at a time. Lifetime: until finish().
template <class T, class F, class Derived>
class shard_call : public pool_task {
public:
    using result = shard_result<F, T>;
    using stored = stored_result<result>;
    static_assert(!std::is_reference_v<result>, "what leaves a shard's worker leaves as a value");

    /// Refused: nothing has happened, the call is the caller's. A worker of the pool is not, nor who asks not to be.
    [[nodiscard]] error_code submit(task_pool& pool, task_terms where, bool refusable) {
        if (refusable && !pool.runs_here()) { return pool.try_submit(this, where); }
        pool.submit(this, where, false);
        return {};
    }

    std::optional<stored>& value() noexcept { return value_; }

    void coroutine_has_ended(std::exception_ptr failed, stored value) noexcept {
        failed_ = std::move(failed);
        try {
            if (!failed_) { value_.emplace(std::move(value)); }
        } catch (...) { failed_ = std::current_exception(); }
        hop();
    }
    void coroutine_is_gone() noexcept {
        if (!failed_) { failed_ = shard_error(errc::stopped); }
        hop();
    }

protected:
    template <class G>
    shard_call(std::uint64_t group, G&& f) : group_(group), f_(std::forward<G>(f)) {
        kind = &begins;
    }
    ~shard_call() = default;

private:
    /// From wherever the coroutine ended, in a task in which its frame is gone.
    void hop() noexcept {
        kind = &ends;
        next = nullptr;
        const auto there = at_->terms();
        at_->pool().submit(this, there, false);
    }
    static void begin(pool_task* self, bool call) {
        auto& me = static_cast<shard_call&>(*self);
        if (!call) { return me.finish_uncalled(); }
        auto* const found = static_cast<shard<T>*>(desk_of_this_thread->tenants.find(me.group_));
        if (found == nullptr || !found->takes_calls()) { return me.finish(shard_error(errc::stopped)); }
        if constexpr (is_coroutine_on<F, T>) { me.spawn(*found); }
        else {
            found->call_begins();  // a stop that is met in there, by a wait that runs tasks, comes behind it
            auto failed = me.run(found->object);
            found->call_ends();
            me.finish(std::move(failed));
        }
    }
    std::exception_ptr run(T& object) noexcept {
        try {
            if constexpr (std::is_void_v<result>) {
                std::invoke(f_, object);
                value_.emplace();
            } else {
                value_.emplace(std::invoke(f_, object));
            }
        } catch (...) { return std::current_exception(); }
        return nullptr;
    }
    void spawn(shard<T>& found) {
        std::exception_ptr failed;
        bool begun = false;
        at_ = &found;
        found.call_begins();
        try {
            auto coroutine = std::invoke(f_, found.object);
            begun = true;
            coroutine_end<shard_call, stored> end(*this);
            boost::asio::co_spawn(shard_executor(found.pool(), found.terms()), std::move(coroutine), std::move(end));
            return;
        } catch (...) { failed = std::current_exception(); }
        if (!begun) {
            found.call_ends();
            return finish(failed);
        }
        failed_ = failed;  // the end was told when it was destroyed, and comes when this task is over
    }
    static void end_coroutine(pool_task* self, bool call) {
        auto& me = static_cast<shard_call&>(*self);
        me.at_->call_ends();
        if (!call) { return me.finish_uncalled(); }
        me.finish(std::exchange(me.failed_, nullptr));
    }
    void finish(std::exception_ptr failed) { static_cast<Derived&>(*this).finish(std::move(failed)); }
    /// The pool is being destroyed.
    void finish_uncalled() noexcept {
        try {
            finish(failed_ || value_ ? failed_ : shard_error(errc::stopped));
        } catch (...) {
            // Nobody is left to be told of what a handler throws that was called here, nor that there was no memory to call it.
        }
    }
    static constexpr task_kind begins = kind_of<F>(&begin);
    static constexpr task_kind ends = kind_of<F>(&end_coroutine);

    const std::uint64_t group_;
    [[no_unique_address]] F f_;
    std::exception_ptr failed_;
    std::optional<stored> value_;
    shard<T>* at_ = nullptr;
};

}  // namespace numasio::detail
