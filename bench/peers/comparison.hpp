// Interleaved rounds of several contenders, and what they say: medians, ratios, and the intervals of both.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::bench {

/// One way to do a job. `missing` says why it cannot be measured here; `measure` is empty then.
struct contender {
    std::string name;
    std::function<double()> measure;
    std::string missing{};
};

/// How far apart the two CPUs are at the moment. A virtual machine's host moves its CPUs.
struct cpu_distance {
    double line_ns = 0;   // a bare cache line there and back
    double slowdown = 1;  // of one CPU's arithmetic while the other does the same: two of two threads of one core
};

/// What one round saw: a value for each contender (0 for a missing one), and how far apart the CPUs were before and after it.
struct measured_round {
    std::vector<double> values;
    cpu_distance before;
    cpu_distance after;
};

/// Measures every contender once in each round, and begins each round with another one. `probe` is called before and
/// after each round.
std::vector<measured_round> interleave(const std::vector<contender>& all, int rounds,
                                       const std::function<cpu_distance()>& probe = {});

/// The median, and the order statistics that include the true median with at least 95 % probability; with fewer than
/// six values no two of them do, and the whole range stands for the interval.
struct estimate {
    double median = 0;
    double low = 0;
    double high = 0;
};
estimate estimate_of(std::vector<double> values);

/// Prints a markdown table: a row for each contender, with the ratio of its value to that of each of `references` in the
/// same round.
void print_table(std::string_view title, std::string_view unit, const std::vector<contender>& all,
                 const std::vector<measured_round>& rounds, const std::vector<std::size_t>& references);

}  // namespace numasio::bench
