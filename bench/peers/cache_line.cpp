// Two threads hand one atomic number back and forth.
#include "cache_line.hpp"

#include "pinned.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace numasio::bench {
namespace {

double quantile(std::vector<double> values, double q) {
    if (values.empty()) { return 0; }
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

}  // namespace

double cache_line_round_trip_ns(cpu_id here, cpu_id there) {
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
    pin(here);
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

regimes by_regime(const std::vector<measured_round>& rounds) {
    std::vector<double> line;
    for (const auto& round : rounds) { line.insert(line.end(), {round.probe_before, round.probe_after}); }
    const double least = quantile(line, 0.05);
    const double most = quantile(line, 0.95);
    // A run that lay in one regime may still lie around the fixed border.
    const bool two = most >= 2 * least;
    const double border = two ? (least + most) / 2 : quantile(line, 0.5) >= far_ns ? 0 : 2 * most;
    regimes found;
    for (const auto& round : rounds) {
        const bool before = round.probe_before >= border;
        const bool after = round.probe_after >= border;
        (before != after ? found.mixed : before ? found.far : found.near).push_back(round);
    }
    return found;
}

void print_by_regime(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                     const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references) {
    const auto found = by_regime(rounds);
    const auto one = [&](const char* name, const std::vector<measured_round>& of) {
        if (of.empty()) { return; }
        std::vector<double> line;
        for (const auto& round : of) { line.insert(line.end(), {round.probe_before, round.probe_after}); }
        char heading[96];
        std::snprintf(heading, sizeof heading, "; %s: a bare cache line takes %.0f ns there and back", name,
                      estimate_of(line).median);
        print_table(std::string(title) + heading, unit, all, of, references);
    };
    one("NEAR", found.near);
    one("FAR", found.far);
    if (!found.mixed.empty()) {
        std::printf("\n%.*s: %zu rounds left out, in which the regime changed.\n", static_cast<int>(title.size()),
                    title.data(), found.mixed.size());
    }
}

}  // namespace numasio::bench
