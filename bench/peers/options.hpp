// The arguments that the programs of bench/bridge share: how many rounds, quickly or not, on which CPUs.
#pragma once

#include <numasio/ids.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace numasio::bench {

struct options {
    int rounds = 25;    // each measures every contender once
    bool quick = false; // a smoke test: a few short rounds, whose figures mean nothing
    std::vector<cpu_id> cpus;        // the two CPUs of programs with two threads; empty: the first two allowed
    std::vector<std::string> extra;  // the program's own flags that were given

    bool has(std::string_view flag) const noexcept;
    /// `full` repetitions, or a twentieth of them in a smoke test, but at least one.
    int repeats(int full) const noexcept { return quick ? (full + 19) / 20 : full; }
};

/// `flags` are the program's own, without values ("--fresh"). `about` is printed by --help.
/// `rounds` where none are given. Fails: prints what is wrong and the remedy, and ends the process with 2.
options parse_options(int argc, char** argv, std::string_view about, const std::vector<std::string>& flags = {}, int rounds = 25);

/// `asked.cpus`, or the first two CPUs that this process may use.
/// Fails: prints the remedy and ends the process with 2 where there are not two.
std::vector<cpu_id> two_cpus(const options& asked);

/// Prints "PROGRAM: what" to stderr and ends the process with `status`. 1: the benchmark found a fault; 2: the user's.
[[noreturn]] void give_up(int status, std::string_view what);

}  // namespace numasio::bench
