// Rounds, order statistics and markdown.
#include "comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace numasio::bench {
namespace {

/// How many values to leave out at each end: the largest k with P(Binomial(n, 1/2) < k) <= 2.5 %.
std::size_t outside(std::size_t n) {
    double below = 0;
    double term = std::pow(0.5, static_cast<double>(n));
    std::size_t k = 0;
    while (below + term <= 0.025) {
        below += term;
        term *= static_cast<double>(n - k) / static_cast<double>(k + 1);
        ++k;
    }
    return k;
}

std::string shown(double value) {
    char text[32];
    const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 4;
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

void print_cell(const estimate& e) {
    std::printf(" %s (%s–%s) |", shown(e.median).c_str(), shown(e.low).c_str(), shown(e.high).c_str());
}

}  // namespace

std::vector<measured_round> interleave(const std::vector<contender>& all, int rounds,
                                       const std::function<cpu_distance()>& probe) {
    std::vector<measured_round> seen;
    for (int r = 0; r < rounds; ++r) {
        measured_round now;
        now.values.resize(all.size());
        if (probe) { now.before = probe(); }
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto which = (i + static_cast<std::size_t>(r)) % all.size();
            if (all[which].measure) { now.values[which] = all[which].measure(); }
        }
        if (probe) { now.after = probe(); }
        seen.push_back(std::move(now));
    }
    return seen;
}

estimate estimate_of(std::vector<double> values) {
    if (values.empty()) { return {}; }
    std::sort(values.begin(), values.end());
    const auto n = values.size();
    const auto k = n < 6 ? 1 : outside(n);
    const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    return {median, values[k - 1], values[n - k]};
}

void print_table(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                 const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references) {
    std::printf("\n### %.*s\n\n%zu rounds, interleaved; medians and their 95 %% intervals%s.\n\n| |",
                static_cast<int>(title.size()), title.data(), rounds.size(),
                rounds.size() < 6 ? " (too few rounds: the whole range)" : "");
    std::printf(" %.*s |", static_cast<int>(unit.size()), unit.data());
    for (const auto r : references) { std::printf(" ÷ %s |", all[r].name.c_str()); }
    std::printf("\n|---|---|");
    for (std::size_t i = 0; i < references.size(); ++i) { std::printf("---|"); }
    std::printf("\n");
    for (std::size_t c = 0; c < all.size(); ++c) {
        if (!all[c].measure) {
            std::printf("| %s | not measured: %s |\n", all[c].name.c_str(), all[c].missing.c_str());
            continue;
        }
        std::printf("| %s |", all[c].name.c_str());
        std::vector<double> values;
        for (const auto& round : rounds) { values.push_back(round.values[c]); }
        print_cell(estimate_of(values));
        for (const auto r : references) {
            if (!all[r].measure || r == c) {
                std::printf(" – |");
                continue;
            }
            std::vector<double> ratios;
            for (const auto& round : rounds) { ratios.push_back(round.values[c] / round.values[r]); }
            print_cell(estimate_of(ratios));
        }
        std::printf("\n");
    }
    std::fflush(stdout);
}

}  // namespace numasio::bench
