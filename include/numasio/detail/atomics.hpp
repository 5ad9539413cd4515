// The atomics policy: the protocols of this folder are templates over it, so that a model checker can run them.
#pragma once

#include <numasio/detail/platform.hpp>

#include <atomic>
#include <cstdint>

#ifdef NUMASIO_SHAKE
#include <numasio/detail/shaken_atomic.hpp>
#endif

#if defined(__SANITIZE_THREAD__)
#define NUMASIO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NUMASIO_TSAN 1
#endif
#endif

namespace numasio::detail {

struct std_atomics {
    // Its operations are the points where the threads of a protocol meet: a build that shakes the schedule pauses before them.
#ifdef NUMASIO_SHAKE
    template <class T>
    using atomic = shaken_atomic<T>;
    static void may_pause(std::uint32_t point = __builtin_LINE()) noexcept { shake(point); }
#else
    template <class T>
    using atomic = std::atomic<T>;
    static void may_pause() noexcept {}
#endif

    /// What is not atomic, and another thread reads or writes: a model checker watches it for data races.
    template <class T>
    using plain = T;

    static constexpr auto relaxed = std::memory_order_relaxed;
    static constexpr auto acquire = std::memory_order_acquire;
    static constexpr auto release = std::memory_order_release;
    static constexpr auto acq_rel = std::memory_order_acq_rel;
    static constexpr auto seq_cst = std::memory_order_seq_cst;

    /// A full fence between what this thread wrote before and what it reads after. `meeting` is a word
    /// that the other side fences on too: ThreadSanitizer does not see fences, so it gets an RMW on it.
    static void full_fence([[maybe_unused]] std::atomic<std::uint32_t>& meeting) noexcept {
        may_pause();
#ifdef NUMASIO_TSAN
        meeting.fetch_add(0, std::memory_order_seq_cst);
#else
        std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    }

    /// Full fences of two kinds, for what is done often and what is done seldom: a light one in one thread meets a heavy one in another as two full
    /// ones would. Not for two light ones. No look at anything else makes up for a heavy_fence() that is false.
    static void light_fence() noexcept {
        may_pause();
        if (fences_may_be_light()) { return std::atomic_signal_fence(std::memory_order_seq_cst); }
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    [[nodiscard]] static bool heavy_fence() noexcept {
        may_pause();
        return fence_all_threads();
    }
};

}  // namespace numasio::detail
