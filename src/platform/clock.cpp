// Steady time from the processor's counter, set by the kernel's clock a thousand times a second.
#include <numasio/detail/platform.hpp>

#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace numasio::detail {
namespace {

#if defined(__x86_64__)
constexpr const char* kernels_name_for_it = "tsc";
std::uint64_t counter() noexcept { return __rdtsc(); }
#elif defined(__aarch64__)
constexpr const char* kernels_name_for_it = "arch_sys_counter";
std::uint64_t counter() noexcept {
    std::uint64_t now;
    asm volatile("mrs %0, cntvct_el0" : "=r"(now));
    return now;
}
#else
constexpr const char* kernels_name_for_it = nullptr;
std::uint64_t counter() noexcept { return 0; }
#endif

/// The kernel keeps time by the counter only where all processors' agree and none stops.
bool counter_is_steady() noexcept try {
    std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string source;
    return kernels_name_for_it != nullptr && file >> source && source == kernels_name_for_it;
} catch (...) {
    return false;
}

std::int64_t kernel_ns() noexcept { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

constexpr std::int64_t window_ns = 1'000'000;        // how long a reading of the kernel's clock is good for
constexpr std::int64_t shortest_ns = window_ns / 8;  // two readings closer together tell no rate
constexpr std::int64_t longest_ns = 100'000'000;     // what a rate is taken over, before it is taken anew
constexpr std::int64_t too_long_ns = 1'000'000'000;  // may lie around a suspend
/// How far off the counter's time may come to be within a window, by how long the readings took: the last one by half of that, the rate
/// by half of both of its, carried over the window. It stays under a microsecond; where readings are slow the rate is taken over a longer time.
constexpr std::int64_t largest_error_ns = 900;
constexpr int fraction_bits = 32;

/// Both clocks at one time.
struct reading {
    std::uint64_t ticks = 0;
    std::int64_t ns = 0;
    std::uint64_t took = std::numeric_limits<std::uint64_t>::max();  // ticks, from before the kernel's clock was read to after

    /// Of two tries the one that was interrupted least.
    static reading now() noexcept {
        reading best;
        for (int i = 0; i < 2; ++i) {
            const auto before = counter();
            const auto ns = kernel_ns();
            const auto took = counter() - before;
            if (took >= best.took) { break; }
            best = {before + took / 2, ns, took};
        }
        return best;
    }
};

/// The last reading, and the counter's rate since an earlier one.
struct counter_clock {
    reading last;
    reading earlier;
    std::uint64_t ns_per_tick = 0;  // fixed point; 0: not known
    std::uint64_t good_for = 0;     // ticks; 0 where the rate is not known

    [[gnu::noinline, gnu::cold]] std::int64_t renew() noexcept {
        if (good_for == 0 && last.ns != 0) {
            if (const auto now = kernel_ns(); now - last.ns < shortest_ns) { return now; }
        }
        const auto before = std::exchange(last, reading::now());
        const auto known = std::exchange(ns_per_tick, rate());
        const auto differs = known > ns_per_tick ? known - ns_per_tick : ns_per_tick - known;
        // More than errors of that size explain: the counter went on through a suspend, or from nothing after one.
        if (known != 0 && ns_per_tick != 0 && differs > known >> 7) {
            ns_per_tick = 0;
            earlier = last;
        }
        good_for = ns_per_tick == 0 ? 0 : (static_cast<std::uint64_t>(window_ns) << fraction_bits) / ns_per_tick;
        if (earlier.ns == 0 || last.ns - earlier.ns >= too_long_ns) { earlier = last; }
        else if (last.ns - earlier.ns >= longest_ns) { earlier = before; }
        return last.ns;
    }

    /// Nanoseconds to a tick, 0 where the two readings do not tell it well enough.
    std::uint64_t rate() const noexcept {
        const auto passed_ns = last.ns - earlier.ns;
        const auto passed_ticks = last.ticks - earlier.ticks;
        if (earlier.ns == 0 || passed_ns < shortest_ns || passed_ns >= too_long_ns) { return 0; }
        if (passed_ticks == 0 || passed_ticks >= std::uint64_t{1} << 40) { return 0; }
        __extension__ using wide = unsigned __int128;
        const auto found = (static_cast<wide>(passed_ns) << fraction_bits) / passed_ticks;
        const auto half_ns = [found](std::uint64_t duration) { return static_cast<std::int64_t>(duration * found >> fraction_bits) / 2; };
        const auto error_ns = half_ns(last.took) + half_ns(earlier.took + last.took) * window_ns / passed_ns;
        return error_ns > largest_error_ns ? 0 : static_cast<std::uint64_t>(found);
    }
};

const bool has_counter = counter_is_steady();

}  // namespace

std::int64_t steady_ns() noexcept {
    thread_local constinit counter_clock mine;
    if (!has_counter) { return kernel_ns(); }
    const auto passed = counter() - mine.last.ticks;
    if (passed >= mine.good_for) { return mine.renew(); }  // also where the counter went back
    return mine.last.ns + static_cast<std::int64_t>((passed * mine.ns_per_tick) >> fraction_bits);
}

}  // namespace numasio::detail
