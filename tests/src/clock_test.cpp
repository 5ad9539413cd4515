// Steady time from the processor's counter is the kernel's steady time.
#include <numasio/detail/platform.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace numasio::detail {
namespace {

using namespace std::chrono_literals;

std::int64_t kernel_ns() { return std::chrono::steady_clock::now().time_since_epoch() / 1ns; }

/// How far off readings are, while `step` passes between them, on the calling thread. One that was interrupted says nothing:
/// each lies between two of the kernel's that are its bounds.
std::int64_t worst_error_ns(std::chrono::microseconds step, int readings) {
    std::int64_t worst = 0;
    for (int i = 0; i < readings; ++i) {
        const auto before = kernel_ns();
        const auto now = steady_ns();
        const auto after = kernel_ns();
        worst = std::max({worst, before - now, now - after});
        while (kernel_ns() < after + step / 1ns) {}
    }
    return worst;
}

constexpr std::int64_t allowed_ns = 1'000;

TEST(clock, agrees_with_the_kernels_within_a_microsecond) {
    EXPECT_LT(worst_error_ns(0us, 100'000), allowed_ns);
    EXPECT_LT(worst_error_ns(7us, 10'000), allowed_ns);
    EXPECT_LT(worst_error_ns(251us, 400), allowed_ns);
}

TEST(clock, agrees_after_a_rest) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_LT(worst_error_ns(0us, 1'000), allowed_ns);
        std::this_thread::sleep_for(i == 4 ? 1100ms : 20ms);
    }
    EXPECT_LT(worst_error_ns(0us, 1'000), allowed_ns);
}

TEST(clock, is_each_threads_own_and_the_same_for_all) {
    std::vector<std::thread> threads;
    std::vector<std::int64_t> worst(8, -1);
    for (auto& mine : worst) { threads.emplace_back([&mine] { mine = worst_error_ns(3us, 5'000); }); }
    for (auto& t : threads) { t.join(); }
    for (const auto error : worst) { EXPECT_LT(error, allowed_ns); }
}

}  // namespace
}  // namespace numasio::detail
