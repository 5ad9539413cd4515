// The atomics policy and the futex of the model checker Relacy, for the protocols of numasio/detail.
#pragma once

// Before Relacy, whose macros would rewrite them.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory_resource>

#include <relacy/relacy.hpp>

#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst

namespace numasio::model {

/// std::source_location, which clang 14 does not have.
struct place {
    static constexpr place current(const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
                                   unsigned line = __builtin_LINE()) noexcept {
        return {function, file, line};
    }
    const char* function;
    const char* file;
    unsigned line;
};

/// Relacy's name of the place that called.
inline rl::debug_info info(const place& where = place::current()) { return {where.function, where.file, where.line}; }

/// Ends the execution as failed, with its history.
inline void require(bool holds, const char* promise, const place& where = place::current()) {
    if (!holds) { rl::ctx().fail_test(promise, rl::test_result_user_assert_failed, info(where)); }
}

/// Threads sleep here. It orders no memory, so that it cannot hide what a protocol fails to order itself.
class sleepers {
public:
    void sleep(bool may_wake_by_itself, const place& where = place::current()) {
        set_.park_current(rl::ctx(), false, may_wake_by_itself, false, info(where));
    }
    void wake_one(const place& where = place::current()) { set_.unpark_one(rl::ctx(), info(where)); }
    void wake_all(const place& where = place::current()) { set_.unpark_all(rl::ctx(), info(where)); }

private:
    rl::waitset<8> set_;
};

/// Exchanges made since the program began: a test of what is to write nothing compares.
inline std::uint64_t exchanges = 0;

/// rl::atomic with std::atomic's calls.
template <class T>
class checked_atomic {
public:
    checked_atomic(T initial = T()) : value_(initial) {}  // NOLINT: implicit, as std::atomic

    T load(rl::memory_order order, const place& where = place::current()) const { return value_.load(order, info(where)); }
    void store(T value, rl::memory_order order, const place& where = place::current()) {
        value_.store(value, order, info(where));
    }
    T exchange(T value, rl::memory_order order, const place& where = place::current()) {
        ++exchanges;
        return value_.exchange(value, order, info(where));
    }
    T fetch_add(T value, rl::memory_order order, const place& where = place::current()) {
        return value_.rmw(rl::rmw_type_t<rl::rmw_type_add>(), value, order, info(where));
    }
    T fetch_sub(T value, rl::memory_order order, const place& where = place::current()) {
        return value_.rmw(rl::rmw_type_t<rl::rmw_type_sub>(), value, order, info(where));
    }
    T fetch_or(T value, rl::memory_order order, const place& where = place::current()) {
        ++exchanges;
        return value_.rmw(rl::rmw_type_t<rl::rmw_type_or>(), value, order, info(where));
    }
    T fetch_and(T value, rl::memory_order order, const place& where = place::current()) {
        ++exchanges;
        return value_.rmw(rl::rmw_type_t<rl::rmw_type_and>(), value, order, info(where));
    }
    bool compare_exchange_strong(T& expected, T desired, rl::memory_order success, rl::memory_order failure,
                                 const place& where = place::current()) {
        return value_.compare_exchange_strong(expected, desired, success, info(where), failure, info(where));
    }
    bool compare_exchange_weak(T& expected, T desired, rl::memory_order success, rl::memory_order failure,
                               const place& where = place::current()) {
        return value_.compare_exchange_weak(expected, desired, success, info(where), failure, info(where));
    }

    /// What the kernel compares: the newest value, without ordering anything.
    T newest() const { return value_.debug_value(); }
    sleepers waiting;

private:
    rl::atomic<T> value_;
};

/// rl::var with a plain variable's uses.
template <class T>
class checked_plain {
public:
    checked_plain(T initial = T()) { value_(info()).store(initial); }  // NOLINT: implicit, as a variable
    operator T() const { return const_cast<rl::var<T>&>(value_)(info()).load(); }  // NOLINT: as a variable
    checked_plain& operator=(T value) {
        value_(info()).store(value);
        return *this;
    }

private:
    rl::var<T> value_;
};

/// Stands for numasio::detail::std_atomics.
struct relacy_atomics {
    template <class T>
    using atomic = checked_atomic<T>;
    template <class T>
    using plain = checked_plain<T>;

    static constexpr auto relaxed = rl::mo_relaxed;
    static constexpr auto acquire = rl::mo_acquire;
    static constexpr auto release = rl::mo_release;
    static constexpr auto acq_rel = rl::mo_acq_rel;
    static constexpr auto seq_cst = rl::mo_seq_cst;

    static void full_fence(checked_atomic<std::uint32_t>&, const place& where = place::current()) {
        rl::atomic_thread_fence(rl::mo_seq_cst, info(where));
    }
    static void light_fence(const place& where = place::current()) { rl::atomic_thread_fence(rl::mo_seq_cst, info(where)); }
    static bool heavy_fence(const place& where = place::current()) {
        rl::atomic_thread_fence(rl::mo_seq_cst, info(where));
        return true;
    }
};

/// Stands for numasio::detail::futex_waiter: a futex without time-outs, so that a lost wake-up is a deadlock.
/// With `Spurious` it may also return by itself, as a signal makes the real one do.
template <bool Spurious>
struct model_futex {
    static void wait(checked_atomic<std::uint32_t>& word, std::uint32_t expected) {
        rl::ctx().sched();
        // The kernel compares and goes to sleep in one step, under its lock.
        if (word.newest() == expected) { return word.waiting.sleep(Spurious); }
        word.fetch_add(0, rl::mo_relaxed);  // a thread whose kernel has seen the newest value sees no older one
    }
    /// The time is over sooner or later, whatever others do.
    static void wait_for(checked_atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::nanoseconds) {
        for (auto lap = rl::rand(3); lap != 0 && word.newest() == expected; --lap) { rl::yield(1, info()); }
        word.fetch_add(0, rl::mo_relaxed);  // as above
    }
    static void wake_one(checked_atomic<std::uint32_t>& word) {
        rl::ctx().sched();
        word.waiting.wake_one();
    }
};

/// A single-producer single-consumer ring with the orders of Boost's. Takes `Capacity` numbers over the life of a test.
template <std::uint32_t Capacity>
class model_ring {
public:
    void push(std::uint32_t number, const place& where = place::current()) {
        const auto at = written_.load(rl::mo_relaxed, where);
        slots_[at](info(where)).store(number);
        written_.store(at + 1, rl::mo_release, where);
    }
    bool pop(std::uint32_t& number, const place& where = place::current()) {
        const auto at = read_.load(rl::mo_relaxed, where);
        if (at == written_.load(rl::mo_acquire, where)) { return false; }
        number = slots_[at](info(where)).load();
        read_.store(at + 1, rl::mo_release, where);
        return true;
    }
    bool has_some(const place& where = place::current()) const {
        return written_.load(rl::mo_acquire, where) != read_.load(rl::mo_relaxed, where);
    }

private:
    checked_atomic<std::uint32_t> written_{0};
    checked_atomic<std::uint32_t> read_{0};
    rl::var<std::uint32_t> slots_[Capacity];
};

}  // namespace numasio::model
