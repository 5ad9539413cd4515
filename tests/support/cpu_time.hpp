// What this process, and one of its threads, have used of the processors.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace numasio::test {

inline std::chrono::microseconds cpu_time_of_process() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    return us(used.ru_utime) + us(used.ru_stime);
}

/// How often a thread of this process has left a processor: a thread that stays asleep leaves none.
inline std::uint64_t switches_of(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/status");
    std::uint64_t switches = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.find("ctxt_switches:") != std::string::npos) { switches += std::stoull(line.substr(line.find(':') + 1)); }
    }
    return switches;
}

/// Of an emulated machine the processors take turns on one of the host's: what passes while one waits counts as its threads' time.
inline bool processor_time_is_real() { return !std::filesystem::exists("/run/guest.sh"); }

}  // namespace numasio::test
