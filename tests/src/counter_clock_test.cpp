// Time from a counter: right whatever the counter, the kernel's clock and the machine do, and mostly without the kernel's clock.
#include "src/platform/counter_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace numasio::platform {
namespace {

/// A machine's two clocks; each reading takes time.
struct machine {
    static inline double now_ns, counted, ticks_per_ns, reading_ns, slew;
    static inline int kernel_readings;

    static void begin(double ghz = 2.9, double reading = 15) {
        now_ns = 1e12, counted = 7e12, ticks_per_ns = ghz, reading_ns = reading, slew = 1, kernel_readings = 0;
    }
    static void pass(double ns) {
        now_ns += ns;
        counted += ns / slew * ticks_per_ns;
    }
    static void suspend(double ns) { counted += ns * ticks_per_ns; }  // the kernel's clock stands

    static std::uint64_t counter() {
        pass(reading_ns / 3);
        return static_cast<std::uint64_t>(counted);
    }
    static std::int64_t kernel_ns() {
        ++kernel_readings;
        pass(reading_ns / 3);
        const auto read = static_cast<std::int64_t>(now_ns);
        pass(reading_ns / 3);
        return read;
    }
};

using clock = counter_clock<machine>;

/// How far off the clock is, at most, over readings with such steps between them.
double worst_error_ns(clock& c, double step_ns, int readings) {
    double worst = 0;
    for (int i = 0; i < readings; ++i) {
        const auto told = static_cast<double>(c.now_ns());
        worst = std::max(worst, std::abs(told - machine::now_ns));
        machine::pass(step_ns);
    }
    return worst;
}

class counter_clock_at : public ::testing::TestWithParam<double> {};  // GHz of the counter

TEST_P(counter_clock_at, is_the_kernels_clock_within_a_microsecond_and_mostly_does_not_read_it) {
    machine::begin(GetParam());
    clock c;
    for (const double step : {10.0, 700.0, 3e4, 2.4e5, 2.6e5, 9e8, 2e9, 50.0}) { EXPECT_LT(worst_error_ns(c, step, 3000), 1000) << step; }
    machine::kernel_readings = 0;
    EXPECT_LT(worst_error_ns(c, 100, 100'000), 100);
    EXPECT_LT(machine::kernel_readings, 300);
}
INSTANTIATE_TEST_SUITE_P(, counter_clock_at, ::testing::Values(0.025, 1.0, 2.9, 5.7));

TEST(counter_clock, is_right_after_a_suspend_at_any_point) {
    for (const double step : {20.0, 5e3, 1e5, 2e5, 1e6, 5e8}) {
        for (int at = 0; at < 40; ++at) {
            for (const double slept : {2e6, 1e8, 6e10, 1e13}) {
                machine::begin();
                clock c;
                worst_error_ns(c, step, at);
                machine::suspend(slept);
                EXPECT_LT(worst_error_ns(c, step, 500), 1000) << at << " steps of " << step << ", asleep for " << slept;
            }
        }
    }
}

TEST(counter_clock, is_right_when_the_counter_begins_anew) {
    for (int at = 0; at < 40; ++at) {
        machine::begin();
        clock c;
        worst_error_ns(c, 1e5, at);
        machine::counted = 1000;
        EXPECT_LT(worst_error_ns(c, 1e4, 500), 1000) << at;
    }
}

TEST(counter_clock, is_right_where_readings_are_slow_and_still_spares_them) {
    machine::begin(2.9, 609);
    clock c;
    EXPECT_LT(worst_error_ns(c, 1000, 20'000), 1000 + 609);  // the reading itself takes as long
    machine::kernel_readings = 0;
    worst_error_ns(c, 1000, 100'000);
    EXPECT_LT(machine::kernel_readings, 20'000);
}

TEST(counter_clock, is_right_where_readings_are_interrupted) {
    std::minstd_rand dice(1);
    machine::begin();
    clock c;
    for (int i = 0; i < 20'000; ++i) {
        machine::reading_ns = dice() % 20 == 0 ? 5e6 : 15;
        c.now_ns();
        machine::reading_ns = 15;
        EXPECT_LT(worst_error_ns(c, 3000, 5), 1000) << i;
    }
}

TEST(counter_clock, follows_a_kernel_that_slews_its_clock) {
    machine::begin();
    clock c;
    for (int i = 0; i < 200; ++i) {
        machine::slew = i % 2 == 0 ? 1.0005 : 0.9995;
        EXPECT_LT(worst_error_ns(c, 500, 5'000), 1000) << i;
    }
}

}  // namespace
}  // namespace numasio::platform
