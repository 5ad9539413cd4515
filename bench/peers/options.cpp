// Reads the arguments; every refusal names the remedy.
#include "options.hpp"

#include <numasio/affinity.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace numasio::bench {
namespace {

constexpr int most_rounds = 10'000;
std::string program = "bench";

std::optional<int> whole_number(std::string_view text, int least, int most) {
    int value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || value < least || value > most) { return {}; }
    return value;
}

std::vector<cpu_id> cpu_pair(std::string_view text) {
    const auto comma = text.find(',');
    const auto first = whole_number(text.substr(0, comma), 0, 1 << 20);
    const auto second = comma == text.npos ? std::nullopt : whole_number(text.substr(comma + 1), 0, 1 << 20);
    if (!first || !second || *first == *second) {
        give_up(2, "--cpus needs two different CPU numbers, as in --cpus 0,1, not '" + std::string(text) + "'");
    }
    const std::vector<cpu_id> pair{{static_cast<std::uint32_t>(*first)}, {static_cast<std::uint32_t>(*second)}};
    const auto allowed = this_thread_cpus();
    for (const auto cpu : pair) {
        if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) {
            give_up(2, "--cpus: this process may not use CPU " + std::to_string(cpu.value) +
                           "; `taskset -cp $$` shows those it may");
        }
    }
    return pair;
}

void print_help(std::string_view about, const std::vector<std::string>& flags) {
    std::printf("%s: %.*s\n  --rounds N    rounds, interleaved; 1 to %d\n"
                "  --quick       a smoke test; its figures mean nothing\n"
                "  --cpus A,B    the CPUs of the two sides; the first two allowed if not given\n",
                program.c_str(), static_cast<int>(about.size()), about.data(), most_rounds);
    for (const auto& flag : flags) { std::printf("  %s\n", flag.c_str()); }
}

}  // namespace

bool options::has(std::string_view flag) const noexcept {
    return std::find(extra.begin(), extra.end(), flag) != extra.end();
}

void give_up(int status, std::string_view what) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %.*s\n", program.c_str(), static_cast<int>(what.size()), what.data());
    std::exit(status);  // NOLINT(concurrency-mt-unsafe): a fault ends the program whatever its threads do
}

options parse_options(int argc, char** argv, std::string_view about, const std::vector<std::string>& flags, int rounds) {
    const std::vector<std::string> given(argv, argv + argc);
    if (!given.empty()) { program = given[0].substr(given[0].rfind('/') + 1); }
    options asked;
    asked.rounds = rounds;
    bool rounds_given = false;
    for (std::size_t i = 1; i < given.size(); ++i) {
        const auto& word = given[i];
        const auto value = [&](const char* example) {
            if (++i >= given.size()) { give_up(2, word + " needs a value, as in " + example); }
            return given[i];
        };
        if (word == "--quick") {
            asked.quick = true;
        } else if (word == "--rounds") {
            const auto text = value("--rounds 25");
            const auto number = whole_number(text, 1, most_rounds);
            if (!number) {
                give_up(2, "--rounds needs a whole number from 1 to " + std::to_string(most_rounds) +
                               ", as in --rounds 25, not '" + text + "'");
            }
            asked.rounds = *number;
            rounds_given = true;
        } else if (word == "--cpus") {
            asked.cpus = cpu_pair(value("--cpus 0,1"));
        } else if (word == "--help" || word == "-h") {
            print_help(about, flags);
            std::exit(0);  // NOLINT(concurrency-mt-unsafe): before any thread is made
        } else if (std::find(flags.begin(), flags.end(), word) != flags.end()) {
            asked.extra.push_back(word);
        } else {
            give_up(2, "there is no argument '" + word + "'; --help lists them");
        }
    }
    if (asked.quick && !rounds_given) { asked.rounds = 3; }
    return asked;
}

std::vector<cpu_id> two_cpus(const options& asked) {
    if (!asked.cpus.empty()) { return asked.cpus; }
    auto allowed = this_thread_cpus();
    if (allowed.size() < 2) {
        give_up(2, "needs two CPUs and this process may use " + std::to_string(allowed.size()) +
                       "; run it where `taskset -cp $$` shows two or more");
    }
    allowed.resize(2);
    return allowed;
}

}  // namespace numasio::bench
