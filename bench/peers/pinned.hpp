// Threads on the CPUs that a benchmark says, and the waiting that all polled contenders share.
#pragma once

#include <numasio/ids.hpp>

#include <chrono>
#include <thread>
#include <vector>

namespace numasio::bench {

/// Pins the calling thread. Fails: gives up with the kernel's reason.
void pin(const std::vector<cpu_id>& cpus);
inline void pin(cpu_id cpu) { pin(std::vector<cpu_id>{cpu}); }

inline void pause_briefly() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
}

/// One wait for a queue that is full or empty: pauses 64 times, then yields the processor. The Rust side has the same.
class backoff {
public:
    void wait() noexcept {
        if (waited_ < 64) {
            ++waited_;
            pause_briefly();
        } else {
            std::this_thread::yield();
        }
    }

private:
    int waited_ = 0;
};

/// The compiler must take `value` as read and as changed.
template <class T>
inline void keep(T& value) noexcept {
    asm volatile("" : : "r"(&value) : "memory");
}

inline double seconds_since(std::chrono::steady_clock::time_point start) noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace numasio::bench
