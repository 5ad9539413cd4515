// Steady time: which counter the processor has, and whether it is steady.
#include "src/platform/counter_clock.hpp"

#include <numasio/detail/platform.hpp>

#include <cstdint>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace numasio::detail {
namespace {

#if defined(__x86_64__)
constexpr const char* kernels_name_for_it = "tsc";
std::uint64_t processors_counter() noexcept { return __rdtsc(); }
#elif defined(__aarch64__)
constexpr const char* kernels_name_for_it = "arch_sys_counter";
std::uint64_t processors_counter() noexcept {
    std::uint64_t now;
    asm volatile("mrs %0, cntvct_el0" : "=r"(now));
    return now;
}
#else
constexpr const char* kernels_name_for_it = nullptr;
std::uint64_t processors_counter() noexcept { return 0; }
#endif

/// The kernel keeps time by the counter only where all processors' agree and none stops.
bool counter_is_steady() noexcept try {
    std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string source;
    return kernels_name_for_it != nullptr && file >> source && source == kernels_name_for_it;
} catch (...) {
    return false;
}

std::int64_t kernels_ns() noexcept { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

struct clocks {
    static std::uint64_t counter() noexcept { return processors_counter(); }
    static std::int64_t kernel_ns() noexcept { return kernels_ns(); }
};

const bool has_counter = counter_is_steady();

}  // namespace

std::int64_t steady_ns() noexcept {
    thread_local constinit platform::counter_clock<clocks> mine;
    return has_counter ? mine.now_ns() : kernels_ns();
}

}  // namespace numasio::detail
