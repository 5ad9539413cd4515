// Two threads hand one atomic number back and forth; then both count.
#include "cpu_distance.hpp"

#include "pinned.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace numasio::bench {
namespace {

void keep_in_register(std::uint64_t& value) noexcept { asm volatile("" : "+r"(value)); }

double quantile(std::vector<double> values, double q) {
    if (values.empty()) { return 0; }
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

double cache_line_round_trip_ns(cpu_id there) {
    constexpr std::uint32_t batches = 301;
    constexpr std::uint32_t trips = 20;
    alignas(128) std::atomic<std::uint32_t> line{0};
    constexpr std::uint32_t last = 2 * batches * trips;
    // A side that has waited long yields: the other may share its CPU with a neighbour's load.
    const auto await = [&line](std::uint32_t turn) {
        for (std::uint32_t spins = 0; line.load(std::memory_order_acquire) != turn; ++spins) {
            if (spins > 10'000) { std::this_thread::yield(); }
        }
    };
    std::thread other([&] {
        pin(there);
        for (std::uint32_t turn = 1; turn < last; turn += 2) {
            await(turn);
            line.store(turn + 1, std::memory_order_release);
        }
    });
    std::vector<double> took;
    std::uint32_t turn = 0;
    for (std::uint32_t b = 0; b < batches; ++b) {
        const auto start = std::chrono::steady_clock::now();
        for (std::uint32_t i = 0; i < trips; ++i) {
            line.store(turn + 1, std::memory_order_release);
            await(turn += 2);
        }
        took.push_back(seconds_since(start) * 1e9 / trips);
    }
    other.join();
    return quantile(took, 0.1);
}

/// Additions that do not wait for one another: one thread alone keeps a core's units busy.
void count_up() {
    std::uint64_t a = 0, b = 0, c = 0, d = 0;
    for (int i = 0; i < 2000; ++i) {
        for (auto* const one : {&a, &b, &c, &d}) {
            *one += 1;
            keep_in_register(*one);
        }
        for (auto* const one : {&a, &b, &c, &d}) {
            *one += 2;
            keep_in_register(*one);
        }
    }
}
double ns_to_count() {
    std::vector<double> took;
    for (int i = 0; i < 300; ++i) {
        const auto start = std::chrono::steady_clock::now();
        count_up();
        took.push_back(seconds_since(start) * 1e9);
    }
    return quantile(took, 0.1);
}
double slowdown_beside(cpu_id there) {
    const double alone = ns_to_count();
    std::atomic<bool> counts{false};
    std::atomic<bool> ends{false};
    std::thread other([&] {
        pin(there);
        while (!ends.load(std::memory_order_relaxed)) {
            count_up();
            counts.store(true, std::memory_order_relaxed);
        }
    });
    while (!counts.load(std::memory_order_relaxed)) { std::this_thread::yield(); }
    const double beside = ns_to_count();
    ends = true;
    other.join();
    return beside / alone;
}

}  // namespace

cpu_distance distance_between(cpu_id here, cpu_id there) {
    pin(here);
    return {cache_line_round_trip_ns(there), slowdown_beside(there)};
}

regimes by_regime(const std::vector<measured_round>& rounds) {
    std::vector<double> line;
    for (const auto& round : rounds) { line.insert(line.end(), {round.before.line_ns, round.after.line_ns}); }
    const double least = quantile(line, 0.05);
    const double most = quantile(line, 0.95);
    // A run that lay in one regime may still lie around the fixed border.
    const bool two = most >= 2 * least;
    const double border = two ? (least + most) / 2 : quantile(line, 0.5) >= far_ns ? 0 : 2 * most;
    regimes found;
    const auto at = [&](const cpu_distance& d) -> std::vector<measured_round>& {
        if (d.line_ns >= border) { return found.far; }
        return d.slowdown >= shares_core ? found.one_core : found.near;
    };
    for (const auto& round : rounds) {
        auto& before = at(round.before);
        (&before == &at(round.after) ? before : found.mixed).push_back(round);
    }
    return found;
}

void print_by_regime(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                     const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references) {
    const auto found = by_regime(rounds);
    const auto one = [&](const char* name, const std::vector<measured_round>& of) {
        if (of.empty()) { return; }
        std::vector<double> line;
        for (const auto& round : of) { line.insert(line.end(), {round.before.line_ns, round.after.line_ns}); }
        char heading[128];
        std::snprintf(heading, sizeof heading, "; %s: a bare cache line takes %.0f ns there and back", name,
                      estimate_of(line).median);
        print_table(std::string(title) + heading, unit, all, of, references);
    };
    one("NEAR", found.near);
    one("FAR", found.far);
    one("ONE CORE (its two threads)", found.one_core);
    if (!found.mixed.empty()) {
        std::printf("\n%.*s: %zu rounds left out, in which the regime changed.\n", static_cast<int>(title.size()),
                    title.data(), found.mixed.size());
    }
}

}  // namespace numasio::bench
