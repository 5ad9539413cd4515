// What the templates need of the operating system and the processor; implemented in src/platform.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace numasio::detail {

/// Sleeps while `word` is `expected`. Returns on a wake, on a mismatch and on a signal: the caller looks again.
/// Threads: any, of one process. Cost: one system call; none where `word` differs already.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept;

/// The same for at most `timeout` of monotonic time; false where the time ran out.
bool futex_wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                    std::chrono::nanoseconds timeout) noexcept;

/// Wakes at most one thread that sleeps on `word`; all. Cost: one system call.
void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept;
void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept;

/// Steady time in nanoseconds, as std::chrono::steady_clock has it: not moved by clock changes. Where the kernel keeps time by the processor's
/// counter this reads the counter, and the kernel's clock each 250 us; off by less than a microsecond then, mostly by some nanoseconds, and two
/// readings may come in the wrong order by as much. While the kernel slews its clock, also by what that is in 250 us: 125 ns at 500 ppm.
/// Threads: any. Blocks: never. Cost: a reading of the counter; 22 ns against 36 ns of
/// steady_clock::now() where that was measured.
std::int64_t steady_ns() noexcept;

/// Tells the processor that the caller spins.
void cpu_relax() noexcept;

/// Asks the kernel for fence_all_threads(). Threads: any. Cost: at the first call a system call. Where it is refused every fence is one of the processor's.
void prepare_light_fences() noexcept;
extern std::atomic<bool> light_fences;
inline bool fences_may_be_light() noexcept { return light_fences.load(std::memory_order_relaxed); }
/// A full fence, in every thread of this process that runs, too, once prepare_light_fences() was granted. False where the kernel, which had granted it, refuses.
/// Cost: a system call that interrupts the processors on which the process runs: microseconds.
bool fence_all_threads() noexcept;

extern std::atomic<std::uint32_t> forks_before_this_process;
/// 0 in the process that loaded the library, one more in each forked child. Cost: one relaxed load.
inline std::uint32_t fork_generation() noexcept { return forks_before_this_process.load(std::memory_order_relaxed); }

}  // namespace numasio::detail
