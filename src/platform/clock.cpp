// Steady time from the processor's counter, set by the kernel's clock four thousand times a second.
#include <numasio/detail/platform.hpp>

#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace numasio::detail {
namespace {

#if defined(__x86_64__)
constexpr const char* kernels_name_for_it = "tsc";
std::uint64_t ticks() noexcept { return __rdtsc(); }
#elif defined(__aarch64__)
constexpr const char* kernels_name_for_it = "arch_sys_counter";
std::uint64_t ticks() noexcept {
    std::uint64_t now;
    asm volatile("mrs %0, cntvct_el0" : "=r"(now));
    return now;
}
#else
constexpr const char* kernels_name_for_it = nullptr;
std::uint64_t ticks() noexcept { return 0; }
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

constexpr std::int64_t window_ns = 250'000;         // how long a reading of the kernel's clock is good for
constexpr std::int64_t shortest_ns = window_ns / 2;  // two readings closer together tell no rate; a window cut short by a wrong one does
constexpr std::int64_t longest_ns = 1'000'000'000;  // two readings further apart may lie around a suspend: no rate is taken of them
/// How long the two readings of a rate may have taken together. Half of it is how far apart the clocks may have been read, twice that
/// how far the rate carries it within a window, and half again what the later reading was off by: under a microsecond in all.
constexpr std::int64_t longest_readings_ns = 600;
constexpr int fraction_bits = 32;

/// The last reading of both clocks, and their rate since the one before it.
struct reading {
    std::uint64_t at_ticks = 0;
    std::int64_t at_ns = 0;
    std::uint64_t took = 0;         // ticks, from before the kernel's clock was read to after
    std::uint64_t ns_per_tick = 0;  // fixed point; 0: not known
    std::uint64_t good_for = 0;     // ticks; 0 where the rate is not known

    std::int64_t renew() noexcept {
        const auto last = *this;
        const bool none = at_ns == 0;
        if (!none && ns_per_tick == 0) {
            if (const auto now = kernel_ns(); now - at_ns < shortest_ns) { return now; }
        }
        // Of the tries the one that was interrupted least.
        took = std::numeric_limits<std::uint64_t>::max();
        for (int i = 0; i < 2; ++i) {
            const auto before = ticks();
            const auto ns = kernel_ns();
            const auto this_took = ticks() - before;
            if (this_took >= took) { break; }
            took = this_took;
            at_ticks = before + took / 2;
            at_ns = ns;
        }
        const auto passed_ns = at_ns - last.at_ns;
        const auto passed_ticks = at_ticks - last.at_ticks;
        ns_per_tick = good_for = 0;
        if (none || passed_ns < shortest_ns || passed_ns >= longest_ns) { return at_ns; }
        if (passed_ticks == 0 || passed_ticks >= std::uint64_t{1} << 40) { return at_ns; }
        __extension__ using wide = unsigned __int128;
        const auto rate = (static_cast<wide>(passed_ns) << fraction_bits) / passed_ticks;
        const auto readings_ns = (static_cast<wide>(last.took) + took) * rate >> fraction_bits;
        if (rate == 0 || readings_ns > longest_readings_ns) { return at_ns; }
        ns_per_tick = static_cast<std::uint64_t>(rate);
        good_for = (static_cast<std::uint64_t>(window_ns) << fraction_bits) / ns_per_tick;
        return at_ns;
    }
};

const bool has_counter = counter_is_steady();

}  // namespace

std::int64_t steady_ns() noexcept {
    thread_local constinit reading mine;
    if (!has_counter) { return kernel_ns(); }
    const auto passed = ticks() - mine.at_ticks;
    if (passed >= mine.good_for) { return mine.renew(); }  // also where the counter went back
    return mine.at_ns + static_cast<std::int64_t>((passed * mine.ns_per_tick) >> fraction_bits);
}

}  // namespace numasio::detail
