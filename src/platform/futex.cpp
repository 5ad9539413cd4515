// Sleeping and waking on a word, spinning politely, and noticing a fork.
#include <numasio/detail/platform.hpp>

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace numasio::detail {

constinit std::atomic<std::uint32_t> forks_before_this_process{0};

namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
              std::atomic<std::uint32_t>::is_always_lock_free, "the kernel reads the word itself");

// Runs in the child before fork() returns there; the child has one thread, so relaxed is enough.
void count_fork() noexcept { forks_before_this_process.fetch_add(1, std::memory_order_relaxed); }

// Refusal (ENOMEM at load time) leaves the count at 0: children then look like the parent.
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, &count_fork);

long wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, const ::timespec* timeout) noexcept {
    return ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, timeout, nullptr, 0);
}

}  // namespace

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
    // EAGAIN (mismatch) and EINTR (signal) are answers like any other: the caller looks again.
    if (word.load(std::memory_order_relaxed) == expected) { wait(word, expected, nullptr); }
}

bool futex_wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                    std::chrono::nanoseconds timeout) noexcept {
    if (word.load(std::memory_order_relaxed) != expected) { return true; }
    const auto left = std::max(timeout, std::chrono::nanoseconds::zero());
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
    ::timespec relative{};
    relative.tv_sec = static_cast<decltype(relative.tv_sec)>(whole.count());
    relative.tv_nsec = static_cast<decltype(relative.tv_nsec)>((left - whole).count());
    return wait(word, expected, &relative) == 0 || errno != ETIMEDOUT;
}

void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

void cpu_relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");  // `yield` is a no-op on most cores; isb waits a few tens of cycles
#else
#error "numasio knows x86-64 and aarch64"
#endif
}

}  // namespace numasio::detail
