// The parent starts the children and reads callgrind's files; a child runs one case.
#include <bench/peers/instructions.hpp>

#include <bench/peers/options.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace numasio::bench {
namespace {

#ifdef NUMASIO_HAS_CALLGRIND
/// The instructions that callgrind's file says, in its line "totals: N", without those of the clock's look at the kernel's: once a millisecond, in
/// which a program does fifty times less under valgrind. A call is three lines: "cfn=", "calls=", and the place with what it cost.
std::optional<double> total_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    double looks = 0;
    bool is_look = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("totals: ")) { return std::stod(line.substr(8)) - looks; }
        if (line.starts_with("cfn=")) { is_look = line.find("counter_clock<") != std::string::npos && line.find(">::renew()") != std::string::npos; }
        if (!line.starts_with("calls=") || !std::getline(in, line) || !is_look) { continue; }
        looks += std::stod(line.substr(line.rfind(' ') + 1));
    }
    return {};
}

std::optional<double> count_under_valgrind(std::size_t number, int count, const std::filesystem::path& out) {
    std::filesystem::remove(out);
    std::vector<std::string> words{NUMASIO_VALGRIND, "--tool=callgrind", "--quiet", "--instr-atstart=no", "--compress-strings=no",
                                   "--callgrind-out-file=" + out.string(),
                                   std::filesystem::read_symlink("/proc/self/exe").string(),
                                   "--case", std::to_string(number), std::to_string(count)};
    std::vector<char*> argv;
    for (auto& word : words) { argv.push_back(word.data()); }
    argv.push_back(nullptr);
    pid_t child = 0;
    int status = 0;
    if (::posix_spawn(&child, words[0].c_str(), nullptr, nullptr, argv.data(), environ) != 0) { return {}; }
    if (::waitpid(child, &status, 0) != child || status != 0) { return {}; }
    return total_of(out);
}

void print_all(const options& asked, std::string_view title, const std::vector<counted>& all) {
    const int count = asked.repeats(64'000) / 64 * 64;
    const auto out = std::filesystem::temp_directory_path() / ("bench_instructions." + std::to_string(::getpid()));
    std::printf("\n### %s\n\nCallgrind, %d times each, without the clock's looks at the kernel's.\n\n| | instructions each |\n|---|---|\n",
                std::string(title).c_str(), count);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (const auto total = count_under_valgrind(i, count, out)) {
            std::printf("| %s | %.1f |\n", all[i].name.c_str(), *total / count);
        } else {
            std::printf("| %s | not measured: valgrind failed on it (its message is above) |\n", all[i].name.c_str());
        }
        std::fflush(stdout);
    }
    std::filesystem::remove(out);
}
#else
void print_all(const options&, std::string_view title, const std::vector<counted>&) {
    std::printf("\n### %s\n\nnot measured: %s\n", std::string(title).c_str(), NUMASIO_NO_CALLGRIND);
}
#endif

}  // namespace

int count_instructions(int argc, char** argv, std::string_view about, std::string_view title, const std::vector<counted>& cases) {
    if (argc == 4 && std::string_view(argv[1]) == "--case") {  // the child's part
        const auto number = std::strtoul(argv[2], nullptr, 10);
        if (number < cases.size()) { cases[number].run(std::atoi(argv[3])); }
        return number < cases.size() ? 0 : 2;
    }
    print_all(parse_options(argc, argv, about), title, cases);
    return 0;
}

}  // namespace numasio::bench
