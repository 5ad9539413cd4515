// std::atomic with a pause before any of its operations, in a build that shakes the schedule (NUMASIO_SHAKE).
#pragma once

#include <atomic>
#include <cstdint>

namespace numasio::detail {

/// A marked point of a protocol: the calling thread may yield, spin or sleep here. Where and how long is drawn from a stream of the
/// thread's own, which the process's seed begins (NUMASIO_SHAKE_SEED; without it one is drawn; it is told on stderr).
/// `point` tells the places in the code apart: each seed has some that it pauses at far more often than at the others.
/// Defined where the library was built with NUMASIO_SHAKE. Threads: any. Blocks: for some microseconds, now and then.
void shake(std::uint32_t point) noexcept;

/// Only the operations that the protocols use; `point` is the line that asks.
template <class T>
class shaken_atomic : public std::atomic<T> {
    using base = std::atomic<T>;
    using order = std::memory_order;

public:
    using base::base;

    T load(order o = order::seq_cst, std::uint32_t point = __builtin_LINE()) const noexcept {
        shake(point);
        return base::load(o);
    }
    void store(T value, order o = order::seq_cst, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        base::store(value, o);
    }
    T exchange(T value, order o, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::exchange(value, o);
    }
    T fetch_add(T value, order o, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::fetch_add(value, o);
    }
    T fetch_sub(T value, order o, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::fetch_sub(value, o);
    }
    T fetch_or(T value, order o, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::fetch_or(value, o);
    }
    T fetch_and(T value, order o, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::fetch_and(value, o);
    }
    bool compare_exchange_strong(T& expected, T desired, order success, order failure, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::compare_exchange_strong(expected, desired, success, failure);
    }
    bool compare_exchange_weak(T& expected, T desired, order success, order failure, std::uint32_t point = __builtin_LINE()) noexcept {
        shake(point);
        return base::compare_exchange_weak(expected, desired, success, failure);
    }
};

}  // namespace numasio::detail
